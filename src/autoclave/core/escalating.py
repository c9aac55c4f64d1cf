"""Stopping the whole agent because a person has to look, and saying so once."""

from __future__ import annotations

import logging

from ..domain.errors import NeedsPerson
from ..domain.events import EventKind, NewEvent
from ..domain.standing import PauseCode, Standing
from ..domain.text import show_line
from .parts import Parts

_log = logging.getLogger(__name__)


async def escalate(parts: Parts, reason: str, *, hint: str = "") -> None:
    """Pause the agent until a person lets it go on and says why; harmless when it is so already."""
    if parts.standing().code is PauseCode.ESCALATED:
        return
    said = f"{reason} ({hint})" if hint else reason
    payload = {"reason": said, "code": str(PauseCode.ESCALATED)}
    await parts.ledger.post(
        "agent", NewEvent(kind=EventKind.AGENT_PAUSED, payload=payload), actor="kernel"
    )
    _log.error("the agent is paused, a person has to look: %s", show_line(said))


def check_working(standing: Standing) -> None:
    """Raise NeedsPerson while the agent is paused."""
    if standing.is_paused:
        raise NeedsPerson(f"the agent is {standing}", hint=how_to_resume(standing))


def how_to_resume(standing: Standing) -> str:
    if standing.code is PauseCode.ESCALATED:
        return "look at it (`autoclave history`), then: autoclave resume --reason TEXT"
    return "let it go on: autoclave resume"
