"""The watch decides from samples alone; the meter measures this very process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from autoclave.governance.policy import MACHINE, Band
from autoclave.governance.resource_monitor import Level, Meter, ResourceWatch, Sample

LIMITS = {
    "memory_mb": Band(soft=100, hard=200),
    "disk_free_mb": Band(soft=100, hard=50),
    "cpu_percent": Band(soft=80, hard=95),
}


def feed(name: str, *values: float) -> list[Level]:
    watch, levels = ResourceWatch(limits=LIMITS), []
    for at, value in enumerate(values):
        watch = watch.update(Sample(at=at, values={name: value}))
        levels.append(watch.level)
    return levels


def test_level_follows_the_limits() -> None:
    """Past soft is soft, past hard is hard, at the limit is still fine."""
    assert feed("memory_mb", 100, 101, 200, 201) == ["ok", "soft", "soft", "hard"]


def test_of_what_is_free_less_is_worse() -> None:
    """The same for free disk space, the other way round."""
    assert feed("disk_free_mb", 100, 99, 49) == ["ok", "soft", "hard"]


def test_level_falls_only_with_room_to_spare() -> None:
    """A value that hovers around its limit does not flutter."""
    assert feed("memory_mb", 201, 199, 181, 179, 99, 91, 90) == [
        *("hard", "hard", "hard", "soft", "soft", "soft", "ok")
    ]
    assert feed("disk_free_mb", 49, 51, 56, 101, 109, 111) == [
        *("hard", "hard", "soft", "soft", "soft", "ok")
    ]


def test_jumpy_value_has_to_stay_bad() -> None:
    """One busy moment of the processors is no reason to stop."""
    assert feed("cpu_percent", 99, 99, 10, 99, 99, 99) == ["ok"] * 5 + ["hard"]


def test_reason_names_the_worst_value_and_its_limit() -> None:
    """A person reads why the agent paused."""
    watch = ResourceWatch(limits=LIMITS)
    assert watch.reason == ""

    watch = watch.update(Sample(at=0, values={"memory_mb": 150, "disk_free_mb": 20}))

    assert watch.reason == "disk_free_mb is 20, the hard limit is 50"


def test_missing_value_keeps_its_level() -> None:
    """What cannot be measured any more has not become better."""
    watch = ResourceWatch(limits=LIMITS).update(Sample(at=0, values={"memory_mb": 500}))

    assert watch.update(Sample(at=1)).level is Level.HARD


@given(st.lists(st.floats(0, 400), min_size=1, max_size=20))
def test_level_is_never_better_than_the_value(values: list[float]) -> None:
    """Memory delays a recovery, never an alarm, for values that count at once."""
    order = list(Level)

    for level, value in zip(feed("memory_mb", *values), values, strict=True):
        raw = Level.HARD if value > 200 else Level.SOFT if value > 100 else Level.OK
        assert order.index(level) >= order.index(raw)


@given(st.lists(st.floats(0, 90), min_size=1, max_size=10))
def test_good_value_always_brings_the_level_back(values: list[float]) -> None:
    """No history keeps the agent paused for ever."""
    assert feed("memory_mb", 500, *values)[-1] is Level.OK


def test_meter_measures_this_process_and_its_children(tmp_path: Path) -> None:
    """Real values from the real machine; rates come with the second sample."""
    times = iter([0.0, 1.0])
    meter = Meter(tmp_path, clock=lambda: next(times))
    first = meter.read()
    child = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(60 << 20); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout
        child.stdout.readline()
        second = meter.read()
        child.communicate(b"\n")

    assert second.values["memory_mb"] > first.values["memory_mb"] + 50
    assert set(first.values) >= {"memory_mb", "memory_free_mb", "disk_free_mb", "descriptors"}
    assert 0 <= second.values["cpu_percent"] <= 100
    assert set(second.values) <= set(MACHINE)


def test_meter_sees_open_files(tmp_path: Path) -> None:
    """Descriptors of this process are counted."""
    meter = Meter(tmp_path, clock=lambda: 0.0)
    before = meter.read().values["descriptors"]

    opened = [os.open(tmp_path, os.O_RDONLY) for _ in range(20)]
    after = meter.read().values["descriptors"]
    for descriptor in opened:
        os.close(descriptor)

    assert after == before + 20


def test_meter_counts_what_the_network_moved_since_midnight(tmp_path: Path) -> None:
    """A new day begins at nothing; and the disk's room for files is measured where it has one."""
    day = 7
    meter = Meter(tmp_path, clock=iter(range(9)).__next__, today=lambda: day)
    meter.read()
    meter.read()
    day = 8

    values = meter.read().values

    assert values["network_mb_today"] == 0
    assert values.get("inodes_free", 1) > 0
