"""What people do with the whole agent: stop it, look at it, let it go on."""

from __future__ import annotations

from ..core.escalating import how_to_resume
from ..core.parts import Parts
from ..domain.canonical import JsonObject
from ..domain.errors import Conflict, InvalidInput, NotAllowed
from ..domain.events import EventKind, NewEvent
from ..domain.standing import PauseCode, Standing, may_resume


class AgentDesk:
    """Everything is one event; the process that works sees it at its next look."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def show(self) -> JsonObject:
        return standing_to_json(self._parts.standing())

    async def pause(self, *, reason: str, by: str) -> JsonObject:
        """Nothing new is begun and what runs stops at its next step; harmless when it is so."""
        _check_person(by)
        payload = {"reason": reason, "code": str(PauseCode.ASKED)}
        await self._post(EventKind.AGENT_PAUSED, payload, by=by)
        return self.show()

    async def resume(self, *, reason: str, by: str) -> JsonObject:
        """Let it go on. After an escalation a person has to say why."""
        _check_person(by)
        standing = self._parts.standing()
        if not standing.is_paused:
            raise Conflict("the agent is not paused")
        if not may_resume(standing, by, reason):
            raise InvalidInput(
                f"the agent was paused so that a person looks: {standing.reason}",
                hint=how_to_resume(standing),
            )
        await self._post(EventKind.AGENT_RESUMED, {"reason": reason}, by=by)
        return self.show()

    async def _post(self, kind: EventKind, payload: JsonObject, *, by: str) -> None:
        await self._parts.ledger.post("agent", NewEvent(kind=kind, payload=payload), actor=by)


def standing_to_json(standing: Standing) -> JsonObject:
    return {
        "paused": standing.is_paused,
        "code": str(standing.code or ""),
        "reason": standing.reason,
        "by": standing.by,
        "since": standing.since,
        "next": how_to_resume(standing) if standing.is_paused else "",
        "level": standing.level,
        "shortage": standing.shortage,
    }


def _check_person(by: str) -> None:
    if not by.startswith("person:"):
        raise NotAllowed(f"{by!r} is no person, and only people stop the agent or let it go on")
