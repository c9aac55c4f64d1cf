"""The gate: the last good rules hold, and a broken file puts safe mode on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.ports import Gatekeeper
from autoclave.domain.risk import Action, ActionKind, Origin, Risk, Verdict
from autoclave.governance.gate import PolicyGate
from autoclave.governance.policy import Policy
from autoclave.governance.safety_rules import SafetyRules

MakeAction = Callable[..., Action]


@pytest.fixture
def rule_file(tmp_path: Path, shipped_text: str) -> Path:
    path = tmp_path / "safety_rules.yaml"
    path.write_text(shipped_text)
    return path


def test_gate_is_a_gatekeeper(shipped: Policy) -> None:
    """It offers what the port asks for."""
    gate: Gatekeeper = PolicyGate(shipped)

    assert gate.digest == shipped.digest


def test_broken_file_leaves_only_looking(rule_file: Path, action: MakeAction) -> None:
    """The last good rules stay for what only looks; all else is denied, with the file's error."""
    gate = PolicyGate(SafetyRules.load(rule_file))
    rule_file.write_text("version: 1\nrulez: []\n")

    error = gate.reload()

    assert error is gate.broken
    read, write = action("workspace.read", "a.py"), action("workspace.write", paths=["a.py"])
    assert gate.judge(read).verdict is Verdict.ALLOW
    ruling = gate.judge(write)
    assert (ruling.verdict, ruling.rules) == (Verdict.DENY, ("safe-mode",))
    assert "safety_rules.yaml:2:1: has no key `rulez`" in ruling.reason


def test_approvals_do_not_reach_into_safe_mode(rule_file: Path) -> None:
    """The digest of the rules changes with safe mode and comes back with the good file."""
    gate = PolicyGate(SafetyRules.load(rule_file))
    good, text = gate.digest, rule_file.read_text()

    rule_file.unlink()
    gate.reload()
    broken = gate.digest
    rule_file.write_text(text)

    assert broken != good
    assert gate.reload() is None
    assert gate.digest == good


def test_safe_mode_does_not_allow_what_the_good_rules_denied(
    rule_file: Path, action: MakeAction
) -> None:
    """Looking outside the workspace stays denied."""
    gate = PolicyGate(SafetyRules.load(rule_file))
    rule_file.write_text("")
    gate.reload()

    assert gate.judge(action("workspace.read", "../x")).verdict is Verdict.DENY


def test_good_change_is_taken_up(rule_file: Path, action: MakeAction) -> None:
    """A corrected or edited file is in force after reload."""
    gate = PolicyGate(SafetyRules.load(rule_file))
    rule_file.write_text("version: 1\n")

    assert gate.reload() is None
    assert gate.judge(action("workspace.read", "a.py")).rules == ("default",)


def test_reload_keeps_the_tighter_files(
    rule_file: Path, tmp_path: Path, action: MakeAction
) -> None:
    """A project's rules are not lost on the way."""
    project = tmp_path / "project.yaml"
    project.write_text(
        "version: 1\nrules:\n- id: no-looking\n  effect: deny\n  when: {kind: workspace.read}\n"
        "  reason: private\n  match: [{kind: workspace.read, target: a}]\n"
        "  not_match: [{kind: goal.add}]\n"
    )
    gate = PolicyGate(SafetyRules.load(rule_file, tighter=(project,)))
    read = action("workspace.read", "a.py")

    before = gate.judge(read)
    gate.reload()

    assert before.rules == gate.judge(read).rules == ("no-looking",)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
_NAMES = ["paths", "argv", "touches", "sealed", "trusted", "network", "files", "usd", "labels"]


@given(
    st.sampled_from(ActionKind),
    st.text(max_size=12),
    st.dictionaries(st.sampled_from([*_NAMES, "workspace", "model"]), _JSON),
    st.frozensets(st.sampled_from(Origin)),
)
def test_judge_never_raises(
    shipped: Policy, kind: ActionKind, target: str, attributes: object, origins: frozenset[Origin]
) -> None:
    """Whatever the facts look like there is a ruling, and no odd fact is ever in favour."""
    action = Action(kind=kind, target=target, attributes=attributes, origins=origins)  # type: ignore[arg-type]

    ruling = PolicyGate(shipped).judge(action)

    assert ruling.reason
    assert PolicyGate(shipped).explain(action) or ruling.verdict is Verdict.DENY
    if kind in (ActionKind.CAPABILITY_RUN, ActionKind.COMMAND_RUN) and ruling.verdict == "allow":
        assert attributes["sealed"] is True  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "attributes", "origins"),
    [
        (["list"], {}, frozenset({Origin.GOAL})),
        (None, {}, frozenset({Origin.GOAL})),
        (ActionKind.GOAL_ADD, {"x": object()}, frozenset({Origin.GOAL})),
        (ActionKind.GOAL_ADD, {"x": float("nan")}, frozenset({Origin.GOAL})),
        (ActionKind.GOAL_ADD, None, frozenset({Origin.GOAL})),
        (ActionKind.GOAL_ADD, {}, None),
        (ActionKind.GOAL_ADD, {}, frozenset({"moon"})),
    ],
)
def test_what_has_no_form_is_denied(
    shipped: Policy, kind: object, attributes: object, origins: object
) -> None:
    """Even an action that is no proper value is denied, not crashed on."""
    action = Action(kind=kind, target="x", attributes=attributes, origins=origins)  # type: ignore[arg-type]

    ruling = PolicyGate(shipped).judge(action)

    assert (ruling.verdict, ruling.rules) == (Verdict.DENY, ("cannot-be-judged",))


def test_shipped_rules_serve_the_main_job(shipped: Policy, action: MakeAction) -> None:
    """Reading and sealed runs go through; a write asks in a way that a yes up to R1 can answer."""
    gate = PolicyGate(shipped)
    run = action(
        "capability.run",
        "repair_python",
        effect="pure",
        workspace="write",
        network=[],
        commands=["python"],
        model=False,
        tree="ab12",
        trusted=True,
        sealed=True,
        argv=["python", "-m", "pytest"],
        shell=False,
    )
    write = action("workspace.write", "a.py", paths=["a.py"], files=1, bytes=40, deletes=0)

    assert gate.judge(run).verdict is Verdict.ALLOW
    ruling = gate.judge(write)
    assert (ruling.verdict, ruling.risk) == (Verdict.ASK, Risk.R1)
