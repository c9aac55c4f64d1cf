"""How the whole agent stands: working, or paused by a person or because one has to look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from .events import Event, EventKind
from .text import show_line


class PauseCode(StrEnum):
    """Why the whole agent is paused."""

    ASKED = "asked"
    """A person wanted it."""
    ESCALATED = "escalated"
    """Something happened that a person has to look at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether the agent may work at all, and how the machine is."""

    code: PauseCode | None = None
    """None when it is not paused."""
    reason: str = ""
    by: str = ""
    since: float = 0.0
    answered: str = ""
    """The escalation that a person looked at last: it is not raised again for the same reason."""
    level: str = "ok"
    """`soft`: no more work is taken on; `hard`: what runs was set aside."""
    shortage: str = ""

    @property
    def is_paused(self) -> bool:
        return self.code is not None

    def __str__(self) -> str:
        return f"paused ({self.code}) by {show_line(self.by)}: {show_line(self.reason) or '-'}"


def fold_standing(standing: Standing, event: Event) -> Standing:
    """The standing after one more event of the stream `agent`."""
    match event.kind:
        case EventKind.AGENT_PAUSED:
            return _paused(standing, event)
        case EventKind.AGENT_RESUMED if may_resume(standing, event.actor, _reason(event)):
            answered = standing.reason if standing.code is PauseCode.ESCALATED else ""
            kept = Standing(level=standing.level, shortage=standing.shortage)
            return replace(kept, answered=answered or standing.answered)
        case EventKind.SHORTAGE_CHANGED:
            return replace(standing, level=event.payload["level"], shortage=_reason(event))
        case _:
            return standing


def may_resume(standing: Standing, actor: str, reason: str) -> bool:
    """Only a person lets the agent go on, and after an escalation only one who says why."""
    is_explained = standing.code is not PauseCode.ESCALATED or bool(reason.strip())
    return standing.is_paused and actor.startswith("person:") and is_explained


def _paused(standing: Standing, event: Event) -> Standing:
    """What a person has to look at outweighs a pause that somebody asked for, never the reverse."""
    is_escalation = event.payload.get("code") == PauseCode.ESCALATED
    code = PauseCode.ESCALATED if is_escalation else PauseCode.ASKED
    if standing.code is PauseCode.ESCALATED or standing.code is code:
        return standing
    return replace(standing, code=code, reason=_reason(event), by=event.actor, since=event.at)


def _reason(event: Event) -> str:
    return str(event.payload.get("reason", ""))
