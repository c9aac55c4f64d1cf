"""What people do with proposals: approve, reject, send back, and what follows from it."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal, TypeAlias

from ..domain.approval import Quorum, Sheet
from ..domain.canonical import JsonObject
from ..domain.deeds import Word
from ..domain.errors import Conflict, CredentialMissing, Refused, Stale
from ..domain.events import EventKind, NewEvent
from ..domain.proposal import Approval, Draft, ProposalStatus, approval_digest
from ..domain.proposal_record import ProposalRecord
from ..domain.run import Run, RunStatus
from .concealing import reveal_draft
from .incidents import note_cut_application
from .owners import Owners, check_person
from .parts import Parts
from .proposal_log import ProposalLog, check_rules, quorum_today
from .undoing import Undoing

Reader: TypeAlias = Literal["person", "program"]
OPEN = (ProposalStatus.WAITING, ProposalStatus.SIGNED)
"""Where an owner can still say yes."""


class Proposals:
    """The proposals of one home."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._owners = Owners(parts)
        self._log = ProposalLog(parts)
        self._undoing = Undoing(parts)
        self._post = self._log.post

    async def every(self) -> list[ProposalRecord]:
        """All proposals, oldest first."""
        return await self._log.every()

    async def get(self, proposal_id: str) -> ProposalRecord:
        """One of them. Raises NotFound."""
        return await self._log.get(proposal_id)

    async def sheet(self, proposal_id: str) -> Sheet:
        """What an owner signs to approve it as it stands. Raises Stale, Conflict."""
        await self._parts.refresh()
        return await self._sheet(await self.get(proposal_id))

    async def shown(self, proposal_id: str, *, by: str, to: Reader) -> ProposalRecord:
        """One of them, for somebody's eyes: while it is open, that is written down."""
        record = await self.get(proposal_id)
        if record.status in OPEN and record.draft is not None:
            payload = {"digest": record.digest, "to": to, "lines": lines_of(record.draft)}
            # A program may look every second; that it looked at all is enough.
            if to == "person" or not await self._was_shown(record, payload, by):
                await self._post(record, EventKind.PROPOSAL_SHOWN, payload, actor=by)
        return record

    async def approve(self, proposal_id: str, *, signed: Approval, by: str) -> ProposalRecord:
        """Take an owner's yes to exactly these bytes; when it was the last one, apply them.

        Raises Stale, Conflict, NotAllowed, CredentialMissing. Where more is needed than this yes,
        the record comes back as signed, or as it was when the same owner said the same before.
        """
        check_person(by)
        await self._parts.refresh()
        record = await self.get(proposal_id)
        sheet = await self._sheet(record)
        if signed.digest != sheet.digest:
            raise Stale(
                f"the hash {signed.digest[:12]!r} is not that of {proposal_id} as it stands now",
                hint=f"look at it again: `autoclave proposal show {proposal_id}`",
            )
        now = await self._owners.check_new(signed, sheet)
        earlier = await self._living(record, sheet)
        quorum = self._quorum(record)
        if not quorum.is_met((*earlier, signed)):
            if all(each.key != signed.key for each in earlier):
                payload: JsonObject = {"approval": signed.to_json()}
                await self._post(record, EventKind.PROPOSAL_SIGNED, payload, actor=by)
            return await self.get(proposal_id)
        payload = {
            "approval": signed.to_json(),
            "yeses": [each.to_json() for each in (*earlier, signed)],
            "looked_seconds": await self._looked(record, signed, by, now),
            "lines": lines_of(record.draft) if record.draft else 0,
        }
        await self._post(record, EventKind.PROPOSAL_APPROVED, payload, actor=by)
        granted = (await self.get(proposal_id)).approval
        if granted is None or granted.nonce != signed.nonce:
            raise Conflict(f"somebody else decided about {proposal_id} at the same moment")
        return await self.apply(proposal_id)

    async def _sheet(self, record: ProposalRecord) -> Sheet:
        current = self._current_digest(record, record.require(*OPEN))
        if await self._owners.now() >= record.expires_at:
            reason = {"reason": "too late"}
            await self._post(record, EventKind.PROPOSAL_EXPIRED, reason, actor="kernel")
            raise Stale(f"{record.id} has expired", hint="look for it again: `autoclave improve`")
        return await self._owners.sheet(record.id, current, expires_at=record.expires_at)

    async def _living(self, record: ProposalRecord, sheet: Sheet) -> tuple[Approval, ...]:
        """The earlier yeses that still count: their owners may have been removed since."""
        living = []
        for each in record.yeses:
            with suppress(Refused):
                await self._owners.check_all(
                    [each], subject=record.id, digest=sheet.digest, quorum=Quorum()
                )
                living.append(each)
        return tuple(living)

    def _quorum(self, record: ProposalRecord) -> Quorum:
        draft = record.require(*OPEN, ProposalStatus.APPROVED)
        return quorum_today(self._parts, record, draft)

    async def _looked(
        self, record: ProposalRecord, signed: Approval, by: str, now: float
    ) -> float | None:
        """How long the approver had exactly this before their eyes."""
        events = await self._parts.ledger.events(record.stream)
        shown = [
            event.at
            for event in events
            if event.kind is EventKind.PROPOSAL_SHOWN
            and event.actor in (by, signed.granted_by)
            and event.payload["to"] == "person"
            and event.payload["digest"] == signed.digest
        ]
        return round(max(0.0, now - shown[-1]), 3) if shown else None

    async def _was_shown(self, record: ProposalRecord, payload: JsonObject, by: str) -> bool:
        events = await self._parts.ledger.events(record.stream)
        return any(
            (each.kind, each.actor, each.payload) == (EventKind.PROPOSAL_SHOWN, by, payload)
            for each in events
        )

    async def apply(self, proposal_id: str) -> ProposalRecord:
        """Apply an approved proposal; also finishes one that a crash cut off."""
        with self._parts.body_lock():
            # Read under the lock: another process may just have applied it.
            record = await self.get(proposal_id)
            draft = record.require(ProposalStatus.APPROVED)
            if record.approval is None:
                raise Conflict(f"{proposal_id} has no approval")
            await note_cut_application(self._parts, record.stream)
            await self._check_approval(record, draft, record.approval)
            nonces = [each.nonce for each in record.yeses]
            payload = {"nonce": record.approval.nonce, "nonces": nonces, "digest": record.digest}
            await self._post(record, EventKind.APPLY_BEGUN, payload, actor="kernel")
            message = f"{record.title}\n\n{record.reason}"
            true = reveal_draft(self._parts, record.stream, draft)
            commit = self._parts.workshop.apply(true, proposal=record.id, message=message)
            await self._parts.body_changed(draft.changes.paths, record.id)
            done = {"commit": commit, "tree": draft.candidate_tree}
            applied = NewEvent(kind=EventKind.PROPOSAL_APPLIED, payload=done)
            taken_back = await self._undoing.taken_back(record, draft)
            await self._parts.ledger.post(record.stream, applied, *taken_back, actor="kernel")
        if not taken_back:
            await self._retry_goals(record)
        return await self.get(proposal_id)

    async def reject(self, proposal_id: str, *, reason: str, by: str) -> ProposalRecord:
        record = await self.get(proposal_id)
        record.require(*OPEN, ProposalStatus.FAILED, ProposalStatus.RETURNED)
        await self._post(record, EventKind.PROPOSAL_REJECTED, {"reason": reason}, actor=by)
        return await self.get(proposal_id)

    async def send_back(self, proposal_id: str, *, comments: list[str], by: str) -> ProposalRecord:
        record = await self.get(proposal_id)
        record.require(*OPEN)
        payload = {"comments": comments, "reason": "; ".join(comments)}
        await self._post(record, EventKind.PROPOSAL_RETURNED, payload, actor=by)
        return await self.get(proposal_id)

    async def undo(self, proposal_id: str, *, by: str) -> ProposalRecord:
        """Take it back as a new commit on the agent's own history."""
        return await self._undoing.undo(proposal_id, by=by)

    async def redo_sheet(self, proposal_id: str) -> Sheet:
        """What an owner signs to have an undone proposal applied again. Raises Stale, Conflict."""
        return await self._undoing.redo_sheet(proposal_id)

    async def redo(self, proposal_id: str, *, signed: Approval, by: str) -> Word:
        """Apply an undone proposal again, with the last yes that this takes."""
        return await self._undoing.redo(proposal_id, signed=signed, by=by)

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
        except (Refused, CredentialMissing) as refused:
            if (await self.get(record.id)).status is not ProposalStatus.APPROVED:
                return False  # another process was faster
            begun = await self._begun(record)
            if begun and not self._is_untouched(record):
                raise Stale(  # it may be half written: a person has to look
                    f"{record.id} was begun and cannot be finished: {refused.message}",
                    hint="look at its files, then: "
                    f"autoclave proposal settle {record.id} --as applied|undone",
                ) from refused
            came_to = "nothing of it was written" if begun else "not begun"
            reason = f"it was approved but {came_to} before a crash, and now: {refused.message}"
            payload = {"reason": reason}
            await self._post(record, EventKind.PROPOSAL_EXPIRED, payload, actor="kernel")
            return False
        return True

    def _current_digest(self, record: ProposalRecord, draft: Draft) -> str:
        """What an approval has to name today. Raises Stale when the base or the rules moved on."""
        if self._parts.workshop.base_tree() != draft.base_tree:
            raise Stale(
                f"the agent's body changed since {record.id} was measured",
                hint="look for it again: `autoclave improve`",
            )
        if record.evidence is None:
            raise Conflict(f"{record.id} has not been judged")
        check_rules(self._parts, record)
        return approval_digest(draft, record.evidence, rules_digest=record.rules_digest)

    async def _check_approval(
        self, record: ProposalRecord, draft: Draft, approval: Approval
    ) -> None:
        used = await self._begun(record)
        if approval.nonce in used:
            if not self._is_untouched(record):
                return  # a crash cut this very application off; the workshop finishes it harmlessly
            used -= {each.nonce for each in record.yeses}
        await self._owners.check_all(
            record.yeses,
            subject=record.id,
            digest=self._current_digest(record, draft),
            quorum=self._quorum(record),
            used=used,
        )

    def _is_untouched(self, record: ProposalRecord) -> bool:
        """Whether the body is as it was before: then nothing is half done, whatever was begun."""
        return record.draft is not None and (
            self._parts.workshop.base_tree() == record.draft.base_tree
        )

    async def _begun(self, record: ProposalRecord) -> frozenset[str]:
        """The nonces of the approvals under which it was begun to be applied."""
        events = await self._parts.ledger.events(record.stream)
        begun = (each for each in events if each.kind is EventKind.APPLY_BEGUN)
        return frozenset(
            n for b in begun for n in (b.payload["nonce"], *b.payload.get("nonces", ()))
        )

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

    async def settle(self, proposal_id: str, *, as_applied: bool, by: str) -> ProposalRecord:
        """A person says what became of one that was begun and that nothing here can finish.

        Raises Conflict where it was never begun, or never committed and is to count as applied.
        """
        with self._parts.body_lock():
            record = await self.get(proposal_id)
            draft = record.require(ProposalStatus.APPROVED)
            if not await self._begun(record):
                raise Conflict(f"{proposal_id} was approved but not begun; the agent applies it")
            if as_applied:
                done = {"commit": self._applied_commit(proposal_id), "tree": draft.candidate_tree}
                await self._post(record, EventKind.PROPOSAL_APPLIED, done, actor=by)
            else:
                said = {"reason": "it was begun, cut off and taken back by hand"}
                await self._post(record, EventKind.PROPOSAL_EXPIRED, said, actor=by)
            await self._parts.body_changed(draft.changes.paths, record.id)
        return await self.get(proposal_id)

    def _applied_commit(self, proposal_id: str) -> str:
        for entry in self._parts.workshop.lineage():
            if (entry["step"], entry["proposal"]) == ("apply", proposal_id):
                return str(entry["commit"])
        raise Conflict(
            f"the agent's history holds no commit of {proposal_id}, so it was not applied",
            hint=f"put its files back, then: autoclave proposal settle {proposal_id} --as undone",
        )


def lines_of(draft: Draft) -> int:
    """How long the diff is that a reviewer reads."""
    return draft.diff.count("\n")
