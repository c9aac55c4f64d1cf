"""What people do with proposals: approve, reject, send back, undo, redo. Only this applies."""

from __future__ import annotations

from ..domain.canonical import JsonObject
from ..domain.errors import Conflict, NotFound, Stale
from ..domain.events import Event, EventKind, NewEvent
from ..domain.proposal import Approval, Draft, ProposalStatus, approval_digest
from ..domain.proposal_record import ProposalRecord, fold_proposal
from ..domain.run import RunStatus
from .parts import Parts


class Proposals:
    """The proposals of one home."""

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

    async def approve(self, proposal_id: str, *, digest: str, by: str) -> ProposalRecord:
        """Grant leave for exactly these bytes, then apply them. Raises Stale, Conflict."""
        record = await self.get(proposal_id)
        draft = record.require(ProposalStatus.WAITING)
        current = self._current_digest(record, draft)
        if len(digest) < 8 or not current.startswith(digest):
            raise Stale(
                f"the hash {digest[:12]!r} is not that of {proposal_id} as it stands now",
                hint=f"look at it again: `autoclave proposal show {proposal_id}`",
            )
        now = self._parts.clock()
        if now >= record.expires_at:
            await self._post(record, EventKind.PROPOSAL_EXPIRED, {"reason": "too late"}, actor=by)
            raise Stale(f"{proposal_id} has expired", hint="look for it again: `autoclave improve`")
        left = record.expires_at - now
        approval = self._parts.grant(proposal_id, current, by, now, left)
        payload = {"approval": approval.to_json()}
        await self._post(record, EventKind.PROPOSAL_APPROVED, payload, actor=by)
        return await self.apply(proposal_id)

    async def apply(self, proposal_id: str) -> ProposalRecord:
        """Apply an approved proposal; also finishes one that a crash cut off."""
        record = await self.get(proposal_id)
        draft = record.require(ProposalStatus.APPROVED)
        if record.approval is None:
            raise Conflict(f"{proposal_id} has no approval")
        with self._parts.body_lock():
            await self._check_approval(record, draft, record.approval)
            payload = {"nonce": record.approval.nonce, "digest": record.digest}
            await self._post(record, EventKind.APPLY_BEGUN, payload, actor="kernel")
            message = f"{record.title}\n\n{record.reason}"
            commit = self._parts.workshop.apply(draft, proposal=record.id, message=message)
            await self._parts.body_changed(draft.changes.paths, record.id)
            done = {"commit": commit, "tree": draft.candidate_tree}
            await self._post(record, EventKind.PROPOSAL_APPLIED, done, actor="kernel")
        await self._retry_goals(record)
        return await self.get(proposal_id)

    async def reject(self, proposal_id: str, *, reason: str, by: str) -> ProposalRecord:
        record = await self.get(proposal_id)
        record.require(ProposalStatus.WAITING, ProposalStatus.FAILED, ProposalStatus.RETURNED)
        await self._post(record, EventKind.PROPOSAL_REJECTED, {"reason": reason}, actor=by)
        return await self.get(proposal_id)

    async def send_back(self, proposal_id: str, *, comments: list[str], by: str) -> ProposalRecord:
        record = await self.get(proposal_id)
        record.require(ProposalStatus.WAITING)
        payload = {"comments": comments, "reason": "; ".join(comments)}
        await self._post(record, EventKind.PROPOSAL_RETURNED, payload, actor=by)
        return await self.get(proposal_id)

    async def undo(self, proposal_id: str, *, by: str) -> ProposalRecord:
        """Take it back as a new commit on the agent's own history."""
        record = await self.get(proposal_id)
        draft = record.require(ProposalStatus.APPLIED)
        with self._parts.body_lock():
            commit = self._parts.workshop.undo(proposal_id)
            await self._parts.body_changed(draft.changes.paths, f"undo of {record.id}")
            await self._post(record, EventKind.PROPOSAL_UNDONE, {"commit": commit}, actor=by)
        return await self.get(proposal_id)

    async def redo(self, proposal_id: str, *, by: str) -> ProposalRecord:
        """Apply an undone proposal again."""
        record = await self.get(proposal_id)
        draft = record.require(ProposalStatus.UNDONE)
        with self._parts.body_lock():
            commit = self._parts.workshop.redo(proposal_id)
            await self._parts.body_changed(draft.changes.paths, f"redo of {record.id}")
            await self._post(record, EventKind.PROPOSAL_REDONE, {"commit": commit}, actor=by)
        return await self.get(proposal_id)

    async def finish_interrupted(self) -> list[str]:
        """Apply what was approved before a crash. Returns the ids."""
        cut_off = [each for each in await self.every() if each.status is ProposalStatus.APPROVED]
        for record in cut_off:
            await self.apply(record.id)
        return [record.id for record in cut_off]

    def _current_digest(self, record: ProposalRecord, draft: Draft) -> str:
        """What an approval has to name today. Raises Stale when the base or the rules moved on."""
        if self._parts.workshop.base_tree() != draft.base_tree:
            raise Stale(
                f"the capabilities changed since {record.id} was measured",
                hint="look for it again: `autoclave improve`",
            )
        if record.evidence is None:
            raise Conflict(f"{record.id} has not been judged")
        rules_digest = self._parts.gate.digest
        if rules_digest != record.rules_digest:
            raise Stale(
                f"the safety rules changed since {record.id} was judged",
                hint="look for it again: `autoclave improve`",
            )
        return approval_digest(draft, record.evidence, rules_digest=rules_digest)

    async def _check_approval(
        self, record: ProposalRecord, draft: Draft, approval: Approval
    ) -> None:
        events = await self._parts.ledger.events(record.stream)
        begun = [each for each in events if each.kind is EventKind.APPLY_BEGUN]
        if begun and begun[-1].payload["nonce"] == approval.nonce:
            return  # a crash cut this very application off; the workshop finishes it harmlessly
        used = frozenset(each.payload["nonce"] for each in begun)
        current = self._current_digest(record, draft)
        approval.check(record.id, current, now=self._parts.clock(), used=used)

    async def _retry_goals(self, record: ProposalRecord) -> None:
        """Give the goals that the proposal promises to fix another try."""
        for goal in record.contract.expected_fixes:
            run = await self._parts.ledger.load(goal)
            if run.status is RunStatus.FAILED:
                payload = {"reason": f"{record.id} was applied"}
                event = NewEvent(kind=EventKind.GOAL_RETRIED, payload=payload)
                await self._parts.ledger.post(run.stream, event, actor="kernel")

    async def _post(
        self, record: ProposalRecord, kind: EventKind, payload: JsonObject, *, actor: str
    ) -> None:
        event = NewEvent(kind=kind, payload=payload)
        await self._parts.ledger.post(record.stream, event, actor=actor)
