"""What the loop works with, joined by wiring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..domain.ports import (
    Clock,
    Files,
    Gatekeeper,
    Knowledge,
    LanguageModel,
    Mind,
    Research,
    Sandbox,
    Toolbox,
    Workshop,
)
from ..domain.proposal import Approval
from ..domain.risk import Action, Risk, Ruling
from .ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One of each port, and where the body is."""

    ledger: Ledger
    mind: Mind
    toolbox: Toolbox
    toolbox_at: Callable[[Path], Toolbox]
    """A toolbox over the capabilities below another folder: for candidates."""
    gate: Gatekeeper
    files: Files
    sandbox: Sandbox
    knowledge: Knowledge
    workshop: Workshop
    research: Research | None
    model: LanguageModel | None
    clock: Clock
    capabilities_folder: Path
    capability_host: Path
    """The program that runs a capability inside the sandbox; it makes contexts for tests too."""
    body_lock: Callable[[], AbstractContextManager[object]]
    """Held while the body (mind and capabilities) is written."""
    body_changed: Callable[[tuple[str, ...], str], Awaitable[None]]
    """Told which home-relative paths were written and by what, so that they are offered again."""
    refresh: Callable[[], Awaitable[None]]
    """Take note of what other processes changed in the body."""
    touches_of: Callable[[tuple[str, ...]], list[str]]
    """Which components a set of home-relative paths belongs to."""
    answers_beforehand: Callable[[Ruling, Action, Risk], bool]
    """Whether a yes up to a risk tier, given beforehand, answers this question."""
    grant: Callable[[str, str, str, float, float], Approval]
    """A person's leave: subject, digest, who, now, seconds it lasts."""
    ask_seconds: Callable[[Risk], float]
    """How long a question of this risk waits before silence is a no."""
    approval_seconds: float
    """How long a proposal waits for a person."""
    shortage: Callable[[], str]
    """Why no more work should be taken on now; empty when all is well."""
    escalation: Callable[[tuple[str, ...]], str] = lambda denied: ""
    """Why a run in which these kinds of actions were denied has to wait for a person."""
    canary: Callable[[object], bool] = lambda value: False
    """Whether something holds a secret that only a break-out could have read."""
