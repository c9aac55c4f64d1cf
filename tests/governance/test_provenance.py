"""Effects follow the plan and people choose the targets: the real gate over shipped rules."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.provenance import Argument, Label, Origin, Provenance
from autoclave.domain.risk import Action, ActionKind, Risk, Verdict
from autoclave.governance.approval_system import answer_upto
from autoclave.governance.gate import PolicyGate
from autoclave.governance.policy import Policy
from autoclave.governance.provenance import EFFECTS

GOAL = "write the report to out/report.md"


@pytest.fixture(scope="module")
def gate(shipped: Policy) -> PolicyGate:
    return PolicyGate(shipped)


def _write(
    target: object = "out/report.md",
    *,
    planned: bool = True,
    is_effect: bool = True,
    trusted: bool = False,
    kind: ActionKind = ActionKind.WORKSPACE_WRITE,
    origin: Origin = Origin.FILE,
) -> Action:
    label = Label(origin=origin, trusted=trusted)
    argument = Argument(name="path", value=target, label=label, is_target=True)
    attributes = {"paths": ["out/report.md"], "files": 1, "bytes": 9, "deletes": 0}
    run = {"workspace": "none", "network": [], "commands": [], "model": False, "sealed": True}
    return Action(
        kind=kind,
        target="out/report.md" if kind is ActionKind.WORKSPACE_WRITE else "writer",
        attributes=attributes if kind is ActionKind.WORKSPACE_WRITE else {**run, "trusted": True},
        goal_id="G-0001",
        provenance=Provenance(
            planned=planned, is_effect=is_effect, arguments=(argument,), trusted_text=(GOAL,)
        ),
    )


def test_a_planned_write_to_what_the_goal_names_can_be_answered_beforehand(
    gate: PolicyGate,
) -> None:
    """`--yes-up-to R1` does what it did before."""
    action = _write()

    ruling = gate.judge(action)

    assert ruling.rules == ("show-changes-to-the-workspace",)
    assert answer_upto(ruling, action, Risk.R1)


@pytest.mark.parametrize(
    ("action", "rule"),
    [
        (_write(planned=False), "effects-follow-the-plan"),
        (_write("evil.py"), "people-choose-the-targets"),
        (_write("report.md"), "people-choose-the-targets"),
    ],
)
def test_otherwise_only_a_person_who_sees_it_can_say_yes(
    gate: PolicyGate, action: Action, rule: str
) -> None:
    """No yes given beforehand reaches that far."""
    ruling = gate.judge(action)

    assert ruling.verdict is Verdict.ASK
    assert rule in ruling.rules
    assert ruling.risk is Risk.R4
    assert not answer_upto(ruling, action, Risk.R3)


@pytest.mark.parametrize(
    ("kind", "up_to"),
    [(ActionKind.WORKSPACE_WRITE, Risk.R1), (ActionKind.CAPABILITY_RUN, Risk.R2)],
)
def test_what_a_model_chooses_inside_the_workspace_can_be_answered_beforehand(
    gate: PolicyGate, kind: ActionKind, up_to: Risk
) -> None:
    """Under a plan from the goal alone; a yes up to less does not reach that far."""
    action = _write("src/calc.py", kind=kind, origin=Origin.MODEL)

    ruling = gate.judge(action)

    assert ruling.verdict is Verdict.ASK
    assert answer_upto(ruling, action, up_to)
    assert not answer_upto(ruling, action, Risk(up_to - 1))


@pytest.mark.parametrize("kind", [ActionKind.WORKSPACE_WRITE, ActionKind.CAPABILITY_RUN])
def test_outside_the_plan_a_model_chooses_nothing_beforehand(
    gate: PolicyGate, kind: ActionKind
) -> None:
    """Whatever it read may speak through it."""
    action = _write("src/calc.py", kind=kind, origin=Origin.MODEL, planned=False)

    assert not answer_upto(gate.judge(action), action, Risk.R3)


def test_what_a_model_chooses_outside_is_for_a_person_who_sees_it(gate: PolicyGate) -> None:
    """A run that reaches the network is not inside."""
    action = _write("mallory@evil.com", kind=ActionKind.CAPABILITY_RUN, origin=Origin.MODEL)
    outside = {**action.attributes, "network": ["evil.com"]}
    action = dataclasses.replace(action, attributes=outside)

    assert gate.judge(action).risk is Risk.R4


@pytest.mark.parametrize("kind", sorted(EFFECTS))
def test_a_run_that_does_not_say_where_an_effect_comes_from_is_asked_about(
    gate: PolicyGate, kind: ActionKind
) -> None:
    """What cannot be evaluated counts against whoever wants leave."""
    action = dataclasses.replace(_write(kind=kind), provenance=None)

    explained = {each["rule"]: each for each in gate.explain(action)}

    assert gate.judge(action).verdict is not Verdict.ALLOW
    assert explained["effects-follow-the-plan"]["matched"]
    assert explained["people-choose-the-targets"]["matched"]


def test_what_only_computes_is_free(gate: PolicyGate) -> None:
    """Whatever it reads and whoever asked for it: nothing outside can notice."""
    action = _write("evil", planned=False, is_effect=False, kind=ActionKind.CAPABILITY_RUN)

    assert gate.judge(action).verdict is Verdict.ALLOW


def test_a_field_that_nobody_else_can_set_is_trusted(gate: PolicyGate) -> None:
    """By its label, though no person wrote it."""
    action = _write("INV-7", trusted=True, kind=ActionKind.CAPABILITY_RUN)

    assert gate.judge(action).verdict is Verdict.ALLOW


@given(
    target=st.one_of(st.text(max_size=30), st.lists(st.text(max_size=10), max_size=3)),
    planned=st.booleans(),
    kind=st.sampled_from(sorted(EFFECTS)),
)
def test_no_effect_on_an_untrusted_target_is_ever_allowed(
    gate: PolicyGate, target: object, planned: bool, kind: ActionKind
) -> None:
    """Only a planned one whose targets people chose may pass without a question."""
    action = _write(target, planned=planned, kind=kind)
    assert action.provenance is not None

    ruling = gate.judge(action)

    if not planned or action.provenance.untrusted_targets():
        assert ruling.verdict is not Verdict.ALLOW
        assert ruling.risk >= Risk.R3
        assert not answer_upto(ruling, action, Risk.R3) or ruling.verdict is Verdict.DENY


def test_the_yes_is_for_these_inputs(gate: PolicyGate) -> None:
    """Other contents are another action, so an answer does not carry over."""
    one, other = _write("a"), _write("b")

    assert one.digest != other.digest
