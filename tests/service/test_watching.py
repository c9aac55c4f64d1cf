"""What the machine has left, measured beside the loop and never in it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from tests.fakes import FakeClock

from autoclave.governance.policy import Band
from autoclave.governance.resource_monitor import Sample
from autoclave.service.watching import Machine

LIMITS = {"memory_mb": Band(soft=100, hard=200)}


class Readings:
    """Gives the measured values; waits when it is told to."""

    def __init__(self) -> None:
        self.memory = 50.0
        self.may_end = threading.Event()
        self.may_end.set()
        self.taken = 0

    def __call__(self) -> Sample:
        self.may_end.wait(10)
        self.taken += 1
        return Sample(at=0.0, values={"memory_mb": self.memory})


async def looked(machine: Machine) -> None:
    """A measurement that began now has been taken in."""
    await machine.look()
    await machine.measured()
    await machine.look()


async def test_the_first_measurement_is_there_before_anything_begins() -> None:
    """Else a full disk would be filled further."""
    readings = Readings()
    readings.memory = 250.0
    machine = Machine(lambda: LIMITS, readings, clock=FakeClock())

    await machine.look()

    assert machine.overload() == machine.shortage() == "memory_mb is 250, the hard limit is 200"


async def test_limits_have_room_to_spare_on_the_way_back() -> None:
    """Hard, soft, well; once a second."""
    clock, readings = FakeClock(), Readings()
    machine = Machine(lambda: LIMITS, readings, clock=clock)
    found = []
    for memory in (250.0, 150.0, 95.0, 80.0):
        readings.memory = memory
        clock.now += 1
        await looked(machine)
        found.append((bool(machine.shortage()), bool(machine.overload())))

    assert found == [(True, True), (True, False), (True, False), (False, False)]


async def test_a_disk_that_does_not_answer_does_not_stop_the_loop() -> None:
    """The last values hold until there are newer ones; only one measurement is under way."""
    clock, readings = FakeClock(), Readings()
    machine = Machine(lambda: LIMITS, readings, clock=clock)
    await machine.look()
    readings.may_end.clear()
    readings.memory = 250.0
    for _ in range(5):
        clock.now += 1
        await machine.look()

    assert (readings.taken, machine.shortage()) == (1, "")

    readings.may_end.set()
    await looked(machine)
    assert readings.taken == 2


async def test_limits_that_people_change_hold_at_the_next_look() -> None:
    """The rules are read again while the agent runs."""
    limits: dict[str, Mapping[str, Band]] = {"now": LIMITS}
    clock, readings = FakeClock(), Readings()
    machine = Machine(lambda: limits["now"], readings, clock=clock)
    await machine.look()
    limits["now"] = {"memory_mb": Band(soft=10, hard=20)}
    clock.now += 1

    await looked(machine)

    assert machine.overload() == "memory_mb is 50, the hard limit is 20"
