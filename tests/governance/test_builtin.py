"""The built-in rules: their examples, and the tricks that they are there for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.risk import Action, ActionKind, Origin, Risk, Verdict
from autoclave.domain.text import show_line
from autoclave.governance.attributes import ATTRIBUTES, LEAST_RISK
from autoclave.governance.builtin import built_in_rules
from autoclave.governance.evaluate import evaluate
from autoclave.governance.globs import Answer
from autoclave.governance.paths import PROTECTED_NAMES, unclean
from autoclave.governance.policy import Policy
from autoclave.governance.rule import Layer, Rule, When

MakeAction = Callable[..., Action]
RULES = {rule.id: rule for rule in built_in_rules()}

ALLOW_ALL = Policy(
    rules=tuple(
        Rule(
            id=f"allow-{number}",
            effect=Verdict.ALLOW,
            when=When(kinds=frozenset({kind})),
            reason="as loose as a file can be",
            match=(),
            not_match=(),
        )
        for number, kind in enumerate(ActionKind)
    )
)


@pytest.mark.parametrize("rule", built_in_rules(), ids=lambda rule: str(rule.id))
def test_examples_show_what_the_rule_is_about(rule: Rule) -> None:
    """Every match example matches for certain, every other one does not for certain."""
    assert rule.match
    assert rule.not_match
    assert {rule.ask(action)[0] for action in rule.match} == {Answer.YES}
    assert {rule.ask(action)[0] for action in rule.not_match} == {Answer.NO}


@pytest.mark.parametrize("rule", built_in_rules(), ids=lambda rule: str(rule.id))
def test_no_file_switches_it_off(rule: Rule) -> None:
    """With a file that allows everything, each example is still decided at least so strictly."""
    order = list(Verdict)

    for action in rule.match:
        ruling = evaluate(ALLOW_ALL, action)
        assert order.index(ruling.verdict) >= order.index(rule.effect)
        assert rule.layer is Layer.BUILT_IN


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "a//b",
        "./a",
        "a/",
        "a/./b",
        "nul\0byte",
        "new\nline",
        "carriage\rreturn",
        "esc\x1b[2J",
        "c1\x9b31m",
        "bidi\u202egpj.exe",
        "zero\u200bwidth",
        "line\u2028separator",
        "lone\udc80surrogate",
        "",
        "x" * 5000,
        "x" * 256,
    ],
)
def test_unclean_path_is_denied(path: str, action: MakeAction) -> None:
    """Outside, hidden or unreadable paths are denied, whether read, written or modified."""
    write = action("workspace.write", paths=["ok.py", path])
    modify = action("self_modification", touches=["capabilities"], paths=[path])

    for each in (write, modify):
        ruling = evaluate(ALLOW_ALL, each)
        assert ruling.verdict is Verdict.DENY
        assert "paths-stay-below-their-root" in ruling.rules


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a\nb"])
def test_unclean_target_is_denied_for_reading(path: str, action: MakeAction) -> None:
    """Looking stays below the root too."""
    assert evaluate(ALLOW_ALL, action("workspace.read", path)).verdict is Verdict.DENY


@pytest.mark.parametrize(
    "path",
    [
        ".git",
        ".GIT/hooks/pre-commit",
        ".Git/config",
        ".git./hooks/x",
        ".git /hooks/x",
        ".git::$INDEX_ALLOCATION/hooks/x",
        "git~1/hooks/x",
        ".\uff47\uff49\uff54/hooks/x",
        "sub/module/.git/config",
        "sub\\.git\\hooks\\x",
        ".env",
        ".env.production",
        "deep/down/.ENV",
        ".github/workflows/new.yml",
        "x/.vscode/tasks.json",
        "home/.bashrc",
        "a/.ssh/authorized_keys",
        "lib/python3.11/site-packages/x.pth",
        "sitecustomize.py",
        "pkg/__pycache__/mod.cpython-311.pyc",
        "Safety_Rules.yaml",
        "safety_rules.yml",
        ".autoclave/key",
        ".venv/bin/python",
    ],
)
def test_protected_name_is_denied_however_it_is_spelled(path: str, action: MakeAction) -> None:
    """It is the name that counts, so a file that does not exist yet is covered as well."""
    ruling = evaluate(ALLOW_ALL, action("workspace.write", paths=["ok.py", path]))

    assert ruling.verdict is Verdict.DENY
    assert ruling.risk is Risk.R5


@pytest.mark.parametrize(
    "path",
    [
        *(".gitignore", ".gitattributes", "src/git.py", "environment.py", "venv_tools.py"),
        *(".github/ISSUE_TEMPLATE.md", "tests/test_env.py", "Makefile", "pyproject.toml"),
        *("conftest.py", "ñ/ü.py"),
    ],
)
def test_ordinary_name_is_not_protected(path: str, action: MakeAction) -> None:
    """The list does not get in the way of everyday work."""
    assert evaluate(ALLOW_ALL, action("workspace.write", paths=[path])).verdict is Verdict.ALLOW


@given(st.sampled_from([n for n in PROTECTED_NAMES if not set(n) & set("*[")]), st.data())
def test_protected_name_in_any_case_at_any_depth(name: str, data: st.DataObject) -> None:
    """Neither case nor depth gets around the list."""
    flips = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    spelled = "".join(c.upper() if flip else c for c, flip in zip(name, flips, strict=True))
    path = data.draw(st.sampled_from(["", "a/", "a/b/"])) + spelled
    path += data.draw(st.sampled_from(["", "/x", "/x/y"]))

    write = Action(kind=ActionKind.WORKSPACE_WRITE, target="", attributes={"paths": [path]})

    assert evaluate(ALLOW_ALL, write).verdict is Verdict.DENY


@given(st.text(max_size=30))
def test_clean_path_can_be_shown_and_stays_inside(path: str) -> None:
    """Whatever is called clean reaches a terminal unchanged and stays where it belongs."""
    if not unclean(path):
        assert show_line(path) == path
        assert not path.startswith("/")
        assert ".." not in path.split("/")


@pytest.mark.parametrize("attributes", [{}, {"sealed": "true"}, {"sealed": None}, {"sealed": 1}])
def test_run_that_does_not_say_that_it_is_sealed_is_denied(
    attributes: dict[str, object], action: MakeAction
) -> None:
    """A missing or odd fact counts against the run."""
    command = action("command.run", "ls", argv=["ls"], shell=False, **attributes)

    assert evaluate(ALLOW_ALL, command).verdict is Verdict.DENY
    assert evaluate(ALLOW_ALL, action("capability.run", **attributes)).verdict is Verdict.DENY


def test_kind_that_nobody_knows_is_denied() -> None:
    """The closed set of kinds is closed at run time too."""
    strange = Action(kind="rm.rf", target="/")  # type: ignore[arg-type]

    ruling = evaluate(ALLOW_ALL, strange)

    assert (ruling.verdict, ruling.risk) == (Verdict.DENY, Risk.R5)
    assert "known-kinds-only" in ruling.rules


@pytest.mark.parametrize(
    "kind", sorted(set(ActionKind) - {"workspace.read", "knowledge.read", "model.call"})
)
def test_what_a_web_page_chose_is_never_simply_allowed(kind: str, action: MakeAction) -> None:
    """Every effect whose target comes from the web needs a person at least."""
    assert evaluate(ALLOW_ALL, action(kind, origin="web")).verdict is not Verdict.ALLOW


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"method": "GET", "reads_only": True, "secret": False}, Verdict.ALLOW),
        ({"method": "GET", "reads_only": False, "secret": False}, Verdict.ASK),
        ({"method": "POST", "reads_only": True, "secret": False}, Verdict.ASK),
        ({"method": "get", "reads_only": True, "secret": False}, Verdict.ASK),
        ({"reads_only": True, "secret": False}, Verdict.ASK),
        ({"method": "GET", "reads_only": "yes", "secret": False}, Verdict.ASK),
        ({"method": "GET", "reads_only": True, "secret": True}, Verdict.ALLOW),
        ({"method": "GET", "secret": True, "scheme": "http"}, Verdict.DENY),
        ({"method": "GET", "secret": "no"}, Verdict.DENY),
    ],
)
def test_what_goes_out_is_judged_request_by_request(
    facts: dict[str, object], verdict: Verdict, action: MakeAction
) -> None:
    """No file lets something be sent without a question, or a secret be sent in the open."""
    stated = {"host": "example.org", "port": 443, "scheme": "https", "purpose": "capability"}

    request = action("network.request", "example.org", **{**stated, **facts})

    assert evaluate(ALLOW_ALL, request).verdict is verdict


@pytest.mark.parametrize("kind", list(ActionKind))
def test_every_kind_has_facts_and_a_least_risk(kind: ActionKind) -> None:
    """A new kind cannot be added without saying what is known of it and how bad it can get."""
    assert kind in ATTRIBUTES
    assert kind in LEAST_RISK


def test_origins_of_examples_are_stated() -> None:
    """No built-in example rests on a value without an origin."""
    examples = [action for rule in RULES.values() for action in (*rule.match, *rule.not_match)]

    assert all(action.origins <= frozenset(Origin) and action.origins for action in examples)
