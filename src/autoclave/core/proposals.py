"""What people do with proposals: approve, reject, send back, undo, redo. Only this applies."""

from __future__ import annotations

from ..domain.canonical import JsonObject
from ..domain.errors import Conflict, NotFound, Refused, Stale
from ..domain.events import Event, EventKind, NewEvent
from ..domain.proposal import Approval, Draft, ProposalStatus, approval_digest
from ..domain.proposal_record import ProposalRecord, fold_proposal
from ..domain.run import Run, RunStatus
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
        await self._parts.refresh()
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
        granted = (await self.get(proposal_id)).approval
        if granted is None or granted.nonce != approval.nonce:
            raise Conflict(f"somebody else decided about {proposal_id} at the same moment")
        return await self.apply(proposal_id)

    async def apply(self, proposal_id: str) -> ProposalRecord:
        """Apply an approved proposal; also finishes one that a crash cut off."""
        with self._parts.body_lock():
            # Read under the lock: another process may just have applied it.
            record = await self.get(proposal_id)
            draft = record.require(ProposalStatus.APPROVED)
            if record.approval is None:
                raise Conflict(f"{proposal_id} has no approval")
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
            commit = self._cut_off("undo", proposal_id) or self._parts.workshop.undo(proposal_id)
            await self._parts.body_changed(draft.changes.paths, f"undo of {record.id}")
            await self._post(record, EventKind.PROPOSAL_UNDONE, {"commit": commit}, actor=by)
        return await self.get(proposal_id)

    async def redo(self, proposal_id: str, *, by: str) -> ProposalRecord:
        """Apply an undone proposal again."""
        record = await self.get(proposal_id)
        draft = record.require(ProposalStatus.UNDONE)
        self._check_rules(record)
        with self._parts.body_lock():
            commit = self._cut_off("redo", proposal_id) or self._parts.workshop.redo(proposal_id)
            await self._parts.body_changed(draft.changes.paths, f"redo of {record.id}")
            await self._post(record, EventKind.PROPOSAL_REDONE, {"commit": commit}, actor=by)
        return await self.get(proposal_id)

    def _cut_off(self, step: str, proposal_id: str) -> str:
        """The commit of a step that a crash kept from being written down; empty if there is none.

        The status says that the step is still to be done, so a newest commit that did it is it.
        """
        newest = next(iter(self._parts.workshop.lineage()), None)
        if newest and (newest["step"], newest["proposal"]) == (step, proposal_id):
            return str(newest["commit"])
        return ""

    async def finish_interrupted(self) -> list[str]:
        """Apply what was approved before a crash, and all that follows. Returns the ids."""
        finished = []
        for record in await self.every():
            if record.status is ProposalStatus.APPLIED:
                await self._retry_goals(record)
            elif record.status is ProposalStatus.APPROVED and await self._finish(record):
                finished.append(record.id)
        return finished

    async def _finish(self, record: ProposalRecord) -> bool:
        """Whether it could still be applied. One that was not begun and is out of date ends."""
        try:
            await self.apply(record.id)
        except Refused as refused:
            if (await self.get(record.id)).status is not ProposalStatus.APPROVED:
                return False  # another process was faster
            if await self._begun(record):
                raise  # it may be half written: a person has to look
            reason = f"it was approved but not begun before a crash, and now: {refused.message}"
            payload = {"reason": reason}
            await self._post(record, EventKind.PROPOSAL_EXPIRED, payload, actor="kernel")
            return False
        return True

    def _current_digest(self, record: ProposalRecord, draft: Draft) -> str:
        """What an approval has to name today. Raises Stale when the base or the rules moved on."""
        if self._parts.workshop.base_tree() != draft.base_tree:
            raise Stale(
                f"the capabilities changed since {record.id} was measured",
                hint="look for it again: `autoclave improve`",
            )
        if record.evidence is None:
            raise Conflict(f"{record.id} has not been judged")
        self._check_rules(record)
        return approval_digest(draft, record.evidence, rules_digest=record.rules_digest)

    def _check_rules(self, record: ProposalRecord) -> None:
        """Whatever was approved under other rules has to be asked for again."""
        if self._parts.gate.digest != record.rules_digest:
            raise Stale(
                f"the safety rules changed since {record.id} was judged",
                hint="look for it again: `autoclave improve`",
            )

    async def _check_approval(
        self, record: ProposalRecord, draft: Draft, approval: Approval
    ) -> None:
        used = await self._begun(record)
        if approval.nonce in used:
            return  # a crash cut this very application off; the workshop finishes it harmlessly
        current = self._current_digest(record, draft)
        approval.check(record.id, current, now=self._parts.clock(), used=used)

    async def _begun(self, record: ProposalRecord) -> frozenset[str]:
        """The nonces of the approvals under which it was begun to be applied."""
        events = await self._parts.ledger.events(record.stream)
        begun = (each for each in events if each.kind is EventKind.APPLY_BEGUN)
        return frozenset(each.payload["nonce"] for each in begun)

    async def _retry_goals(self, record: ProposalRecord) -> None:
        """Give the goals that the proposal promises to fix another try, once."""
        payload = {"reason": f"{record.id} was applied"}
        for goal in record.contract.expected_fixes:
            run = await self._parts.ledger.load(goal)
            if run.status is RunStatus.FAILED and not await self._was_retried(run, payload):
                event = NewEvent(kind=EventKind.GOAL_RETRIED, payload=payload)
                await self._parts.ledger.post(run.stream, event, actor="kernel")

    async def _was_retried(self, run: Run, payload: JsonObject) -> bool:
        events = await self._parts.ledger.events(run.stream)
        return any(e.kind is EventKind.GOAL_RETRIED and e.payload == payload for e in events)

    async def _post(
        self, record: ProposalRecord, kind: EventKind, payload: JsonObject, *, actor: str
    ) -> None:
        event = NewEvent(kind=kind, payload=payload)
        await self._parts.ledger.post(record.stream, event, actor=actor)
