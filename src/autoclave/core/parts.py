"""What the loop works with, joined by wiring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..domain.canonical import JsonObject
from ..domain.fetch import FetchResponse
from ..domain.owners import Verify
from ..domain.ports import (
    BatchModel,
    Clock,
    Fetcher,
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
from ..domain.risk import Action, Risk, Ruling
from ..domain.run import Run
from ..domain.standing import Standing
from ..domain.usage import Spend
from .ledger import Ledger
from .secrets import SecretStore
from .vault import Conceal, Reveal, as_written, keep_as_is


class DayAccount(Protocol):
    """What all goals together may still spend today."""

    async def check(self) -> None:
        """Raise BudgetSpent when another step does not fit into the day."""

    async def reserve(self, key: str, most: Spend, *, purpose: str) -> None:
        """Hold the most that a call can cost until its result is in the journal.

        Raises BudgetSpent, with `until` as the end of the day.
        """

    def release(self, key: str) -> None:
        """Forget what was held for a call that was not even written down."""


class EndlessDay:
    """A DayAccount without limits."""

    async def check(self) -> None:
        return None

    async def reserve(self, key: str, most: Spend, *, purpose: str) -> None:
        return None

    def release(self, key: str) -> None:
        return None


async def _nothing() -> None:
    return None


async def _is_well() -> str:
    return ""


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
    models: Callable[[str], LanguageModel | None]
    """The model for what a goal asks for (`auto`, `claude`, `offline` …); None without one."""
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
    verify: Verify
    """Whether an owner's key made a signature."""
    ask_seconds: Callable[[Risk], float]
    """How long a question of this risk waits before silence is a no."""
    approval_seconds: float
    """How long a proposal waits for a person."""
    shortage: Callable[[], str]
    """Why no more work should be taken on now; empty when all is well."""
    overload: Callable[[], str] = lambda: ""
    """Why what runs has to be set aside now; empty when all is well."""
    look: Callable[[], Awaitable[None]] = _nothing
    """Measures anew what `shortage` and `overload` say, where it is time; never blocks the loop."""
    standing: Callable[[], Standing] = Standing
    """How the whole agent stands."""
    audit_gap: Callable[[], str] = lambda: ""
    """What is wrong with the journal since it was looked at last; empty when nothing. May block."""
    day: DayAccount = EndlessDay()
    may_ask: Callable[[Ruling | None], None] = lambda ruling: None
    """Raises NotAllowed where nobody attends and the rules say that questions are then refused."""
    escalation: Callable[[tuple[str, ...]], str] = lambda denied: ""
    """Why a run in which these kinds of actions were denied has to wait for a person."""
    conceal: Conceal = keep_as_is
    """Takes secrets out of a value of one stream, before it is written down or shown."""
    reveal: Reveal = as_written
    """Puts them back, where the kernel acts. Raises NotFound when one is not kept any more."""
    canary: Callable[[object], bool] = lambda value: False
    """Whether something holds a secret that only a break-out could have read."""
    fetcher: Fetcher | None = None
    """Reaches outside; None where nothing does."""
    secrets: SecretStore | None = None
    """What people let the kernel put into single requests."""
    read_page: Callable[[FetchResponse], JsonObject] | None = None
    """What a page says to people: `title`, `text`, `links`, `is_cut`. Raises InvalidInput."""
    mind_health: Callable[[], Awaitable[str]] = _is_well
    """Why the mind in force can't stay in force; empty when it answers, sealed, as it should."""

    batches: Callable[[str], BatchModel | None] = lambda asked: None
    """As `models`, for many questions sent together; None where that is not served."""
    prompts: Callable[[], Mapping[str, str]] = dict
    """The instructions for models in the mind in force, by purpose."""
    consolidates: bool = False
    """Whether lessons are asked for once a day, when nothing else is to be done."""

    def model_for(self, run: Run) -> LanguageModel | None:
        """The model that this run may ask. Raises InvalidInput, ConfigurationInvalid."""
        return self.models(run.model)
