"""Which part of the home a path belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.governance.components import Component, touches_of

CHECKOUT = ("src/autoclave/mind", "capabilities")
HOME = ("mind", "capabilities")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("capabilities/describe_csv/code.py", "capabilities"),
        ("capabilities/describe_csv/capability.toml", "manifest"),
        ("capabilities/describe_csv/Capability.TOML", "manifest"),
        ("capabilities/describe_csv/tests/test_code.py", "tests"),
        ("capabilities/describe_csv/conftest.py", "tests"),
        ("capabilities/describe_csv/test_code.py", "tests"),
        ("src/autoclave/mind/planning.py", "mind"),
        ("src/autoclave/capabilities/registry.py", "kernel"),
        ("src/autoclave/core/driver.py", "kernel"),
        ("src/autoclave/core/journal.py", "audit"),
        ("src/autoclave/core/journal_engine.py", "audit"),
        ("src/autoclave/governance/builtin.py", "rules"),
        ("src/autoclave/governance/approval_system.py", "approval"),
        ("src/autoclave/sandbox/launcher.py", "sandbox"),
        ("src/autoclave/mindful.py", "kernel"),
        ("src/autoclave/MIND/planning.py", "kernel"),
        ("SRC/autoclave/core/driver.py", "kernel"),
        ("safety_rules.yaml", "rules"),
        ("Safety_Rules.YAML", "rules"),
        ("sandbox/settings.toml", "sandbox"),
        ("checkpoints/C-1/state.db", "audit"),
        ("pyproject.toml", "kernel"),
        ("uv.lock", "kernel"),
        ("tests/core/test_driver.py", "tests"),
        ("evals/repair.py", "tests"),
        (".ci/run", "ci"),
        (".github/workflows/ci.yml", "ci"),
        ("Makefile", "ci"),
        ("makefile", "ci"),
        (".env", "secrets"),
        (".autoclave/journal.key", "secrets"),
        ("docs/words.md", "docs"),
        ("README.md", "docs"),
        ("knowledge/seed.json", "other"),
        ("capabilities", "other"),
        ("capabilities/../safety_rules.yaml", "other"),
        ("capabilities/x\n.py", "other"),
        ("/etc/passwd", "other"),
    ],
)
def test_path_belongs_to_one_part(path: str, part: str) -> None:
    """The more guarded part wins, and another spelling of it is guarded too."""
    assert touches_of([path], body_prefixes=CHECKOUT) == [part]


def test_home_has_its_mind_at_the_top() -> None:
    """The body's folders are given, because a home and a checkout differ."""
    assert touches_of(["mind/planning.py"], body_prefixes=HOME) == ["mind"]
    assert touches_of(["mind/planning.py"], body_prefixes=CHECKOUT) == ["other"]


def test_parts_are_named_once_in_order() -> None:
    """Many paths give few parts."""
    paths = ["docs/a.md", "capabilities/x/code.py", "capabilities/y/code.py"]

    assert touches_of(paths, body_prefixes=CHECKOUT) == ["capabilities", "docs"]


@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_paths_give_known_parts(paths: list[str]) -> None:
    """Nothing raises, and nothing falls outside the closed set."""
    assert set(touches_of(paths, body_prefixes=CHECKOUT)) <= set(Component)


@given(st.text(max_size=30))
def test_only_what_lies_below_the_body_is_the_body(path: str) -> None:
    """No spelling outside the folder passes for a capability."""
    parts = touches_of([path], body_prefixes=CHECKOUT)

    assert parts != ["capabilities"] or path.startswith("capabilities/")
