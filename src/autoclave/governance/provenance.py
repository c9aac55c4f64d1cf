"""The rules about where an action comes from: effects follow the plan, people choose targets."""

from __future__ import annotations

from ..domain.provenance import Argument, Label, Origin, Provenance
from ..domain.risk import Action, ActionKind, Risk, Verdict
from .attributes import CannotTell
from .rule import Condition, Layer, Rule, Test, When

EFFECTS = frozenset(
    {ActionKind.CAPABILITY_RUN, ActionKind.WORKSPACE_WRITE, ActionKind.NETWORK_REQUEST}
)
"""What a step of a run may do to the world. A read that fetches a page counts: it can leak."""


def provenance_rules() -> tuple[Rule, ...]:
    """Neither is enough alone: see `docs/decisions/0009-provenance.md`."""
    return (
        Rule(
            id="effects-follow-the-plan",
            effect=Verdict.ASK,
            risk=Risk.R4,
            when=_when(outside_the_plan=_is_outside_the_plan),
            reason="this is no step of a plan that was made from the goal alone",
            match=(_step(planned=False),),
            not_match=(_step(), _step(planned=False, is_effect=False)),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="people-choose-the-targets",
            effect=Verdict.ASK,
            risk=Risk.R4,
            when=_when(untrusted_target=_has_untrusted_target),
            reason="what this acts on was chosen by text that no person wrote",
            match=(
                _step(target="mallory@evil.com"),
                _step(target="not-bob@example.org"),
                _step(target=["bob@example.org", "mallory@evil.com"]),
            ),
            not_match=(
                _step(),
                _step(target="Bob@Example.org"),
                _step(target="7", trusted=True),
                _step(target="mallory@evil.com", is_effect=False),
            ),
            layer=Layer.BUILT_IN,
        ),
    )


def _when(**tests: Test) -> When:
    made = (Condition(name=name, wanted=True, test=test) for name, test in tests.items())
    return When(kinds=EFFECTS, conditions=tuple(made))


def _is_outside_the_plan(action: Action) -> bool:
    came_from = _stated(action)
    return came_from is not None and came_from.is_effect and not came_from.planned


def _has_untrusted_target(action: Action) -> bool:
    came_from = _stated(action)
    if came_from is None or not came_from.is_effect:
        return False
    return bool(came_from.untrusted_targets())


def _stated(action: Action) -> Provenance | None:
    """None for what a person does without any run. A run has to say where its actions come from."""
    if action.provenance is None and action.goal_id:
        raise CannotTell("nothing says where this step of a run comes from")
    return action.provenance


def _step(
    *,
    target: object = "bob@example.org",
    planned: bool = True,
    is_effect: bool = True,
    trusted: bool = False,
) -> Action:
    label = Label(origin=Origin.WEB, trusted=trusted, source="read.text")
    argument = Argument(name="to", value=target, label=label, is_target=True)
    return Action(
        kind=ActionKind.CAPABILITY_RUN,
        target="send_mail",
        goal_id="G-0001",
        provenance=Provenance(
            planned=planned,
            is_effect=is_effect,
            arguments=(argument,),
            trusted_text=("Tell bob@example.org that it works.",),
        ),
    )
