"""The figures of what is spent above a cap, in short: real processes, a kill, a slow server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

Figures: TypeAlias = dict[str, dict[str, Any]]

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def figures() -> Figures:
    """What the short run says, by the name of the figure."""
    command = [sys.executable, "-m", "evals.budget", "--short"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["figure"].partition(" of ")[0]: line for line in lines}


def test_nothing_is_spent_above_the_cap(figures: Figures) -> None:
    """As the seller counts, with a kill in the middle; a loop that looks afterwards does."""
    assert figures["greatest spend above the cap"]["value"] == 0
    assert figures["the same, looking after spending"]["value"] > 0


def test_no_goal_is_sold_more_than_its_budget_or_than_its_journal_says(figures: Figures) -> None:
    """What was cut off by the kill is counted in full."""
    run = figures["sold under a cap"]

    assert run["kills"] == 1
    assert run["goals_over"] == 0
    assert run["journal"] >= run["value"] > 0
