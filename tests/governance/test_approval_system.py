"""A yes that was given beforehand: how far it reaches, and what is asked all the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.approval import Quorum
from autoclave.domain.risk import Action, ActionKind, Origin, Risk, Ruling, Verdict
from autoclave.governance.approval_system import answer_upto


def asked(action: Action, *, risk: Risk = Risk.R1, verdict: Verdict = Verdict.ASK) -> Ruling:
    return Ruling(
        verdict=verdict,
        risk=risk,
        rules=("show-changes",),
        reason="look first",
        action_digest=action.digest,
        rules_digest="r",
    )


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


def test_yes_beforehand_is_one_persons() -> None:
    """Where two have to say it, it answers nothing."""
    action = Action(kind=ActionKind.WORKSPACE_WRITE, target="a")
    ruling = asked(action)

    assert answer_upto(ruling, action, Risk.R1)
    assert not answer_upto(replace(ruling, quorum=Quorum(people=2)), action, Risk.R1)
