"""Questions and leave: one use, one thing, one time, and silence is no."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import InvalidInput, NotAllowed, Stale
from autoclave.domain.proposal import Approval
from autoclave.domain.risk import Action, ActionKind, Origin, Risk, Ruling, Verdict
from autoclave.governance.approval_system import Outcome, Request, answer_upto, ask, grant, use
from autoclave.governance.policy import ApprovalTerms, Policy, TierTerms

NOTHING: frozenset[str] = frozenset()


def approve(*, by: str = "person:maria", ttl: float = 100) -> Approval:
    return grant("P-0001", "d" * 64, by=by, now=1000, ttl=ttl, nonce="n1")


def asked(action: Action, *, risk: Risk = Risk.R1, verdict: Verdict = Verdict.ASK) -> Ruling:
    return Ruling(
        verdict=verdict,
        risk=risk,
        rules=("show-changes",),
        reason="look first",
        action_digest=action.digest,
        rules_digest="r",
    )


def test_approval_covers_its_thing_once() -> None:
    """The first use goes through, the second does not."""
    used = use(approve(), "P-0001", "d" * 64, now=1050, used=NOTHING)

    assert used == {"n1"}
    with pytest.raises(NotAllowed, match="used before"):
        use(approve(), "P-0001", "d" * 64, now=1051, used=used)


@pytest.mark.parametrize(
    ("subject", "digest", "now", "error"),
    [
        ("P-0002", "d" * 64, 1050, NotAllowed),
        ("P-0001", "e" * 64, 1050, Stale),
        ("P-0001", "d" * 64, 1100, Stale),
        ("P-0001", "d" * 64, 999, NotAllowed),
    ],
)
def test_approval_covers_nothing_else(
    subject: str, digest: str, now: float, error: type[Exception]
) -> None:
    """Another subject, other bytes, too late or before it was given: refused."""
    with pytest.raises(error):
        use(approve(), subject, digest, now=now, used=NOTHING)


@pytest.mark.parametrize("by", ["", "  ", "person:", "mind", "kernel", "Agent", "model:x"])
def test_only_people_approve(by: str) -> None:
    """Nothing that the agent is made of can say yes."""
    with pytest.raises(NotAllowed, match="is not a person"):
        approve(by=by)


def test_person_may_have_any_name() -> None:
    """A login called `agent` is still a person's."""
    assert approve(by="person:agent").granted_by == "person:agent"


@pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan")])
def test_approval_without_an_end_is_refused(ttl: float) -> None:
    """Every yes expires."""
    with pytest.raises(InvalidInput, match="has to expire"):
        approve(ttl=ttl)


def test_question_waits_as_long_as_its_tier_says() -> None:
    """A tier may have its own time; otherwise the default of the file holds."""
    policy = Policy(
        approvals=ApprovalTerms(ask_timeout=500), tiers={Risk.R4: TierTerms(ask_timeout=50)}
    )
    action = Action(kind=ActionKind.WORKSPACE_WRITE, target="a")

    ends = [
        ask(asked(action, risk=risk), policy, request_id="q", now=1000, attended=True).expires_at
        for risk in (Risk.R1, Risk.R4)
    ]

    assert ends == [1500, 1050]


def test_question_without_anyone_there_is_queued_or_refused() -> None:
    """The file says which; refused names the rules."""
    ruling = asked(Action(kind=ActionKind.WORKSPACE_WRITE, target="a"))
    refusing = Policy(approvals=ApprovalTerms(headless="deny"))

    queued = ask(ruling, Policy(), request_id="q", now=0, attended=False)

    assert queued.digest == ruling.action_digest
    assert Request.from_json(queued.to_json()) == queued
    with pytest.raises(NotAllowed, match="nobody is there") as caught:
        ask(ruling, refusing, request_id="q", now=0, attended=False)
    assert caught.value.rules == ("show-changes",)


@pytest.mark.parametrize("verdict", [Verdict.ALLOW, Verdict.DENY])
def test_only_an_ask_leads_to_a_question(verdict: Verdict) -> None:
    """A person cannot be asked around a deny."""
    ruling = asked(Action(kind=ActionKind.WORKSPACE_WRITE, target="a"), verdict=verdict)

    with pytest.raises(InvalidInput, match="leads to no question"):
        ask(ruling, Policy(), request_id="q", now=0, attended=True)


@pytest.mark.parametrize(
    ("answer", "answered_at", "now", "outcome"),
    [
        (None, 0, 1099, Outcome.WAITING),
        (None, 0, 1100, Outcome.TIMED_OUT),
        (True, 1050, 5000, Outcome.GRANTED),
        (True, 1100, 1100, Outcome.TIMED_OUT),
        (True, 999, 1050, Outcome.TIMED_OUT),
        (False, 1050, 1060, Outcome.REFUSED),
        (False, 9000, 9000, Outcome.REFUSED),
    ],
)
def test_silence_is_no(
    answer: bool | None, answered_at: float, now: float, outcome: Outcome
) -> None:
    """A yes counts only in time; a no always does."""
    request = Request(
        id="q", digest="d", risk=Risk.R1, rules=(), reason="", asked_at=1000, expires_at=1100
    )

    assert request.outcome(answer, answered_at=answered_at, now=now) is outcome


@given(
    st.sampled_from(Risk),
    st.sampled_from(Risk),
    st.sampled_from(Risk),
    st.frozensets(st.sampled_from(Origin)),
    st.sampled_from(Verdict),
)
def test_yes_beforehand_never_reaches_too_far(
    risk: Risk, up_to: Risk, most: Risk, origins: frozenset[Origin], verdict: Verdict
) -> None:
    """It answers only asks, within its limits, never R4, never for what the web chose."""
    action = Action(kind=ActionKind.WORKSPACE_WRITE, target="a", origins=origins)

    if answer_upto(asked(action, risk=risk, verdict=verdict), action, up_to, most=most):
        assert verdict is Verdict.ASK
        assert risk <= min(up_to, most, Risk.R3)
        assert up_to > Risk.R0
        assert origins
        assert Origin.WEB not in origins


def test_yes_beforehand_answers_what_it_was_given_for() -> None:
    """`--yes-up-to R1` answers an ordinary write, and no other action's ruling."""
    action = Action(kind=ActionKind.WORKSPACE_WRITE, target="a")
    other = Action(kind=ActionKind.WORKSPACE_WRITE, target="b")

    assert answer_upto(asked(action), action, Risk.R1)
    assert not answer_upto(asked(other), action, Risk.R1)
    assert not answer_upto(asked(action, risk=Risk.R0), action, Risk.R0)
