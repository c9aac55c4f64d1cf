"""The figures of what a long goal costs, in short: the laws that hold whatever the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Figures: TypeAlias = dict[str, dict[str, Any]]

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def figures() -> Figures:
    """What the short run says, by the name of the figure."""
    command = [sys.executable, "-m", "evals.context", "--short"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["figure"]: line for line in lines}


def test_every_step_had_before_it_what_it_needed(figures: Figures) -> None:
    """With us and with the others; else their prices could not be compared."""
    told = [each for each in figures.values() if "unmet" in each]

    assert len(told) == 5
    assert [each["unmet"] for each in told] == [0] * 5


def test_the_journal_has_the_price_of_the_requests(figures: Figures) -> None:
    """What is reckoned from the bodies is what was counted as spent."""
    reckoned, counted = figures["ours: price"], figures["ours: price in the journal"]

    assert reckoned["value"] == pytest.approx(counted["value"], rel=1e-3)


def test_we_cost_less_than_a_quarter_without_a_cache_and_less_than_all_with_one(
    figures: Figures,
) -> None:
    """How much less stands in docs/figures.md."""
    shares = {name: each["value"] for name, each in figures.items() if name.startswith("ours / ")}

    assert all(share < 0.25 for name, share in shares.items() if "uncached" in name)
    assert all(share < 1 for share in shares.values())
