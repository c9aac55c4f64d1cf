"""Rounds in which a process is stopped, another one takes over, and the first wakes up again."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from functools import partial
from itertools import cycle
from pathlib import Path

from .count import Tally, count
from .killing import GOALS, STEPS, of_tally
from .life import begin, collect, ended_within, live, stands_still
from .person import Person, add_goals
from .world import World

_POINTS = (
    "random",
    "verifiable.entry",
    "write.middle",
    "once.exit",
    "random",
    "write.prepared",
    "verifiable.exit",
    "once.entry",
    "random",
    "idempotent.entry",
)


class Freezing:
    """Freezes until it was often enough, and counts what the frozen one did afterwards."""

    def __init__(self, folder: Path, *, seed: int, span: float) -> None:
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311
        self._points = cycle(_POINTS)
        self._span = span
        self.tally = Tally()
        self.person = Person()
        self.freezes = 0
        self.at: Counter[str] = Counter()
        self.fenced = 0
        self.woken_effects: Counter[str] = Counter()
        self.most_per_run = 0
        self.done_twice: Counter[str] = Counter()
        self.moved_on = 0

    def run(self, freezes: int) -> None:
        number = 0
        while self.freezes < freezes:
            self._round(self._folder / f"freeze-{number}", next(self._points))
            number += 1

    def figures(self) -> dict[str, object]:
        return {
            "figure": "freeze",
            "freezes": self.freezes,
            "freezes_at": dict(sorted(self.at.items())),
            "fenced": self.fenced,
            **of_tally(self.tally),
            "woken_effects": self.woken_effects.total(),
            "woken_effects_most_per_run": self.most_per_run,
            "woken_effects_done_twice": dict(sorted(self.done_twice.items())),
            "froze_with_a_lock_and_moved_on": self.moved_on,
            "in_doubt_asked": self.person.said_yes + self.person.said_no,
        }

    def _round(self, folder: Path, point: str) -> None:
        add_goals(folder, self._chance, goals=GOALS, steps=STEPS)
        pid = self._frozen(folder, point)
        if pid is None:
            shutil.rmtree(folder)
            return
        self.freezes += 1
        self.at[point] += 1
        before = len(World(folder).traces())
        self._go_on(folder, frozen=True)
        os.kill(pid, signal.SIGCONT)
        collect(pid, folder / "log")
        self._go_on(folder, frozen=False)
        late = self._count_woken(pid, folder, before)
        count(folder, self.tally, without=late)
        shutil.rmtree(folder)

    def _frozen(self, folder: Path, point: str) -> int | None:
        """A life that stands still; None when it ended before."""
        log = folder / "log"
        if point != "random":
            nth = self._chance.randint(2, 9) if point == "write.middle" else 1
            pid = begin(partial(live, folder, at_once=1), log, fault=f"freeze:{point}:{nth}")
            return pid if stands_still(pid, log) else None
        pid = begin(partial(live, folder, at_once=2), log)
        ended_within(pid, self._chance.uniform(0.1, 0.8) * self._span)
        while True:
            os.kill(pid, signal.SIGSTOP)
            if not stands_still(pid, log):
                return None
            if not _holds_a_lock(folder):
                return pid
            self.moved_on += 1
            os.kill(pid, signal.SIGCONT)

    def _go_on(self, folder: Path, *, frozen: bool) -> None:
        """Other processes do what they can, a person answers, until nothing is left to do."""
        while self.person.look(folder, frozen=frozen):
            other = begin(partial(live, folder, at_once=2), folder / "log")
            collect(other, folder / "log")

    def _count_woken(self, pid: int, folder: Path, before: int) -> frozenset[int]:
        """The effects that the woken process had after all: which lines they are."""
        traces = World(folder).traces()
        late = {at for at, trace in enumerate(traces) if at >= before and trace.pid == pid}
        per_run = Counter(traces[at].goal for at in late)
        self.most_per_run = max(self.most_per_run, *per_run.values(), 0)
        for at in late:
            trace = traces[at]
            same = [t for t in traces if (t.goal, t.step) == (trace.goal, trace.step)]
            self.woken_effects[trace.effect] += 1
            self.done_twice[trace.effect] += len(same) > 1
        said = (folder / "log" / f"{pid}.log").read_text()
        self.fenced += "was taken up again" in said
        return frozenset(late)


def _holds_a_lock(folder: Path) -> bool:
    """Whether the stopped process is in the middle of a write that others must wait for."""
    with (folder / "anchor").open("rb") as anchor:
        try:
            fcntl.flock(anchor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    with closing(sqlite3.connect(folder / "journal.db", timeout=0, isolation_level=None)) as link:
        try:
            link.execute("BEGIN IMMEDIATE")
            link.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
    return False
