"""The laws of the evaluator: order never matters, and nothing unknown is ever in favour."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.risk import Action, ActionKind, Origin, Risk, Verdict
from autoclave.governance.attributes import ATTRIBUTES, CannotTell, Form, least_risk
from autoclave.governance.conditions import make_when
from autoclave.governance.evaluate import evaluate, explain
from autoclave.governance.policy import Policy, TierTerms
from autoclave.governance.rule import Condition, Layer, Rule, When

ORDER = list(Verdict)

_WHENS: list[tuple[list[ActionKind], dict[str, Any]]] = [
    ([ActionKind.WORKSPACE_WRITE], {}),
    ([ActionKind.WORKSPACE_WRITE], {"paths_any": ["docs/**"]}),
    ([ActionKind.WORKSPACE_WRITE], {"paths_all": ["*.py", "docs/**"]}),
    ([ActionKind.WORKSPACE_WRITE], {"over": {"files": 3, "deletes": 0}}),
    ([ActionKind.WORKSPACE_READ, ActionKind.WORKSPACE_WRITE], {"origins_only": ["goal"]}),
    ([ActionKind.COMMAND_RUN], {"is": {"sealed": "true", "shell": "false"}}),
    ([ActionKind.COMMAND_RUN], {"executable": ["git"], "is": {"shell": "false"}}),
    ([ActionKind.SELF_MODIFICATION], {"touches_only": ["capabilities"]}),
    ([ActionKind.CAPABILITY_RUN], {"needs_none": ["network"], "is": {"trusted": "true"}}),
    (list(ActionKind), {"origins_any": ["web", "file"]}),
]


@st.composite
def rules(draw: st.DrawFn, effect: Verdict | None = None) -> Rule:
    kinds, conditions = draw(st.sampled_from(_WHENS))
    return Rule(
        id=f"r-{draw(st.integers(0, 10**9))}",
        effect=effect or draw(st.sampled_from(Verdict)),
        risk=draw(st.none() | st.sampled_from(Risk)),
        when=make_when(kinds, conditions),
        reason="a law",
        match=(),
        not_match=(),
    )


_VALUES: dict[Form, st.SearchStrategy[Any]] = {
    Form.TEXT: st.sampled_from(["none", "write", "goal", ""]),
    Form.TEXTS: st.lists(
        st.sampled_from(["docs/a", "b.py", "git", "capabilities", "kernel", "../x"]), max_size=3
    ),
    Form.NUMBER: st.sampled_from([0, 1, 5, 100.5]),
    Form.TRUTH: st.booleans(),
}
_ODD = st.sampled_from([None, "", "x", [], [1], {}, {"a": 1}, -1, True, [["x"]]])


@st.composite
def actions(draw: st.DrawFn) -> Action:
    kind = draw(st.sampled_from(ActionKind))
    attributes = {
        name: draw(st.one_of(_VALUES[form], _VALUES[form], _ODD))
        for name, form in ATTRIBUTES[kind].items()
        if draw(st.integers(0, 3))
    }
    return Action(
        kind=kind,
        target=draw(st.sampled_from(["", "a.py", "docs/a", "git"])),
        attributes=attributes,
        origins=draw(st.frozensets(st.sampled_from(Origin), max_size=2)),
    )


@given(st.lists(rules(), max_size=6, unique_by=lambda rule: rule.id), actions(), st.randoms())
def test_order_of_rules_never_matters(given_rules: list[Rule], action: Action, random: Any) -> None:
    """Shuffled rules give the same ruling, to the last word, and the same digest."""
    shuffled = list(given_rules)
    random.shuffle(shuffled)

    ruling = evaluate(Policy(rules=tuple(given_rules)), action)

    assert evaluate(Policy(rules=tuple(shuffled)), action) == ruling


@given(st.lists(rules(), max_size=6), rules(Verdict.DENY) | rules(Verdict.ASK), actions())
def test_one_more_deny_or_ask_never_loosens(
    given_rules: list[Rule], more: Rule, action: Action
) -> None:
    """Unmatched is denied already, so this is measured where some rule speaks."""
    policy = Policy(rules=tuple(given_rules))
    before = evaluate(policy, action).verdict
    after = evaluate(Policy(rules=(*given_rules, more)), action).verdict

    was_unmatched = evaluate(policy, action).rules[0] == "default"
    assert was_unmatched or ORDER.index(after) >= ORDER.index(before)
    assert after is not Verdict.ALLOW or before is Verdict.ALLOW


@given(st.lists(rules(), max_size=6), st.lists(rules(), max_size=4), actions())
def test_less_trusted_layer_only_tightens(
    given_rules: list[Rule], project: list[Rule], action: Action
) -> None:
    """Neither an allow nor an ask of a project gets anything that was denied before."""
    policy = Policy(rules=tuple(given_rules))

    tightened = policy.tightened(tuple(project))

    before, after = evaluate(policy, action), evaluate(tightened, action)
    assert ORDER.index(after.verdict) >= ORDER.index(before.verdict)
    assert all(rule.layer is Layer.PROJECT for rule in tightened.rules[len(given_rules) :])


@given(st.lists(rules(), max_size=6), actions())
def test_built_in_rules_bind_every_file(given_rules: list[Rule], action: Action) -> None:
    """No set of rules is milder than the built-in ones where those speak."""
    alone = evaluate(Policy(), action)
    together = evaluate(Policy(rules=tuple(given_rules)), action)

    if alone.rules[0] != "default":
        assert ORDER.index(together.verdict) >= ORDER.index(alone.verdict)


@given(st.lists(rules(), max_size=6), actions())
def test_risk_is_never_below_that_of_the_kind(given_rules: list[Rule], action: Action) -> None:
    """And R4 is never simply allowed, R5 never anything but denied."""
    ruling = evaluate(Policy(rules=tuple(given_rules)), action)

    assert ruling.risk >= least_risk(action.kind)
    assert ruling.verdict is not Verdict.ALLOW or ruling.risk < Risk.R4
    assert ruling.verdict is Verdict.DENY or ruling.risk < Risk.R5


_BREAKS = st.sampled_from(
    [CannotTell("no"), KeyError("x"), TypeError(), ValueError(), IndexError(), ZeroDivisionError()]
)


@given(st.sampled_from(Verdict), _BREAKS, actions(), st.booleans())
def test_rule_without_an_answer_fails_closed(
    effect: Verdict, problem: Exception, action: Action, first: bool
) -> None:
    """A deny or an ask counts as matching, an allow does not."""

    def broken(_: Action) -> bool:
        raise problem

    conditions = [
        Condition(name="broken", wanted=True, test=broken),
        Condition(name="fine", wanted=True, test=lambda _: True),
    ]
    rule = _rule(effect, *(conditions if first else reversed(conditions)))

    answer, _ = rule.ask(action)

    assert rule.counts(answer) is (effect is not Verdict.ALLOW)


@given(_BREAKS, actions(), st.booleans())
def test_clear_no_beats_no_answer(problem: Exception, action: Action, first: bool) -> None:
    """Whatever the unknown fact is, the rule does not match; in any order of conditions."""

    def broken(_: Action) -> bool:
        raise problem

    conditions = [
        Condition(name="broken", wanted=True, test=broken),
        Condition(name="no", wanted=True, test=lambda _: False),
    ]
    rule = _rule(Verdict.DENY, *(conditions if first else reversed(conditions)))

    assert not rule.counts(rule.ask(action)[0])


@given(st.lists(rules(), max_size=6), actions())
def test_explanation_agrees_with_the_ruling(given_rules: list[Rule], action: Action) -> None:
    """The rules that decided are among those that the explanation calls matched."""
    policy = Policy(rules=tuple(given_rules))
    ruling = evaluate(policy, action)

    told = explain(policy, action)

    matched = {row["rule"] for row in told if row["matched"]}
    assert len(told) == len(policy.all_rules)
    assert {rule for rule in ruling.rules if rule.startswith("r-")} <= matched


def test_deny_over_ask_over_allow() -> None:
    """The strictest of three that match decides, and only it is named."""
    read = Action(kind=ActionKind.WORKSPACE_READ, target="a")
    three = [_rule(effect) for effect in (Verdict.ALLOW, Verdict.DENY, Verdict.ASK)]

    assert evaluate(Policy(rules=tuple(three)), read).rules == ("rule-deny",)
    assert evaluate(Policy(rules=(three[0], three[2])), read).rules == ("rule-ask",)
    assert evaluate(Policy(rules=(three[0],)), read).verdict is Verdict.ALLOW


def test_unmatched_action_is_denied_with_the_risk_of_its_kind() -> None:
    """Silence is no."""
    ruling = evaluate(Policy(), Action(kind=ActionKind.WORKSPACE_WRITE, target="a"))

    assert ruling.verdict is Verdict.DENY
    assert ruling.rules == ("default",)
    assert ruling.risk is Risk.R1


def test_ruling_names_action_and_rules() -> None:
    """It can be recorded and checked later."""
    read = Action(kind=ActionKind.WORKSPACE_READ, target="a")
    policy = Policy(rules=(_rule(Verdict.ALLOW),))

    ruling = evaluate(policy, read)

    assert ruling.action_digest == read.digest
    assert ruling.rules_digest == policy.digest
    assert ruling.to_json()["verdict"] == "allow"


def test_tier_raises_what_the_rules_say() -> None:
    """A file that makes R0 ask turns an allow into a question, and says so."""
    policy = Policy(rules=(_rule(Verdict.ALLOW),), tiers={Risk.R0: TierTerms(at_least=Verdict.ASK)})

    ruling = evaluate(policy, Action(kind=ActionKind.WORKSPACE_READ, target="a"))

    assert ruling.verdict is Verdict.ASK
    assert ruling.rules == ("rule-allow", "tier:R0")


def test_digest_changes_with_what_matters() -> None:
    """Another effect, reason or limit is another policy."""
    policies = [
        Policy(),
        Policy(rules=(_rule(Verdict.ALLOW),)),
        Policy(rules=(_rule(Verdict.DENY),)),
        Policy(tiers={Risk.R1: TierTerms(at_least=Verdict.ASK)}),
        Policy(labels={"untrusted": frozenset({Origin.WEB})}),
    ]

    assert len({policy.digest for policy in policies}) == len(policies)


def _rule(effect: Verdict, *conditions: Condition) -> Rule:
    return Rule(
        id=f"rule-{effect}",
        effect=effect,
        when=When(kinds=frozenset(ActionKind), conditions=conditions),
        reason="because",
        match=(),
        not_match=(),
    )
