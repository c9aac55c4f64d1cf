"""Refusals that pile up bring a person."""

from __future__ import annotations

import pytest

from autoclave.domain.risk import ActionKind
from autoclave.governance.escalation import CANARY, escalation
from autoclave.governance.policy import EscalationLimits

WRITE, READ, RUN = ActionKind.WORKSPACE_WRITE, ActionKind.WORKSPACE_READ, ActionKind.CAPABILITY_RUN


@pytest.mark.parametrize(
    ("denied", "reason"),
    [
        ([], ""),
        ([WRITE, WRITE, READ], ""),
        ([WRITE, READ, WRITE, WRITE], "workspace.write was denied 3 times in this run"),
        ([WRITE, READ, RUN, WRITE, READ], "5 actions of this run were denied"),
    ],
)
def test_escalation(denied: list[ActionKind], reason: str) -> None:
    """Three of a kind, or five of any."""
    assert escalation(denied, EscalationLimits(same_kind=3, per_run=5)) == reason


def test_a_canary_weighs_more_than_any_number() -> None:
    """Once is enough."""
    assert "canary" in escalation([CANARY], EscalationLimits())
