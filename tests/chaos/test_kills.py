"""The kill harness in short: real kills and freezes over goals of every effect class."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

Figures: TypeAlias = dict[str, dict[str, Any]]

_ROOT = Path(__file__).parents[2]
_KILLS, _FREEZES, _APPLICATIONS = 15, 3, 3


@pytest.fixture(scope="session")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """What the harness says, by the name of the figure; run once, also by several workers."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    said = folder / "kills.json"
    with (folder / "kills.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            said.write_text(_run())
    lines = [json.loads(line) for line in said.read_text().splitlines()]
    return {line["figure"]: line for line in lines}


def _run() -> str:
    """The harness needs a process of its own, without threads, that it can fork."""
    numbers = {"kills": _KILLS, "freezes": _FREEZES, "applications": _APPLICATIONS, "seed": 3}
    options = [f"--{name}={number}" for name, number in numbers.items()]
    # A kill does not lose what the machine has cached: a disk would only make it slower.
    options += ["--folder=/dev/shm"] if os.access("/dev/shm", os.W_OK) else []
    command = [sys.executable, "-m", "evals.kill", *options]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("figure", ["kill", "freeze"])
def test_every_goal_comes_to_its_end(figures: Figures, figure: str) -> None:
    """However often its process was ended or stopped; and the log verifies."""
    seen = figures[figure]

    assert seen["goals"] > 0
    assert seen["ended"] == seen["as_expected"] == seen["goals"]
    assert seen["chain_ok"]
    assert seen["anchor_ok"]


@pytest.mark.parametrize("figure", ["kill", "freeze"])
def test_nothing_is_lost_and_nothing_is_done_twice(figures: Figures, figure: str) -> None:
    """Every step's effect is there, and those that must not be repeated are there once."""
    seen = figures[figure]

    assert seen["lost"] == 0
    assert seen["repeated_verifiable"] == 0
    assert seen["repeated_once"] == 0
    assert seen["repeated_idempotent_under_another_key"] == 0


@pytest.mark.parametrize("figure", ["kill", "freeze"])
def test_workspaces_are_written_once_or_put_back(figures: Figures, figure: str) -> None:
    """Also when the kill came in the middle of the writing; no file of ours stays behind."""
    seen = figures[figure]

    assert seen["repeated_workspace"] == 0
    assert seen["workspaces_half_done"] == 0
    assert seen["leftover_files"] == 0


def test_as_many_were_killed_as_was_asked_for(figures: Figures) -> None:
    """The figures are about real kills, at random and at named points."""
    seen = figures

    assert seen["kill"]["kills"] == _KILLS
    assert sum(seen["kill"]["kills_at_points"].values()) > 0
    assert seen["freeze"]["freezes"] == _FREEZES


def test_a_woken_process_does_at_most_what_it_was_in_the_middle_of(figures: Figures) -> None:
    """It learns from the journal that it has lost its runs, and stops."""
    seen = figures["freeze"]

    assert seen["fenced"] > 0
    assert seen["woken_effects_most_per_run"] <= 1


def test_a_proposal_is_applied_once_or_not_at_all(figures: Figures) -> None:
    """Killed before every write and every event, and while it is finished after that."""
    seen = figures["proposal"]

    assert seen["places"] > 15
    assert seen["applied_once"] > 0
    assert seen["not_at_all"] > 0
    assert (seen["half"], seen["twice"], seen["goals_not_tried_again"]) == (0, 0, 0)
    assert seen["chain_ok"]
