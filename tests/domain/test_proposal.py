"""Permission as a value, edits as values, and the life of a proposal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import Conflict, InvalidInput, NotAllowed, Stale
from autoclave.domain.events import Event, EventKind
from autoclave.domain.proposal import (
    Approval,
    Draft,
    Edit,
    EditOperation,
    Evidence,
    GateResult,
    GateVerdict,
    ProposalStatus,
    approval_digest,
)
from autoclave.domain.proposal_record import (
    ONLY_FROM,
    draft_from_json,
    draft_to_json,
    fold_proposal,
)
from autoclave.domain.risk import Risk

APPROVAL = Approval(
    subject="P-0001",
    digest="abc",
    granted_by="maria",
    granted_at=100.0,
    expires_at=200.0,
    nonce="n",
)
EDIT = Edit(
    operation=EditOperation.REPLACE,
    file="capabilities/x/code.py",
    target="f",
    target_hash="h",
    source="def f(): ...\n",
)
DRAFT = Draft(
    edits=(EDIT,),
    changes=ChangeSet((FileChange(path="capabilities/x/code.py", before=b"a", after=b"b"),)),
    base_tree="base",
    candidate_tree="candidate",
    diff="-a\n+b\n",
    risk=Risk.R4,
)
EVIDENCE = Evidence(
    gates=(GateResult(name="parse", verdict=GateVerdict.PASS, seconds=0.1, summary="fine"),),
    tier="FULL",
    self_test="s",
)


def test_an_approval_covers_exactly_what_was_approved() -> None:
    """The same subject, digest and time, once."""
    APPROVAL.check("P-0001", "abc", now=150.0, used=frozenset())


@pytest.mark.parametrize(
    ("subject", "current", "now", "used", "error"),
    [
        ("P-0002", "abc", 150.0, (), NotAllowed),
        ("P-0001", "abd", 150.0, (), Stale),
        ("P-0001", "", 150.0, (), Stale),
        ("P-0001", "abc", 200.0, (), Stale),
        ("P-0001", "abc", 99.0, (), NotAllowed),
        ("P-0001", "abc", 150.0, ("n",), NotAllowed),
    ],
)
def test_an_approval_covers_nothing_else(
    subject: str, current: str, now: float, used: tuple[str, ...], error: type[Exception]
) -> None:
    """Another proposal, other bytes, too late, or a second time."""
    with pytest.raises(error):
        APPROVAL.check(subject, current, now=now, used=frozenset(used))


@given(at=st.floats(0, 300), digest=st.sampled_from(["abc", "x"]), used=st.booleans())
def test_an_approval_holds_only_when_everything_fits(at: float, digest: str, used: bool) -> None:
    """No combination of almost."""
    try:
        APPROVAL.check("P-0001", digest, now=at, used=frozenset({"n"} if used else ()))
    except (Stale, NotAllowed):
        assert not 100 <= at < 200 or digest != "abc" or used
    else:
        assert 100 <= at < 200
        assert digest == "abc"
        assert not used


def test_the_digest_covers_everything_that_a_person_is_shown() -> None:
    """Change any of it and the old leave is worthless."""
    first = approval_digest(DRAFT, EVIDENCE, rules_digest="rules")
    failed = replace(EVIDENCE.gates[0], verdict=GateVerdict.FAIL)
    other_bytes = ChangeSet((replace(DRAFT.changes.files[0], after=b"c"),))
    others = [
        approval_digest(replace(DRAFT, base_tree="x"), EVIDENCE, rules_digest="rules"),
        approval_digest(replace(DRAFT, candidate_tree="x"), EVIDENCE, rules_digest="rules"),
        approval_digest(replace(DRAFT, changes=other_bytes), EVIDENCE, rules_digest="rules"),
        approval_digest(replace(DRAFT, diff="x"), EVIDENCE, rules_digest="rules"),
        approval_digest(DRAFT, replace(EVIDENCE, tier="RESTRICTED"), rules_digest="rules"),
        approval_digest(DRAFT, replace(EVIDENCE, self_test="x"), rules_digest="rules"),
        approval_digest(DRAFT, replace(EVIDENCE, gates=(failed,)), rules_digest="rules"),
        approval_digest(DRAFT, EVIDENCE, rules_digest="other"),
    ]

    assert len({first, *others}) == len(others) + 1


def test_no_gate_at_all_is_no_pass() -> None:
    """Nor is one that was not checked."""
    unchecked = replace(EVIDENCE.gates[0], verdict=GateVerdict.NOT_CHECKED)

    assert not replace(EVIDENCE, gates=()).passed
    assert not replace(EVIDENCE, gates=(*EVIDENCE.gates, unchecked)).passed
    assert EVIDENCE.passed


def test_an_edit_and_a_draft_survive_json() -> None:
    """What was judged is what is applied."""
    assert Edit.from_json(EDIT.to_json()) == EDIT
    assert draft_from_json(draft_to_json(DRAFT)) == DRAFT


@pytest.mark.parametrize(
    "spoilt",
    [
        {"file": "/etc/passwd"},
        {"file": "../x.py"},
        {"operation": "format"},
        {"operation": []},
        {"more": 1},
        {"file": 3},
    ],
)
def test_a_hostile_edit_is_refused(spoilt: dict[str, Any]) -> None:
    """Clearly, and before anything reads it."""
    with pytest.raises(InvalidInput):
        Edit.from_json({**EDIT.to_json(), **spoilt})


def test_an_edit_that_lacks_a_field_is_refused() -> None:
    """It is not guessed."""
    with pytest.raises(InvalidInput):
        Edit.from_json({"operation": "replace", "file": "a.py"})


kinds = st.sampled_from([kind for kind in ONLY_FROM if kind is not EventKind.PROPOSAL_DRAFTED])


@given(later=st.lists(kinds, max_size=12), passed=st.booleans())
def test_the_first_decision_counts(later: list[EventKind], passed: bool) -> None:
    """Whatever else is written about it: nothing that was rejected is ever applied."""
    events = [_event(EventKind.PROPOSAL_DRAFTED), _event(EventKind.GATES_JUDGED, passed=passed)]
    status = fold_proposal("P-0001", events).status
    assert status is (ProposalStatus.WAITING if passed else ProposalStatus.FAILED)
    for kind in later:
        events.append(_event(kind))
        after = fold_proposal("P-0001", events).status
        if status not in ONLY_FROM[kind]:
            assert after is status
        if status in (ProposalStatus.REJECTED, ProposalStatus.EXPIRED):
            assert after is status
        status = after


def test_what_is_done_with_a_proposal_asks_where_it_stands() -> None:
    """The refusal says what it is and what it would have to be."""
    record = fold_proposal(
        "P-0001",
        [
            _event(EventKind.PROPOSAL_DRAFTED),
            _event(EventKind.GATES_JUDGED),
            _event(EventKind.PROPOSAL_REJECTED),
        ],
    )

    with pytest.raises(Conflict, match="P-0001 is rejected; that takes one that is waiting"):
        record.require(ProposalStatus.WAITING)


def _event(kind: EventKind, *, passed: bool = True) -> Event:
    verdict = GateVerdict.PASS if passed else GateVerdict.FAIL
    gate = replace(EVIDENCE.gates[0], verdict=verdict)
    payloads: dict[EventKind, dict[str, Any]] = {
        EventKind.PROPOSAL_DRAFTED: {
            "title": "t",
            "reason": "r",
            "goal_id": "G-0002",
            "opportunity_key": "k",
            "capability": "x",
            "draft": draft_to_json(DRAFT),
            "contract": {
                "cause": [1],
                "expected_fixes": ["G-0001"],
                "at_risk": [],
                "undo": "u",
                "alternatives": 0,
            },
        },
        EventKind.GATES_JUDGED: {
            "gates": [gate.to_json()],
            "tier": "FULL",
            "self_test": "s",
            "rules_digest": "rules",
            "digest": "abc",
            "expires_at": 200.0,
        },
        EventKind.PROPOSAL_SIGNED: {"approval": APPROVAL.to_json()},
        EventKind.PROPOSAL_APPROVED: {"approval": APPROVAL.to_json()},
    }
    return Event(
        id=1,
        stream="proposal/P-0001",
        seq=1,
        epoch=0,
        kind=kind,
        version=1,
        payload=payloads.get(kind, {"reason": "r", "commit": "c"}),
        actor="person:maria",
        at=100.0,
    )
