"""What the tests of the rules share: the shipped file and short ways to write actions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoclave.domain.risk import Action, ActionKind, Origin
from autoclave.governance.policy import Policy
from autoclave.governance.safety_rules import SafetyRules

SHIPPED = Path(__file__).parents[2] / "safety_rules.yaml"


@pytest.fixture(scope="session")
def shipped_text() -> str:
    return SHIPPED.read_text()


@pytest.fixture(scope="session")
def shipped() -> Policy:
    return SafetyRules.load(SHIPPED)


@pytest.fixture
def action() -> Callable[..., Action]:
    """`action("workspace.write", "a.py", paths=["a.py"], origin="web")`."""

    def make(kind: str, target: str = "", *, origin: str = "goal", **attributes: object) -> Action:
        return Action(
            kind=ActionKind(kind),
            target=target,
            attributes=attributes,
            origins=frozenset({Origin(origin)}),
        )

    return make
