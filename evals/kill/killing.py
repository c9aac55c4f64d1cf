"""Rounds of goals whose process is killed again and again, at random and at named points."""

from __future__ import annotations

import os
import random
import shutil
import signal
import statistics
import time
from collections import Counter
from functools import partial
from itertools import cycle
from pathlib import Path

from .count import Tally, count
from .hands import EFFECTS
from .life import begin, collect, ended_within, live, taken_after
from .person import Person, add_goals

GOALS, STEPS, AT_ONCE = 3, 8, 2

POINTS = (
    *(f"{effect}.{where}" for effect in EFFECTS for where in ("entry", "exit")),
    "write.entry",
    "write.prepared",
    "write.middle",
    "write.applied",
    "back.middle",
    "back.applied",
)
_NTH = {"write.middle": 14, "back.middle": 14}
"""About so many calls change folders while one change set is applied."""


class Killing:
    """Kills until there were enough, and counts what the goals came to."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311
        self._points = cycle(POINTS)
        self.tally = Tally()
        self.person = Person()
        self.random_kills = 0
        self.kills_at: Counter[str] = Counter()
        self.taken: list[float] = []
        self.span = 0.0

    def run(self, kills: int) -> None:
        self._calm_round()
        while self.random_kills < kills:
            self._round(kills)

    def figures(self) -> dict[str, object]:
        tally, person = self.tally, self.person
        return {
            "figure": "kill",
            "kills": self.random_kills,
            "kills_at_points": dict(sorted(self.kills_at.items())),
            "rounds": tally.rounds,
            **of_tally(tally),
            "in_doubt_asked": person.said_yes + person.said_no,
            "in_doubt_run_again": person.said_yes,
            "resumed_after_five_lives": person.resumed,
            "run_without_kills_seconds": round(self.span, 3),
            "resume_ms_median": round(1000 * statistics.median(self.taken), 1),
        }

    def _calm_round(self) -> None:
        """Nobody is killed: how long a round takes, and that the counting finds nothing."""
        folder = self._fresh()
        start = time.monotonic()
        while self.person.look(folder):
            pid = self._begin(folder)
            collect(pid, folder / "log")
        self.span = time.monotonic() - start
        self._close(folder)

    def _round(self, kills: int) -> None:
        folder = self._fresh()
        point = next(self._points)
        nth = self._chance.randint(1, _NTH.get(point, 1))
        fault = f"kill:{point}:{nth}"
        while self.person.look(folder):
            pid = self._begin(folder, fault)
            left = None if fault or self.random_kills >= kills else self._moment()
            if not ended_within(pid, left):
                os.kill(pid, signal.SIGKILL)
            killed = collect(pid, folder / "log") == -signal.SIGKILL
            self.random_kills += killed and not fault
            self.kills_at[point] += killed and bool(fault)
            fault = ""
        self._close(folder)

    def _moment(self) -> float:
        return self._chance.uniform(0, self.span)

    def _begin(self, folder: Path, fault: str = "") -> int:
        return begin(partial(live, folder, at_once=AT_ONCE), folder / "log", fault=fault)

    def _fresh(self) -> Path:
        folder = self._folder / f"round-{self.tally.rounds}"
        add_goals(folder, self._chance, goals=GOALS, steps=STEPS)
        return folder

    def _close(self, folder: Path) -> None:
        count(folder, self.tally)
        self.taken += taken_after(folder / "log")
        shutil.rmtree(folder)


def of_tally(tally: Tally) -> dict[str, object]:
    """The part of the figures that every kind of round has."""
    repeated = {f"repeated_{name}": tally.repeated[name] for name in ("verifiable", "once")}
    return {
        "goals": tally.goals,
        "ended": tally.ended,
        "as_expected": tally.as_expected,
        "steps": tally.steps,
        "lost": tally.lost.total(),
        **repeated,
        "repeated_workspace": tally.repeated["write"],
        "repeated_idempotent_under_another_key": tally.repeated["idempotent"],
        "repeated_pure": tally.repeated["pure"],
        "workspaces_half_done": tally.half,
        "leftover_files": tally.leftovers,
        "chain_ok": tally.chains_ok == tally.rounds,
        "anchor_ok": tally.anchors_ok == tally.rounds,
        "anchors_one_kill_behind": tally.anchors_behind,
    }
