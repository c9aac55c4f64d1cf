"""What a policy says about one action: deny over ask over allow, and deny when nobody speaks."""

from __future__ import annotations

from dataclasses import replace

from ..domain.approval import Quorum
from ..domain.canonical import JsonObject
from ..domain.risk import Action, Risk, Ruling, Verdict
from .attributes import least_risk
from .globs import Answer
from .policy import Policy, strictest
from .rule import Layer, Rule

UNMATCHED = "default"


def evaluate(policy: Policy, action: Action, *, rules_digest: str = "") -> Ruling:
    """The strictest of all rules that match; their order in any file never matters."""
    answers = [(rule, *rule.ask(action)) for rule in policy.all_rules]
    counted = [(rule, answer, why) for rule, answer, why in answers if rule.counts(answer)]
    # A project's ask must not turn into a question what no trusted rule speaks about.
    is_spoken_of = any(rule.layer is not Layer.PROJECT for rule, _, _ in counted)
    verdict = Verdict.DENY
    if is_spoken_of:
        verdict = strictest(*(rule.effect for rule, _, _ in counted))
    deciding = sorted((one for one in counted if one[0].effect is verdict), key=_most_dangerous)
    risk = max([least_risk(action.kind), *(_risk(rule) for rule, _, _ in deciding)])
    ruling = Ruling(
        verdict=verdict,
        risk=risk,
        rules=tuple(sorted(rule.id for rule, _, _ in deciding)) or (UNMATCHED,),
        reason=_reason(action, deciding),
        action_digest=action.digest,
        rules_digest=rules_digest or policy.digest,
        quorum=_quorum(policy, risk, [rule for rule, _, _ in counted]),
    )
    return _raised(ruling, policy)


def explain(policy: Policy, action: Action) -> list[JsonObject]:
    """Each rule with whether it matched and why, in the order of the policy."""
    return [_explained(rule, *rule.ask(action)) for rule in policy.all_rules]


def _explained(rule: Rule, answer: Answer, why: str) -> JsonObject:
    matched = rule.counts(answer)
    if matched and answer is Answer.UNKNOWN:
        why = f"cannot be evaluated, so it counts ({why})"
    return {
        "rule": rule.id,
        "layer": str(rule.layer),
        "effect": str(rule.effect),
        "risk": rule.risk.name if rule.risk is not None else None,
        "matched": matched,
        "answer": str(answer),
        "why": why,
        "reason": rule.reason,
    }


def _quorum(policy: Policy, risk: Risk, rules: list[Rule]) -> Quorum:
    """The strictest that the tier and any rule that speaks want."""
    found = policy.terms(risk).quorum
    for rule in rules:
        found = found.or_stricter(rule.quorum)
    return found


def _most_dangerous(one: tuple[Rule, Answer, str]) -> tuple[int, str]:
    return -_risk(one[0]), one[0].id


def _risk(rule: Rule) -> Risk:
    return rule.risk if rule.risk is not None else Risk.R0


def _reason(action: Action, deciding: list[tuple[Rule, Answer, str]]) -> str:
    if not deciding:
        return f"no rule allows {action.kind} of {action.target[:100]!r} as it stands"
    rule, answer, why = deciding[0]
    doubt = f" (cannot be evaluated, so it counts: {why})" if answer is Answer.UNKNOWN else ""
    others = len(deciding) - 1
    more = f" (and {others} more {'rule' if others == 1 else 'rules'})" if others else ""
    return f"{rule.reason}{doubt}{more}"


def _raised(ruling: Ruling, policy: Policy) -> Ruling:
    """The ruling, no milder than what holds for its risk tier."""
    floor = policy.terms(ruling.risk).at_least
    if strictest(ruling.verdict, floor) is ruling.verdict:
        return ruling
    name = ruling.risk.name
    reason = f"{name} is never less than {floor} ({ruling.reason})"
    return replace(ruling, verdict=floor, reason=reason, rules=(*ruling.rules, f"tier:{name}"))
