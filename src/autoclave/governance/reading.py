"""From a strict YAML document to a policy; whatever is wrong names its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..domain.approval import Quorum
from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..domain.risk import Action, ActionKind, Risk, Verdict
from ..domain.usage import Budget
from .attributes import ATTRIBUTES, Form, least_risk
from .builtin import built_in_rules, core_digest
from .conditions import make, make_when
from .nearest import did_you_mean
from .policy import (
    DAY,
    FLOORS,
    MACHINE,
    ApprovalTerms,
    Band,
    DayLimits,
    EscalationLimits,
    Policy,
    PurposeLimits,
    TierTerms,
    strictest,
)
from .rule import Condition, Labels, Rule, When
from .yaml_loader import Document, Path

if TYPE_CHECKING:
    from . import schema

_PROTECTS = frozenset({ActionKind.WORKSPACE_WRITE, ActionKind.SELF_MODIFICATION})
_MOST_YES = Risk.R3
_TRUTHS = ("false", "true")


def read_policy(document: Document) -> Policy:
    """The policy that a file stands for, its examples not yet tried. ConfigurationInvalid."""
    file = _validated(document)
    if file.core_digest and file.core_digest != core_digest():
        problem = f"is for other built-in rules; those here are {core_digest()}"
        raise document.error(("core_digest",), problem)
    labels = {name: frozenset(origins) for name, origins in file.labels.items()}
    rules = [_rule(document, number, each, labels) for number, each in enumerate(file.rules)]
    _check_ids(document, rules)
    return Policy(
        rules=(*rules, *_protection(document, file.protected_paths)),
        tiers=_tiers(document, file.risk_tiers),
        labels=labels,
        approvals=_approvals(document, file),
        goal_budget=Budget(**_given(file.budgets.per_goal)),
        day=_day(file.budgets),
        escalation=EscalationLimits(**_given(file.escalation)),
        machine={**MACHINE, **_bands(document, file.budgets.machine)},
    )


def read_cases(document: Document) -> list[tuple[Action, Verdict, list[str] | None]]:
    """The actions under `tests`, with the expected verdict and deciding rules."""
    cases = _validated(document).tests
    return [
        (_action(document, ("tests", number), case), case.expect, case.by)
        for number, case in enumerate(cases)
    ]


def _validated(document: Document) -> schema.FileSection:
    from pydantic import ValidationError

    from .schema import FileSection

    try:
        return FileSection.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        others = error.error_count() - 1
        path: Path = first["loc"]
        key = first.get("ctx", {}).get("key") if first["type"] == "unknown_key" else None
        problem = f"{_spelled(path)}{first['msg']}"
        problem += f" (and {others} more)" if others else ""
        raise document.error((*path, key) if key else path, problem) from error


def _spelled(path: Path) -> str:
    """The way to a value as people write it: `rules[3].when: `."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""


def _rule(document: Document, number: int, given: schema.RuleSection, labels: Labels) -> Rule:
    at: Path = ("rules", number)
    if given.effect is Verdict.ALLOW:
        _check_may_allow(document, at, given)
    return Rule(
        id=given.id,
        effect=given.effect,
        risk=given.risk,
        when=_when(document, (*at, "when"), given.when, labels),
        reason=given.reason,
        quorum=_quorum_of_rule(document, at, given),
        match=_examples(document, (*at, "match"), given.match),
        not_match=_examples(document, (*at, "not_match"), given.not_match),
    )


def _quorum_of_rule(document: Document, at: Path, given: schema.RuleSection) -> Quorum:
    if given.people is not None and given.effect is not Verdict.ASK:
        problem = f"{given.id} does not ask, so nobody is counted"
        raise document.error((*at, "people"), problem)
    return _quorum(document, at, given.people, given.cooling_off)


def _quorum(document: Document, at: Path, people: int | None, cooling_off: float | None) -> Quorum:
    if cooling_off is not None and people != 2:
        problem = "a cooling-off stands in for a second person, so it goes with `people: 2`"
        raise document.error((*at, "cooling_off"), problem)
    return Quorum(people=people or 1, cooling_off=cooling_off)


def _check_may_allow(document: Document, at: Path, given: schema.RuleSection) -> None:
    for kind in given.when.kind:
        risk = max(least_risk(kind), given.risk or Risk.R0)
        if (floor := FLOORS.get(risk, Verdict.ALLOW)) is not Verdict.ALLOW:
            problem = f"{kind} is {risk.name}, which is never less than {floor}"
            raise document.error((*at, "effect"), f"{given.id} cannot allow: {problem}")


def _when(document: Document, at: Path, given: schema.WhenSection, labels: Labels) -> When:
    kinds = frozenset(given.kind)
    conditions: list[Condition] = []
    for name, wanted in given.model_dump(exclude={"kind"}, by_alias=True).items():
        if wanted is None:
            continue
        try:
            conditions.append(make(name, wanted, kinds, labels))
        except InvalidInput as error:
            raise document.error((*at, name), error.message) from error
    return When(kinds=kinds, conditions=tuple(conditions))


def _examples(
    document: Document, at: Path, given: list[schema.ExampleSection]
) -> tuple[Action, ...]:
    return tuple(_action(document, (*at, number), each) for number, each in enumerate(given))


def _action(document: Document, at: Path, given: schema.ExampleSection) -> Action:
    attributes: JsonObject = {}
    for name, value in given.attributes.items():
        place = (*at, "with", name)
        form = Form.TEXTS if name == "labels" else ATTRIBUTES[given.kind].get(name)
        if form is None:
            near = did_you_mean(name, ATTRIBUTES[given.kind])
            raise document.error(place, f"{given.kind} has no attribute `{name}`{near}")
        try:
            attributes[name] = _typed(value, form)
        except ValueError as error:
            raise document.error(place, f"`{name}` has to be a {form}") from error
    return Action(
        kind=given.kind,
        target=given.target,
        attributes=attributes,
        origins=frozenset(given.origins),
    )


def _typed(value: Any, form: Form) -> object:
    """The value that the text of an example stands for. ValueError when it stands for none."""
    if form is Form.TEXTS:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise ValueError(form)
    if not isinstance(value, str):
        raise ValueError(form)
    if form is Form.TRUTH:
        return _TRUTHS.index(value) == 1
    return float(value) if form is Form.NUMBER else value


def _check_ids(document: Document, rules: list[Rule]) -> None:
    taken = {rule.id: "a built-in rule" for rule in built_in_rules()}
    taken |= dict.fromkeys(("default", "safe-mode", "protected-paths"), "this program")
    for number, rule in enumerate(rules):
        if owner := taken.get(rule.id):
            raise document.error(("rules", number, "id"), f"`{rule.id}` is the id of {owner}")
        taken[rule.id] = "another rule"


def _protection(document: Document, patterns: list[str]) -> tuple[Rule, ...]:
    """`protected_paths` as the rule that it stands for."""
    if not patterns:
        return ()
    for number, pattern in enumerate(patterns):
        try:
            make("paths_any", [pattern], _PROTECTS, {})
        except InvalidInput as error:
            raise document.error(("protected_paths", number), error.message) from error
    rule = Rule(
        id="protected-paths",
        effect=Verdict.DENY,
        risk=Risk.R5,
        when=make_when(_PROTECTS, {"paths_any": patterns}),
        reason="the rule file protects this path",
        match=(),
        not_match=(),
    )
    return (rule,)


def _tiers(document: Document, given: schema.TiersSection) -> Mapping[Risk, TierTerms]:
    tiers = {}
    for risk in Risk:
        terms = getattr(given, risk.name)
        if terms is None:
            continue
        floor = FLOORS.get(risk, Verdict.ALLOW)
        if strictest(terms.at_least, floor) is not terms.at_least:
            path = ("risk_tiers", risk.name, "at_least")
            raise document.error(path, f"{risk.name} is never less than {floor}")
        at: Path = ("risk_tiers", risk.name)
        given_terms = terms.model_dump(exclude={"people", "cooling_off"})
        quorum = _quorum(document, at, terms.people, terms.cooling_off)
        tiers[risk] = TierTerms(**given_terms, quorum=quorum)
    return tiers


def _approvals(document: Document, file: schema.FileSection) -> ApprovalTerms:
    yes_up_to = ApprovalTerms().yes_up_to
    if file.approvals.yes_up_to is not None:
        yes_up_to = file.approvals.yes_up_to
    if yes_up_to > _MOST_YES:
        problem = f"a yes given beforehand reaches at most {_MOST_YES.name}"
        raise document.error(("approvals", "yes_up_to"), problem)
    return ApprovalTerms(
        ask_timeout=file.defaults.ask_timeout or DAY,
        expires_after=file.approvals.expires_after or DAY,
        headless=file.defaults.headless_ask,
        yes_up_to=yes_up_to,
    )


def _day(given: schema.BudgetsSection) -> DayLimits:
    purposes = {name: PurposeLimits(**_given(each)) for name, each in given.per_purpose.items()}
    return DayLimits(**_given(given.per_day), per_purpose=purposes)


def _bands(document: Document, given: schema.MachineSection) -> Mapping[str, Band]:
    bands = {}
    for name, section in given:
        if section is None:
            continue
        band = Band(soft=section.soft, hard=section.hard)
        is_ordered = band.soft >= band.hard if "_free" in name else band.soft <= band.hard
        if not is_ordered:
            path = ("budgets", "machine", name)
            raise document.error(path, f"{name} reaches its hard limit before its soft one")
        bands[name] = band
    return bands


def _given(section: schema.Section) -> dict[str, Any]:
    return section.model_dump(exclude_none=True)
