"""The rules about where an action comes from: effects follow the plan, people choose targets."""

from __future__ import annotations

from ..domain.canonical import JsonObject
from ..domain.provenance import Argument, Label, Origin, Provenance
from ..domain.risk import Action, ActionKind, Risk, Verdict
from .attributes import CannotTell
from .rule import Condition, Layer, Rule, Test, When

EFFECTS = frozenset(
    {ActionKind.CAPABILITY_RUN, ActionKind.WORKSPACE_WRITE, ActionKind.NETWORK_REQUEST}
)
"""What a step of a run may do to the world. A read that fetches a page counts: it can leak."""


def provenance_rules() -> tuple[Rule, ...]:
    """Neither kind is enough alone: see `docs/decisions/0009-provenance.md`."""
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
            when=_when(untrusted_target=_is_strangers_choice),
            reason="what this acts on was chosen by text that no person wrote",
            match=(
                _step(target="mallory@evil.com"),
                _step(target="not-bob@example.org"),
                _step(target=["bob@example.org", "mallory@evil.com"]),
                _step(target="mallory@evil.com", origin=Origin.MODEL),
            ),
            not_match=(
                _step(),
                _step(target="Bob@Example.org"),
                _step(target="7", trusted=True),
                _step(target="mallory@evil.com", is_effect=False),
                _write("evil.py"),
            ),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="models-choose-in-the-workspace",
            effect=Verdict.ASK,
            risk=Risk.R1,
            when=_when(models_target=_is_models_file),
            reason="a model chose what is written; it stays in the workspace and can be taken back",
            match=(_write("evil.py"),),
            not_match=(_write("a.py"), _write("evil.py", origin=Origin.FILE), _step(target="evil")),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="models-choose-in-the-sandbox",
            effect=Verdict.ASK,
            risk=Risk.R2,
            when=_when(models_target=_is_models_run),
            reason="a model chose what is run; it is sealed and works on a copy",
            match=(_run("rm"),),
            not_match=(_run("bob@example.org"), _run("rm", origin=Origin.FILE), _write("evil.py")),
            layer=Layer.BUILT_IN,
        ),
    )


def _when(**tests: Test) -> When:
    made = (Condition(name=name, wanted=True, test=test) for name, test in tests.items())
    return When(kinds=EFFECTS, conditions=tuple(made))


def _is_outside_the_plan(action: Action) -> bool:
    came_from = _stated(action)
    return came_from is not None and came_from.is_effect and not came_from.planned


def _is_strangers_choice(action: Action) -> bool:
    """Text from outside chose a target; or a model did, where that is felt outside."""
    found = _untrusted_targets(action)
    is_inside = _is_write(action) or _is_sealed_run(action)
    return any(not is_inside or each.label.origin is not Origin.MODEL for each in found)


def _is_models_file(action: Action) -> bool:
    return _is_write(action) and _is_models_choice(action)


def _is_models_run(action: Action) -> bool:
    return _is_sealed_run(action) and _is_models_choice(action)


def _is_models_choice(action: Action) -> bool:
    return any(each.label.origin is Origin.MODEL for each in _untrusted_targets(action))


def _is_write(action: Action) -> bool:
    return action.kind is ActionKind.WORKSPACE_WRITE


def _is_sealed_run(action: Action) -> bool:
    """As it says of itself; what does not say so is taken to reach outside."""
    says = action.attributes
    sealed = says.get("sealed") is True and says.get("network") == [] and says.get("model") is False
    return action.kind is ActionKind.CAPABILITY_RUN and sealed


def _untrusted_targets(action: Action) -> tuple[Argument, ...]:
    came_from = _stated(action)
    if came_from is None or not came_from.is_effect:
        return ()
    return came_from.untrusted_targets()


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
    origin: Origin = Origin.WEB,
) -> Action:
    label = Label(origin=origin, trusted=trusted, source="read.text")
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


def _write(path: str, *, origin: Origin = Origin.MODEL) -> Action:
    return _inside(ActionKind.WORKSPACE_WRITE, path, {"paths": [path]}, origin)


def _run(program: str, *, origin: Origin = Origin.MODEL) -> Action:
    sealed = {"sealed": True, "network": [], "model": False}
    return _inside(ActionKind.CAPABILITY_RUN, program, sealed, origin)


def _inside(kind: ActionKind, target: str, attributes: JsonObject, origin: Origin) -> Action:
    argument = Argument(name="it", value=target, label=Label(origin=origin), is_target=True)
    return Action(
        kind=kind,
        target=target,
        attributes=attributes,
        goal_id="G-0001",
        provenance=Provenance(
            planned=True,
            arguments=(argument,),
            trusted_text=("Mend a.py for bob@example.org.",),
        ),
    )
