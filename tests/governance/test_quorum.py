"""How many people a yes takes, as rules and tiers say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoclave.domain.approval import Quorum
from autoclave.domain.errors import ConfigurationInvalid
from autoclave.domain.risk import Action, ActionKind, Risk
from autoclave.governance.evaluate import evaluate
from autoclave.governance.policy import Policy
from autoclave.governance.safety_rules import SafetyRules

DAY = 86_400.0
RULE = """\
version: 1
rules:
  - id: two-look-at-files
    effect: ask
    when: {kind: workspace.write}
    reason: they are dear to us
    people: 2
    match: [{kind: workspace.write, with: {paths: [a]}}]
    not_match: [{kind: workspace.read}]
"""
WRITE = Action(kind=ActionKind.WORKSPACE_WRITE, target=".", attributes={"paths": ["a.py"]})


def parse(text: str) -> Policy:
    return SafetyRules.parse(text.encode(), source=Path("rules.yaml"))


def modify(*touches: str) -> Action:
    facts = {"touches": list(touches), "paths": ["x"], "lines": 3, "new_imports": []}
    return Action(kind=ActionKind.SELF_MODIFICATION, target="x", attributes=facts)


def test_a_rule_says_how_many_people_it_takes() -> None:
    """And without a cooling-off nobody does it alone."""
    assert evaluate(parse(RULE), WRITE).quorum == Quorum(people=2)


def test_a_tier_says_it_for_everything_of_its_risk() -> None:
    """Both are there to be read in the policy's terms."""
    policy = parse("version: 1\nrisk_tiers: {R1: {people: 2, cooling_off: 1h}}\n")

    assert policy.terms(Risk.R1).quorum == Quorum(people=2, cooling_off=3600.0)
    assert evaluate(policy, WRITE).quorum == Quorum(people=2, cooling_off=3600.0)


def test_the_stricter_of_rule_and_tier_counts() -> None:
    """A cooling-off in one place is no way around two people in another."""
    tiers = "risk_tiers: {R1: {people: 2, cooling_off: 1h}}\n"

    assert evaluate(parse(RULE + tiers), WRITE).quorum == Quorum(people=2)


def test_a_less_trusted_file_only_tightens_it(tmp_path: Path) -> None:
    """What it says about people counts when it is more."""
    loose = RULE.replace("effect: ask", "effect: allow").replace("    people: 2\n", "")
    home, project = tmp_path / "home.yaml", tmp_path / "project.yaml"
    home.write_text(loose)
    project.write_text(RULE)

    assert evaluate(SafetyRules.load(home, tighter=(project,)), WRITE).quorum.people == 2


def test_a_change_of_the_mind_takes_two_or_a_day(shipped: Policy) -> None:
    """Built in: no file can say less."""
    loose = parse("version: 1\nrisk_tiers: {R4: {at_least: ask, people: 1}}\n")

    for policy in (shipped, loose):
        assert evaluate(policy, modify("mind")).quorum == Quorum(people=2, cooling_off=DAY)
    assert evaluate(shipped, modify("capabilities")).quorum == Quorum()


def test_how_many_people_is_part_of_the_digest() -> None:
    """So that an open approval dies when it changes."""
    digests = {parse(RULE).digest, parse(RULE.replace("people: 2", "people: 1")).digest}
    for tier in ("{}", "{people: 2}", "{people: 2, cooling_off: 1h}"):
        digests.add(parse(f"version: 1\nrisk_tiers: {{R1: {tier}}}\n").digest)

    assert len(digests) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RULE.replace("people: 2", "people: 3"), "'3' is not how many people say yes"),
        (RULE.replace("people: 2", "people: two"), "'two' is not how many people say yes"),
        (RULE.replace("people: 2", "cooling_off: 1h"), "goes with `people: 2`"),
        (RULE.replace("effect: ask", "effect: deny"), "does not ask, so nobody is counted"),
        (RULE.replace("people: 2", "peoples: 2"), "did you mean `people`?"),
        ("version: 1\nrisk_tiers: {R1: {cooling_off: 1h}}\n", "goes with `people: 2`"),
        ("version: 1\nrisk_tiers: {R1: {people: 2, cooling_off: 0h}}\n", "is not a time such as"),
    ],
)
def test_a_slip_refuses_the_whole_file(text: str, message: str) -> None:
    """With its line."""
    with pytest.raises(ConfigurationInvalid, match=r"rules.yaml:\d+:\d+: ") as error:
        parse(text)

    assert message in str(error.value)
