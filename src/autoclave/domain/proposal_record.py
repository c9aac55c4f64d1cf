"""A proposal's life as a value, and the fold that makes it from events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from .approval import Quorum
from .canonical import JsonObject
from .changes import ChangeSet
from .errors import Conflict
from .events import Event, EventKind
from .proposal import Approval, Contract, Draft, Edit, Evidence, GateResult, ProposalStatus
from .risk import Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRecord:
    """Everything that is known about one proposal."""

    id: str
    status: ProposalStatus = ProposalStatus.DRAFT
    title: str = ""
    reason: str = ""
    run: str = ""
    """The improvement run that made it."""
    opportunity: str = ""
    capability: str = ""
    draft: Draft | None = None
    contract: Contract = Contract(cause=(), expected_fixes=())
    evidence: Evidence | None = None
    rules_digest: str = ""
    digest: str = ""
    """What a person approves; empty until the gates have judged."""
    drafted_by: str = ""
    """The name of the model that drafted it; `search` where none did."""
    follows: str = ""
    """The proposal that was sent back and that this one takes up again."""
    answers: tuple[JsonObject, ...] = ()
    """To each comment of that one: `comment`, `answer`."""
    comments: tuple[str, ...] = ()
    """What has to be otherwise, when it was sent back."""
    created_at: float = 0.0
    judged_at: float = 0.0
    rules: tuple[str, ...] = ()
    """Those that want a person's yes to it."""
    ruling: str = ""
    """Why they do."""
    expires_at: float = 0.0
    quorum: Quorum = Quorum()
    """Whose yes it takes, as the rules said when the gates had judged."""
    yeses: tuple[Approval, ...] = ()
    """Every owner's yes so far, oldest first; void as soon as the proposal leaves their hands."""
    approval: Approval | None = None
    """The yes that made them enough."""
    looked_seconds: float | None = None
    """From when the approver was last shown exactly this to the yes; None: never shown."""
    lines: int = 0
    """Of the diff that was approved."""
    decided_by: str = ""
    decision_reason: str = ""
    commit: str = ""
    seq: int = 0

    @property
    def stream(self) -> str:
        return f"proposal/{self.id}"

    def require(self, *allowed: ProposalStatus) -> Draft:
        """Its draft, if it stands where that can be done. Raises Conflict with the reason."""
        if self.status not in allowed or self.draft is None:
            wanted = " or ".join(allowed)
            raise Conflict(f"{self.id} is {self.status}; that takes one that is {wanted}")
        return self.draft


_WAITING = frozenset({ProposalStatus.WAITING, ProposalStatus.SIGNED})
ONLY_FROM: Mapping[EventKind, frozenset[ProposalStatus]] = {
    EventKind.PROPOSAL_DRAFTED: frozenset({ProposalStatus.DRAFT}),
    EventKind.GATES_JUDGED: frozenset({ProposalStatus.DRAFT}),
    EventKind.PROPOSAL_SIGNED: _WAITING,
    EventKind.PROPOSAL_APPROVED: _WAITING,
    EventKind.PROPOSAL_REJECTED: _WAITING | {ProposalStatus.FAILED, ProposalStatus.RETURNED},
    EventKind.PROPOSAL_RETURNED: _WAITING,
    EventKind.PROPOSAL_EXPIRED: _WAITING | {ProposalStatus.APPROVED},
    EventKind.PROPOSAL_APPLIED: frozenset({ProposalStatus.APPROVED}),
    EventKind.PROPOSAL_UNDONE: frozenset({ProposalStatus.APPLIED}),
    EventKind.PROPOSAL_REDONE: frozenset({ProposalStatus.UNDONE}),
}
"""Where a proposal has to stand for an event to count: of two people who decide at the same moment
the first one does."""


def fold_proposal(proposal_id: str, events: Iterable[Event]) -> ProposalRecord:
    """The proposal that a whole stream stands for."""
    record = ProposalRecord(id=proposal_id)
    for event in events:
        reducer = _REDUCERS.get(event.kind)
        if reducer is not None and record.status in ONLY_FROM[event.kind]:
            record = reducer(record, event)
        record = replace(record, seq=event.seq)
    return record


def draft_to_json(draft: Draft) -> JsonObject:
    return {
        "edits": [edit.to_json() for edit in draft.edits],
        "changes": draft.changes.to_json(),
        "base_tree": draft.base_tree,
        "candidate_tree": draft.candidate_tree,
        "diff": draft.diff,
        "risk": int(draft.risk),
    }


def draft_from_json(data: JsonObject) -> Draft:
    return Draft(
        edits=tuple(Edit.from_json(item) for item in data["edits"]),
        changes=ChangeSet.from_json(data["changes"]),
        base_tree=data["base_tree"],
        candidate_tree=data["candidate_tree"],
        diff=data["diff"],
        risk=Risk(data["risk"]),
    )


def _drafted(record: ProposalRecord, event: Event) -> ProposalRecord:
    given = event.payload
    return replace(
        record,
        title=given["title"],
        reason=given["reason"],
        run=given["goal_id"],
        opportunity=given["opportunity_key"],
        capability=given["capability"],
        draft=draft_from_json(given["draft"]),
        contract=_contract(given["contract"]),
        drafted_by=given.get("drafted_by", ""),
        follows=given.get("follows", ""),
        answers=tuple(given.get("answers", ())),
        created_at=event.at,
    )


def _contract(given: JsonObject) -> Contract:
    return Contract(
        cause=tuple(given["cause"]),
        expected_fixes=tuple(given["expected_fixes"]),
        at_risk=tuple(given["at_risk"]),
        undo=given["undo"],
        alternatives=given["alternatives"],
    )


def _judged(record: ProposalRecord, event: Event) -> ProposalRecord:
    given = event.payload
    evidence = Evidence(
        gates=tuple(GateResult.from_json(item) for item in given["gates"]),
        tier=given["tier"],
        self_test=given["self_test"],
    )
    return replace(
        record,
        status=ProposalStatus.WAITING if evidence.passed else ProposalStatus.FAILED,
        evidence=evidence,
        rules_digest=given["rules_digest"],
        digest=given["digest"],
        expires_at=given["expires_at"],
        quorum=Quorum(**given.get("quorum", {})),
        judged_at=event.at,
        rules=tuple(given.get("rules", ())),
        ruling=given.get("ruling", ""),
    )


def _signed(record: ProposalRecord, event: Event) -> ProposalRecord:
    yes = Approval.from_json(event.payload["approval"])
    return replace(record, status=ProposalStatus.SIGNED, yeses=(*record.yeses, yes))


def _approved(record: ProposalRecord, event: Event) -> ProposalRecord:
    given = event.payload
    approval = Approval.from_json(given["approval"])
    yeses = [Approval.from_json(each) for each in given.get("yeses", [given["approval"]])]
    return replace(
        record,
        status=ProposalStatus.APPROVED,
        yeses=tuple(yeses),
        approval=approval,
        looked_seconds=given.get("looked_seconds"),
        lines=given.get("lines", 0),
        decided_by=approval.granted_by,
    )


def _decided(status: ProposalStatus) -> Callable[[ProposalRecord, Event], ProposalRecord]:
    def decide(record: ProposalRecord, event: Event) -> ProposalRecord:
        reason = event.payload.get("reason", "")
        return replace(record, status=status, decided_by=event.actor, decision_reason=reason)

    return decide


def _returned(record: ProposalRecord, event: Event) -> ProposalRecord:
    decided = _decided(ProposalStatus.RETURNED)(record, event)
    return replace(decided, comments=tuple(event.payload.get("comments", ())))


def _written(status: ProposalStatus) -> Callable[[ProposalRecord, Event], ProposalRecord]:
    def write(record: ProposalRecord, event: Event) -> ProposalRecord:
        reason = event.payload.get("reason", "")
        return replace(
            record, status=status, commit=event.payload["commit"], decision_reason=reason
        )

    return write


_REDUCERS: Mapping[EventKind, Callable[[ProposalRecord, Event], ProposalRecord]] = {
    EventKind.PROPOSAL_DRAFTED: _drafted,
    EventKind.GATES_JUDGED: _judged,
    EventKind.PROPOSAL_SIGNED: _signed,
    EventKind.PROPOSAL_APPROVED: _approved,
    EventKind.PROPOSAL_REJECTED: _decided(ProposalStatus.REJECTED),
    EventKind.PROPOSAL_RETURNED: _returned,
    EventKind.PROPOSAL_EXPIRED: _decided(ProposalStatus.EXPIRED),
    EventKind.PROPOSAL_APPLIED: _written(ProposalStatus.APPLIED),
    EventKind.PROPOSAL_UNDONE: _written(ProposalStatus.UNDONE),
    EventKind.PROPOSAL_REDONE: _written(ProposalStatus.APPLIED),
}
