"""Proposals as the journal has them, and what is allowed of one today."""

from __future__ import annotations

from ..domain.approval import Quorum
from ..domain.canonical import JsonObject
from ..domain.errors import NotFound, Stale
from ..domain.events import Event, EventKind, NewEvent
from ..domain.proposal import Draft
from ..domain.proposal_record import ProposalRecord, fold_proposal
from .parts import Parts
from .surface import judge_surface


class ProposalLog:
    """Reads and appends; decides nothing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def every(self) -> list[ProposalRecord]:
        """All proposals, oldest first."""
        streams: dict[str, list[Event]] = {}
        for event in await self._parts.ledger.events_below("proposal/"):
            streams.setdefault(event.stream, []).append(event)
        return [fold_proposal(s.removeprefix("proposal/"), e) for s, e in streams.items()]

    async def get(self, proposal_id: str) -> ProposalRecord:
        """One of them. Raises NotFound."""
        events = await self._parts.ledger.events(f"proposal/{proposal_id}")
        if not events:
            raise NotFound(
                f"there is no proposal {proposal_id}", hint="see `autoclave proposal list`"
            )
        return fold_proposal(proposal_id, events)

    async def post(
        self, record: ProposalRecord, kind: EventKind, payload: JsonObject, *, actor: str
    ) -> None:
        event = NewEvent(kind=kind, payload=payload)
        await self._parts.ledger.post(record.stream, event, actor=actor)


def check_rules(parts: Parts, record: ProposalRecord) -> None:
    """Raise Stale: what was approved under other rules has to be asked for again."""
    if parts.gate.digest != record.rules_digest:
        raise Stale(
            f"the safety rules changed since {record.id} was judged",
            hint="look for it again: `autoclave improve`",
        )


def quorum_today(parts: Parts, record: ProposalRecord, draft: Draft) -> Quorum:
    """Whose yes it takes: as it was said when it was judged, and as it is said now."""
    today = judge_surface(parts, draft.changes, goal=record.run)
    return today.or_stricter(record.quorum)
