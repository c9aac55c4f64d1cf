"""What people do with proposals."""

from __future__ import annotations

from ..core.parts import Parts
from ..core.proposals import Proposals, Reader
from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from .another_yes import another_yes
from .proposal_view import proposal_to_json


class ProposalDesk:
    """The proposals of one home, as plain values."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._proposals = Proposals(parts)

    async def every(self, status: str | None) -> list[JsonObject]:
        found = await self._proposals.every()
        return [proposal_to_json(p) for p in found if status is None or p.status == status]

    async def get(self, proposal: str) -> JsonObject:
        return proposal_to_json(await self._proposals.get(proposal))

    async def show(self, proposal: str, *, by: str, to: Reader) -> JsonObject:
        return proposal_to_json(await self._proposals.shown(proposal, by=by, to=to))

    async def sheet(self, proposal: str) -> Sheet:
        return await self._proposals.sheet(proposal)

    async def approve(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        return proposal_to_json(await self._proposals.approve(proposal, signed=signed, by=by))

    async def reject(self, proposal: str, reason: str, *, by: str) -> JsonObject:
        return proposal_to_json(await self._proposals.reject(proposal, reason=reason, by=by))

    async def send_back(self, proposal: str, comments: list[str], *, by: str) -> JsonObject:
        record = await self._proposals.send_back(proposal, comments=comments, by=by)
        return proposal_to_json(record)

    async def undo(self, proposal: str, *, by: str) -> JsonObject:
        return proposal_to_json(await self._proposals.undo(proposal, by=by))

    async def redo_sheet(self, proposal: str) -> Sheet:
        return await self._proposals.redo_sheet(proposal)

    async def redo(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        """As it stands then; what waits for another yes says so in `waits_for`."""
        word = await self._proposals.redo(proposal, signed=signed, by=by)
        done = await self.get(proposal)
        if word.is_enough:
            return done
        signed_by = [each.granted_by for each in word.yeses]
        return {**done, "signed_by": signed_by, "waits_for": another_yes(word.quorum, word.yeses)}

    async def settle(self, proposal: str, *, as_applied: bool, by: str) -> JsonObject:
        done = await self._proposals.settle(proposal, as_applied=as_applied, by=by)
        return proposal_to_json(done)

    def lineage(self) -> list[JsonObject]:
        """The agent's own history, newest first."""
        return self._parts.workshop.lineage()
