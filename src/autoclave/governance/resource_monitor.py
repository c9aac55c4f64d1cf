"""What the machine has left, measured with psutil, and when to stop taking more on."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .policy import DAY, MACHINE, Band

if TYPE_CHECKING:
    import psutil

_MEGABYTE = 1 << 20
SLACK = 0.1
"""A limit is left behind only when the value is better than it by this share."""
_PATIENCE: Mapping[str, int] = {"cpu_percent": 3, "network_mb_per_second": 3}
"""Samples in a row that a jumpy value has to be bad in; the others count at once."""


class Level(StrEnum):
    """What the measured values call for."""

    OK = "ok"
    SOFT = "soft"
    """Take nothing more on."""
    HARD = "hard"
    """Pause what runs."""


_ORDER = list(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement. What could not be measured is not in it."""

    at: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceWatch:
    """The level of each measured value, with memory so that it does not flutter."""

    limits: Mapping[str, Band] = field(default_factory=lambda: MACHINE)
    levels: Mapping[str, Level] = field(default_factory=dict)
    streaks: Mapping[str, int] = field(default_factory=dict)
    """By value, how many samples in a row were worse than its level."""
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """The worst of them."""
        return max(self.levels.values(), key=_ORDER.index, default=Level.OK)

    @property
    def reason(self) -> str:
        """Which values are behind the level; empty when all is well."""
        if self.level is Level.OK:
            return ""
        worst = sorted(name for name, level in self.levels.items() if level is self.level)
        return "; ".join(self._told(name) for name in worst)

    def update(self, sample: Sample) -> Self:
        """The watch after one more sample. A value that is missing keeps its level."""
        watch = self
        for name, value in sample.values.items():
            if name in self.limits:
                watch = watch._with(name, value)
        return watch

    def _with(self, name: str, value: float) -> Self:
        before = self.levels.get(name, Level.OK)
        now = _level(name, value, self.limits[name])
        is_worse = _ORDER.index(now) > _ORDER.index(before)
        streak = self.streaks.get(name, 0) + 1 if is_worse else 0
        after = before
        if streak >= _PATIENCE.get(name, 1):
            after, streak = now, 0
        elif not is_worse:
            after = min(before, _level(name, value, _eased(name, self.limits[name])), key=_rank)
        return replace(
            self,
            levels={**self.levels, name: after},
            streaks={**self.streaks, name: streak},
            values={**self.values, name: value},
        )

    def _told(self, name: str) -> str:
        band = self.limits[name]
        limit = band.hard if self.levels[name] is Level.HARD else band.soft
        return f"{name} is {self.values[name]:,.0f}, the {self.level} limit is {limit:,.0f}"


def _rank(level: Level) -> int:
    return _ORDER.index(level)


def _level(name: str, value: float, band: Band) -> Level:
    sign = -1 if _less_is_worse(name) else 1
    if sign * value > sign * band.hard:
        return Level.HARD
    return Level.SOFT if sign * value > sign * band.soft else Level.OK


def _eased(name: str, band: Band) -> Band:
    """Limits that a value has to get behind before its level goes down."""
    factor = 1 + SLACK if _less_is_worse(name) else 1 - SLACK
    return Band(soft=band.soft * factor, hard=band.hard * factor)


def _less_is_worse(name: str) -> bool:
    return "_free" in name


class Meter:
    """Measures this process, its descendants and the machine around them."""

    def __init__(
        self,
        home: Path,
        *,
        clock: Callable[[], float],
        today: Callable[[], int] = lambda: int(time.time() // DAY),
    ) -> None:
        self._home = home
        self._clock = clock
        self._today = today
        self._before: dict[str, tuple[float, float]] = {}
        self._day = (-1, 0.0)
        """The day, and what had moved over the network when it began or this process did."""

    def read(self) -> Sample:
        """One sample. Rates need two; the first sample has none."""
        import psutil

        now = self._clock()
        values: dict[str, float] = {}
        values.update(self._tree(now))
        with contextlib.suppress(psutil.Error, OSError):
            values["memory_free_mb"] = psutil.virtual_memory().available / _MEGABYTE
        with contextlib.suppress(psutil.Error, OSError):
            values.update(self._disk())
        with contextlib.suppress(psutil.Error, OSError):
            moved = _network_bytes() / _MEGABYTE
            values.update(self._rate("network_mb_per_second", moved, now))
            values["network_mb_today"] = self._since_midnight(moved)
        return Sample(at=now, values=values)

    def _tree(self, now: float) -> dict[str, float]:
        import psutil

        tree = _tree_of(psutil.Process())
        values = {
            "memory_mb": sum(_each(tree, lambda p: p.memory_info().rss)) / _MEGABYTE,
            "descriptors": max(_each(tree, lambda p: p.num_fds()), default=0),
        }
        seconds = sum(_each(tree, _cpu_seconds)) / (psutil.cpu_count() or 1)
        rate = self._rate("cpu_percent", seconds * 100, now)
        return values | {name: min(value, 100.0) for name, value in rate.items()}

    def _disk(self) -> dict[str, float]:
        found = os.statvfs(self._home)
        values = {"disk_free_mb": found.f_bavail * found.f_frsize / _MEGABYTE}
        # Some file systems make inodes as they need them and count none.
        return values | ({"inodes_free": float(found.f_favail)} if found.f_files else {})

    def _since_midnight(self, moved: float) -> float:
        """In UTC. A counter that began anew gives nothing back."""
        day, before = self._day
        if day != self._today() or moved < before:
            self._day = (self._today(), moved)
        return moved - self._day[1]

    def _rate(self, name: str, total: float, now: float) -> dict[str, float]:
        """How fast a growing total grows. A child that has gone may make it shrink: that is 0."""
        before = self._before.get(name)
        self._before[name] = (total, now)
        if before is None or now <= before[1]:
            return {}
        return {name: max(0.0, (total - before[0]) / (now - before[1]))}


def _tree_of(root: psutil.Process) -> list[psutil.Process]:
    """The process and its descendants. Linux keeps lists of children: no need to read them all."""
    import psutil

    try:
        found, begun = [root], [root.pid]
        while begun:
            children = _children(begun.pop())
            begun += children
            for child in children:
                with contextlib.suppress(psutil.Error):
                    found.append(psutil.Process(child))
    except OSError:
        return [root, *root.children(recursive=True)]
    return found


def _children(pid: int) -> list[int]:
    """Raises OSError where there are no such lists; a process that has gone has no children."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        if pid == os.getpid():
            raise
    return found


def _each(
    tree: Iterable[psutil.Process], measure: Callable[[psutil.Process], float]
) -> list[float]:
    """The measure of every process that is still there and may be looked at."""
    import psutil

    found = []
    for process in tree:
        with contextlib.suppress(psutil.Error, OSError):
            found.append(measure(process))
    return found


def _cpu_seconds(process: psutil.Process) -> float:
    """Its own, and what its children that have ended used up."""
    times = process.cpu_times()
    ended: float = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + ended)


def _network_bytes() -> float:
    import psutil

    counters = psutil.net_io_counters(pernic=True)
    return sum(c.bytes_sent + c.bytes_recv for name, c in counters.items() if name != "lo")
