"""The rule file: read whole or refused whole, with the line of what is wrong."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoclave.domain.errors import ConfigurationInvalid
from autoclave.domain.risk import Risk, Verdict
from autoclave.domain.usage import Budget
from autoclave.governance.builtin import core_digest
from autoclave.governance.policy import Policy
from autoclave.governance.safety_rules import SafetyRules

HOME = Path("safety_rules.yaml")
RULE = """\
  - id: read
    effect: allow
    when: {kind: workspace.read, target_glob: ["*.md"]}
    reason: reading is fine
    match: [{kind: workspace.read, target: a.md}]
    not_match: [{kind: workspace.read, target: a.py}]
"""


def parse(text: str) -> Policy:
    return SafetyRules.parse(text.encode(), source=HOME)


def test_shipped_file_is_good(shipped: Policy) -> None:
    """The file that ships is read, with the budgets that it states."""
    assert shipped.goal_budget == Budget(steps=200, seconds=3600, tokens=2_000_000, usd=1)
    assert shipped.approvals.expires_after == shipped.ask_seconds(Risk.R1) == 86_400
    assert shipped.approvals.yes_up_to is Risk.R2


def test_smallest_file_allows_nothing() -> None:
    """Only the version has to be there."""
    assert parse("version: 1\n").rules == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: []\n", "safety_rules.yaml:1:1: version: "),
        ("version: 2\n", "safety_rules.yaml:1:1: version: "),
        ("version: 1\nrulez: []\n", "2:1: has no key `rulez`; did you mean `rules`?"),
        ("- a\n", "1:1: has to be a mapping"),
        ("just text\n", "1:1: has to be a mapping"),
        ("version: 1\ndefaults: {effect: allow}\n", "2:12: defaults.effect: "),
        ("version: 1\ndefaults: {on_timeout: allow}\n", "2:12: defaults.on_timeout: "),
        ("version: 1\ndefaults: {ask_timeout: 4}\n", "'4' is not a time such as"),
        ("version: 1\ndefaults: {ask_timeout: 0s}\n", "'0s' is not a time such as"),
        ("version: 1\nrisk_tiers:\n  R4: {at_least: allow}\n", "3:8: R4 is never less than ask"),
        ("version: 1\nrisk_tiers:\n  R5: {at_least: ask}\n", "3:8: R5 is never less than deny"),
        ("version: 1\nrisk_tiers:\n  R6: {}\n", "3:3: risk_tiers: has no key `R6`"),
        ("version: 1\napprovals: {yes_up_to: R4}\n", "2:13: a yes given beforehand reaches"),
        ("version: 1\napprovals: {yes_up_to: high}\n", "'high' is not a risk tier"),
        ("version: 1\ncore_digest: abc\n", "2:1: is for other built-in rules; those here are"),
        ("version: 1\nprotected_paths: [../x]\n", "2:19: the pattern '../x'"),
        ("version: 1\nbudgets: {per_goal: {usd: much}}\n", "'much' is not a number"),
        ("version: 1\nbudgets: {per_goal: {steps: 1.5}}\n", "'1.5' is not a whole number"),
        ("version: 1\nbudgets: {per_goal: {steps: -1}}\n", "'-1' is not a whole number"),
        (
            "version: 1\nbudgets: {machine: {memory_mb: {soft: 9, hard: 3}}}\n",
            "2:21: memory_mb reaches its hard limit before",
        ),
        (
            "version: 1\nbudgets: {machine: {disk_free_mb: {soft: 3, hard: 9}}}\n",
            "disk_free_mb reaches its hard limit before",
        ),
        ("version: 1\nlabels: {secret: [moon]}\n", "labels.secret[0]: "),
        (
            "version: 1\ntests: [{kind: goal.add, expect: allow}]\n",
            "2:9: this test fails: expected allow, it is deny by default",
        ),
        (
            "version: 1\ntests: [{kind: workspace.read, target: ../x, expect: deny, by: [a]}]\n",
            "expected to be decided by a, it is by paths-stay-below-their-root",
        ),
    ],
)
def test_mistake_is_named_with_its_line(text: str, message: str) -> None:
    """A wrong file is refused, and the message says where and what."""
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(text)

    assert message in caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "effect: allow",
            "efect: allow",
            "4:5: rules[0]: has no key `efect`; did you mean",
        ),
        ("target_glob", "target_glod", "did you mean `target_glob`?"),
        ("effect: allow", "effect: maybe", "4:5: rules[0].effect: "),
        ("kind: workspace.read, target_glob", "kind: workspace.raed, target_glob", "did you mean"),
        ("id: read", "id: Read It", "3:5: rules[0].id: "),
        ("id: read", "id: runs-are-sealed", "`runs-are-sealed` is the id of a built-in rule"),
        ("id: read", "id: safe-mode", "`safe-mode` is the id of this program"),
        ("    reason: reading is fine\n", "", "3:5: rules[0].reason: "),
        ("    match: [{kind: workspace.read, target: a.md}]\n", "", "rules[0].match: "),
        ("    not_match: [{kind: workspace.read, target: a.py}]\n", "", "rules[0].not_match: "),
        ("[{kind: workspace.read, target: a.md}]", "[]", "7:5: rules[0].match: "),
        ("target: a.md", "target: a.txt", "7:13: read should match this example, but target_glob"),
        ("target: a.py", "target: b.md", "8:17: read should not match this example"),
        ("target: a.md", "target: A.MD", "7:13: read should match this example"),
        ("target: a.md", "tarjet: a.md", "did you mean `target`?"),
        ("target: a.md", "with: {pats: [a]}", "has no attribute `pats`; did you mean `paths`"),
        ("target: a.md", "with: {paths: a}", "`paths` has to be a list of texts"),
        ("target: a.md", "with: {files: many}", "`files` has to be a number"),
        (
            "{kind: workspace.read, target: a.py}",
            "{kind: goal.add}",
            "8:5: read has conditions, so one `not_match` has to be of a kind",
        ),
        (
            "kind: workspace.read, target_glob: [",
            "kind: capability.enrol, target_glob: [",
            "4:5: read cannot allow: capability.enrol is R4, which is never less than ask",
        ),
        ("effect: allow", "effect: allow\n    risk: R5", "is R5, which is never less than deny"),
        ('["*.md"]', '["!*.md"]', "is negated"),
        ('target_glob: ["*.md"]', "is: {shell: true}", "workspace.read has no attribute `shell`"),
    ],
)
def test_mistake_in_a_rule_is_named(old: str, new: str, message: str) -> None:
    """The same for each part of a rule, its examples included."""
    assert old in RULE

    with pytest.raises(ConfigurationInvalid) as caught:
        parse("version: 1\nrules:\n" + RULE.replace(old, new, 1))

    assert message in caught.value.message


def test_two_rules_of_one_id_are_refused() -> None:
    """A ruling names rules by id, so an id names one rule."""
    with pytest.raises(ConfigurationInvalid, match="`read` is the id of another rule"):
        parse("version: 1\nrules:\n" + RULE + RULE)


def test_core_digest_of_these_built_in_rules_is_taken() -> None:
    """A home can pin the built-in rules that it was written for."""
    assert parse(f"version: 1\ncore_digest: {core_digest()}\n").source == HOME


def test_protected_path_is_denied_under_every_other_rule(shipped_text: str) -> None:
    """One line protects more names, in every spelling."""
    text = shipped_text.replace("protected_paths: []", "protected_paths: [contracts/]")
    case = "\n  - {kind: workspace.write, with: {paths: [a/Contracts/b]}, expect: deny,\n"
    case += "     by: [protected-paths]}\n"

    assert parse(text.rstrip() + case).rules[-1].id == "protected-paths"


def test_tighter_file_only_tightens(tmp_path: Path, shipped_text: str) -> None:
    """Of a project's file the denying and asking rules count, and nothing else."""
    (tmp_path / "safety_rules.yaml").write_text(shipped_text)
    project = tmp_path / "project.yaml"
    deny = RULE.replace("id: read", "id: hide").replace("effect: allow", "effect: deny")
    project.write_text("version: 1\nbudgets: {per_goal: {usd: 99}}\nrules:\n" + RULE + deny)

    policy = SafetyRules.load(tmp_path / "safety_rules.yaml", tighter=(project,))

    assert [rule.id for rule in policy.rules[-1:]] == ["hide"]
    assert "read" not in {rule.id for rule in policy.rules}
    assert policy.goal_budget.usd == 1


@pytest.mark.parametrize("make", ["nothing", "folder", "pipe", "link to itself"])
def test_what_is_no_file_is_refused(tmp_path: Path, make: str) -> None:
    """Whatever stands in the file's place is an error, and nothing waits for it."""
    path = tmp_path / "safety_rules.yaml"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    elif make == "link to itself":
        path.symlink_to(path)

    with pytest.raises(ConfigurationInvalid, match=re.escape(str(path))):
        SafetyRules.load(path)


def _mutants(policy: Policy) -> list[tuple[str, str, str]]:
    return [
        (rule.id, str(rule.effect), str(other))
        for rule in policy.rules
        for other in Verdict
        if other is not rule.effect
    ]


def test_flipping_the_effect_of_any_shipped_rule_is_noticed(
    shipped: Policy, shipped_text: str
) -> None:
    """Each rule is held by its examples or by the file's tests: no flip goes unnoticed."""
    survivors = []
    for rule, effect, other in _mutants(shipped):
        old = f"  - id: {rule}\n    effect: {effect}\n"
        assert shipped_text.count(old) == 1
        try:
            parse(shipped_text.replace(old, f"  - id: {rule}\n    effect: {other}\n"))
        except ConfigurationInvalid:
            continue
        survivors.append((rule, other))

    assert not survivors


def test_removing_any_shipped_rule_is_noticed(shipped: Policy, shipped_text: str) -> None:
    """The same for leaving a rule out."""
    head, _, rest = shipped_text.partition("\nrules:\n")
    body, _, tail = rest.partition("\nbudgets:")
    blocks = re.split(r"(?m)^(?=  - id: )", body)[1:]
    assert len(blocks) == len(shipped.rules)

    for number in range(len(blocks)):
        left = "".join(blocks[:number] + blocks[number + 1 :])
        with pytest.raises(ConfigurationInvalid, match="this test fails"):
            parse(f"{head}\nrules:\n{left}\nbudgets:{tail}")


def test_every_key_in_the_comments_is_a_real_one(shipped_text: str) -> None:
    """The header of the file names all conditions, and only those."""
    from autoclave.governance.conditions import NAMES

    header = shipped_text.partition("\nversion:")[0]

    assert {name for name in NAMES if re.search(rf"\b{name}\b", header)} == set(NAMES)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_shipped_file_raises_nothing_else(shipped_text: str, data: st.DataObject) -> None:
    """Whatever is cut out of the file or put in, the answer is a policy or ConfigurationInvalid."""
    head = shipped_text.partition("\n  - id: run-enrolled")[0] + "\n"
    start = data.draw(st.integers(0, len(head)))
    end = data.draw(st.integers(start, min(len(head), start + 30)))
    junk = data.draw(st.text("{}[]:-,#&*!|>'\"\n \tabR0", max_size=6))

    problem = _problem(head[:start] + junk + head[end:])

    assert problem.startswith("safety_rules.yaml:") or not problem


def _problem(text: str) -> str:
    try:
        parse(text)
    except ConfigurationInvalid as error:
        return error.message
    return ""


_TREES = st.recursive(
    st.sampled_from(["", "1", "a", "R0", "allow", "goal.add", "{x}", "\u00e9"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("version", "rules", "when", "kind", "match", "with", "is", "over", "tests"),
                    *("id", "effect", "budgets", "machine", "risk_tiers", "R1", "labels", "zz"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_TREES)
def test_any_tree_raises_nothing_else(tree: object) -> None:
    """The same for well-formed YAML of the wrong shape."""
    problem = _problem(json.dumps(tree, ensure_ascii=False))

    assert problem.startswith("safety_rules.yaml:") or not problem


def test_limits_of_a_day_a_purpose_and_a_depth_are_read(tmp_path: Path) -> None:
    """What the file does not give keeps its usual limit."""
    rules = tmp_path / "safety_rules.yaml"
    rules.write_text(
        "version: 1\nbudgets:\n  per_goal: {depth: 1}\n  per_day: {usd: 2, steps: 900}\n"
        "  per_purpose: {plan: {usd: 0.5}}\n  machine: {inodes_free: {soft: 50, hard: 10}}\n"
    )

    policy = SafetyRules.load(rules)

    assert policy.goal_budget.depth == 1
    assert (policy.day.usd, policy.day.steps, policy.day.seconds) == (2.0, 900, None)
    assert policy.day.per_purpose["plan"].usd == 0.5
    assert policy.machine["inodes_free"].hard == 10


def test_a_purpose_limits_only_what_models_cost(tmp_path: Path) -> None:
    """Steps have no purpose."""
    rules = tmp_path / "safety_rules.yaml"
    rules.write_text("version: 1\nbudgets: {per_purpose: {plan: {steps: 5}}}\n")

    with pytest.raises(ConfigurationInvalid, match="steps"):
        SafetyRules.load(rules)
