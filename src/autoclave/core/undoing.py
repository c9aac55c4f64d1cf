"""Taking an applied proposal back, which takes no key, and applying it again, which does."""

from __future__ import annotations

from ..domain.approval import Approval, Sheet
from ..domain.deeds import Deed, Word
from ..domain.events import EventKind, NewEvent
from ..domain.proposal import Draft, ProposalStatus
from ..domain.proposal_record import ProposalRecord
from .deeds import Deeds
from .parts import Parts
from .proposal_log import ProposalLog, check_rules, quorum_today


class Undoing:
    """Every step is a new commit on the agent's own history."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = ProposalLog(parts)
        self._deeds = Deeds(parts)

    async def undo(self, proposal_id: str, *, by: str) -> ProposalRecord:
        """Take it back."""
        with self._parts.body_lock():
            record = await self._log.get(proposal_id)
            draft = record.require(ProposalStatus.APPLIED)
            commit = self._cut_off("undo", proposal_id) or self._parts.workshop.undo(proposal_id)
            await self._parts.body_changed(draft.changes.paths, f"undo of {record.id}")
            payload = {"commit": commit}
            await self._log.post(record, EventKind.PROPOSAL_UNDONE, payload, actor=by)
        return await self._log.get(proposal_id)

    async def redo_sheet(self, proposal_id: str) -> Sheet:
        """What an owner signs to have it applied again. Raises Stale, Conflict."""
        await self._parts.refresh()
        return await self._deeds.sheet(self._redo(await self._log.get(proposal_id)))

    async def redo(self, proposal_id: str, *, signed: Approval, by: str) -> Word:
        """Take an owner's yes; the last one it takes applies it again.

        Raises Stale, Conflict, NotAllowed, CredentialMissing.
        """
        await self._parts.refresh()
        with self._parts.body_lock():
            record = await self._log.get(proposal_id)
            word = await self._deeds.allow(self._redo(record), signed, by=by)
            if not word.is_enough:
                return word
            draft = record.require(ProposalStatus.UNDONE)
            commit = self._cut_off("redo", proposal_id) or self._parts.workshop.redo(proposal_id)
            await self._parts.body_changed(draft.changes.paths, f"redo of {record.id}")
            approvals = [each.to_json() for each in word.yeses]
            payload = {"commit": commit, "approvals": approvals}
            await self._log.post(record, EventKind.PROPOSAL_REDONE, payload, actor=by)
            if taken_back := await self.taken_back(record, draft):
                await self._parts.ledger.post(record.stream, *taken_back, actor="kernel")
        return word

    async def taken_back(self, record: ProposalRecord, draft: Draft) -> list[NewEvent]:
        """The undo, by the kernel, of a change that left no mind that answers."""
        if "mind" not in self._parts.touches_of(draft.changes.paths):
            return []
        why = await self._parts.mind_health()
        if not why:
            return []
        commit = self._parts.workshop.undo(record.id)
        await self._parts.body_changed(draft.changes.paths, f"undo of {record.id}")
        payload = {"commit": commit, "reason": f"the changed mind does not answer: {why}"}
        return [NewEvent(kind=EventKind.PROPOSAL_UNDONE, payload=payload)]

    def _redo(self, record: ProposalRecord) -> Deed:
        """Of the undo that was last: after another one, a yes to this is void."""
        draft = record.require(ProposalStatus.UNDONE)
        check_rules(self._parts, record)
        facts = {
            "proposal": record.id,
            "title": record.title,
            "files": list(draft.changes.paths),
            "undone_by_commit": record.commit,
            "candidate_tree": draft.candidate_tree,
            "base_tree": self._parts.workshop.base_tree(),
            "rules": self._parts.gate.digest,
        }
        quorum = quorum_today(self._parts, record, draft)
        return Deed(subject=f"redo {record.id}", facts=facts, quorum=quorum)

    def _cut_off(self, step: str, proposal_id: str) -> str:
        """The commit of a step that a crash kept from being written down; empty if there is none.

        The status says that the step is still to be done, so a newest commit that did it is it.
        """
        newest = next(iter(self._parts.workshop.lineage()), None)
        if newest and (newest["step"], newest["proposal"]) == (step, proposal_id):
            return str(newest["commit"])
        return ""
