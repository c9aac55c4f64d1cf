"""The part of the door that changes the agent itself: proposals, owners, capabilities."""

from __future__ import annotations

from pathlib import Path

from ..core.proposals import Reader
from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.owners import Change as OwnerChanges
from .capability_desk import CapabilityDesk
from .owner_desk import OwnerDesk
from .proposal_desk import ProposalDesk


class ChangesDoor:
    """What owners have a say in. The rest of `Control` is what anybody at the home can do."""

    _proposals: ProposalDesk
    _owners: OwnerDesk
    _capabilities: CapabilityDesk

    # Proposals

    async def proposals(self, status: str | None = None) -> list[JsonObject]:
        return await self._proposals.every(status)

    async def proposal(self, proposal: str) -> JsonObject:
        return await self._proposals.get(proposal)

    async def show_proposal(self, proposal: str, *, by: str, to: Reader = "person") -> JsonObject:
        """One of them, for somebody's eyes: that it was shown is written down."""
        return await self._proposals.show(proposal, by=by, to=to)

    async def proposal_sheet(self, proposal: str) -> Sheet:
        """What an owner signs to approve it as it stands. Raises Stale, Conflict."""
        return await self._proposals.sheet(proposal)

    async def approve_proposal(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        """Take an owner's yes to exactly what they signed; the last one it takes applies it.

        Raises Stale, Conflict, NotAllowed, CredentialMissing. What waits for another yes comes back
        with the status `signed`.
        """
        return await self._proposals.approve(proposal, signed=signed, by=by)

    async def reject_proposal(self, proposal: str, reason: str, *, by: str) -> JsonObject:
        return await self._proposals.reject(proposal, reason, by=by)

    async def return_proposal(self, proposal: str, comments: list[str], *, by: str) -> JsonObject:
        return await self._proposals.send_back(proposal, comments, by=by)

    async def undo_proposal(self, proposal: str, *, by: str) -> JsonObject:
        """Take an applied one back. It only goes back, so nobody has to sign."""
        return await self._proposals.undo(proposal, by=by)

    async def redo_sheet(self, proposal: str) -> Sheet:
        """What an owner signs to have an undone one applied again. Raises Stale, Conflict."""
        return await self._proposals.redo_sheet(proposal)

    async def redo_proposal(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        """Apply an undone one again, with the last yes that this takes; else see `waits_for`."""
        return await self._proposals.redo(proposal, signed=signed, by=by)

    async def settle_proposal(self, proposal: str, *, as_applied: bool, by: str) -> JsonObject:
        """Say what became of one that a crash cut off and a hand edit keeps from being finished."""
        return await self._proposals.settle(proposal, as_applied=as_applied, by=by)

    async def lineage(self) -> list[JsonObject]:
        """The agent's own history, newest first."""
        return self._proposals.lineage()

    # Owners

    async def owners(self) -> JsonObject:
        """Who owns this home, and the changes of owners that wait for another yes."""
        return await self._owners.show()

    async def enrol_first_owner(self, name: str, key: str, *, by: str) -> JsonObject:
        """Take the first owner of this home in. Raises Conflict when it has one."""
        return await self._owners.enrol_first(name, key, by=by)

    async def owner_sheet(self, change: OwnerChanges, name: str, key: str = "") -> Sheet:
        """What an owner signs to add or remove one. Raises Conflict, NotFound, InvalidInput."""
        return await self._owners.sheet(change, name, key)

    async def change_owners(
        self, change: OwnerChanges, name: str, key: str = "", *, signed: Approval, by: str
    ) -> JsonObject:
        """Add or remove an owner; `done` says whether that was the last yes it took."""
        return await self._owners.change(change, name, key, signed=signed, by=by)

    # Capabilities

    async def list_capabilities(self) -> list[JsonObject]:
        return await self._capabilities.every()

    async def capability(self, name: str) -> JsonObject:
        return await self._capabilities.show(name)

    async def run_capability(
        self, name: str, inputs: JsonObject, workspace: Path | None
    ) -> JsonObject:
        return await self._capabilities.run(name, inputs, workspace)

    async def test_capability(self, name: str) -> JsonObject:
        return await self._capabilities.test(name)

    async def capability_sheet(self, folder: Path) -> Sheet:
        """What an owner signs to have a capability enrolled. Raises InvalidInput, NotAllowed."""
        return await self._capabilities.sheet(folder)

    async def add_capability(self, folder: Path, *, signed: Approval, by: str) -> JsonObject:
        """Try it and enrol it, with the last yes that this takes; else see `waits_for`."""
        return await self._capabilities.add(folder, signed=signed, by=by)
