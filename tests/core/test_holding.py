"""What holds work up, and what lets it go on: the machine, people, alarms."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeClock, FakeSandbox, FakeToolbox, Loop, open_loop

from autoclave.core.engine import Engine
from autoclave.core.holding import Holding
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import NeedsPerson, OutOfResources, Stale
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.run import Run, RunStatus
from autoclave.domain.sealed import Probe, SelfTest, Tier
from autoclave.service.agent_desk import AgentDesk
from autoclave.service.goal_desk import GoalDesk

ME = "person:test"
MEMORY = "memory_mb is 3,100, the hard limit is 3,000"
LEAK = SelfTest(
    tier=Tier.RESTRICTED,
    probes=(Probe(name="reads a secret", must_fail=True, succeeded=True),),
    facts={},
    seconds=0.0,
)
Open = Callable[..., Loop]


class Machine:
    """As well as the test says."""

    soft = ""
    hard = ""

    def shortage(self) -> str:
        return self.hard or self.soft

    def overload(self) -> str:
        return self.hard


class LeakySandbox(FakeSandbox):
    """One whose self-test fails."""

    async def self_test(self) -> SelfTest:
        return LEAK


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def opened(fast_tmp_path: Path, machine: Machine) -> Iterator[Open]:
    """Opens the loop over the one journal; again stands for a restart or another process."""
    loops: list[Loop] = []

    def again(execute: Any = None, **parts: Any) -> Loop:
        async def greet(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
            if execute:
                await execute()
            return {"text": "hello"}

        toolbox = FakeToolbox(greet=FakeCapability(greet, serves=("greet",)))
        clock = loops[0].clock if loops else FakeClock()
        loop = open_loop(fast_tmp_path, toolbox, clock=clock)
        given = {"shortage": machine.shortage, "overload": machine.overload, **parts}
        loop.parts = replace(loop.parts, **given)
        loops.append(loop)
        return loop

    yield again
    for loop in loops:
        loop.close()


async def work(loop: Loop) -> None:
    await Engine(loop.parts, loop.board).run_until_idle()


async def run_of(loop: Loop, goal: str) -> Run:
    return await loop.parts.ledger.load(goal)


async def kinds_of(loop: Loop, stream: str = "agent") -> list[EventKind]:
    return [event.kind for event in await loop.parts.ledger.events(stream)]


async def test_hard_limit_sets_what_runs_aside_between_two_steps(
    opened: Open, machine: Machine
) -> None:
    """With the value and the limit as the reason; and `run` says so too."""

    async def grow() -> None:
        machine.hard = MEMORY

    loop = opened(grow)
    goal = await loop.add("greet everybody")

    with pytest.raises(OutOfResources, match="3,100"):
        await work(loop)

    run = await run_of(loop, goal)
    assert (run.status, run.parked_by, run.reason) == (RunStatus.PAUSED, "resources", MEMORY)
    assert run.results, "the step in hand came to its end"


async def test_when_the_machine_is_well_again_exactly_those_go_on(
    opened: Open, machine: Machine
) -> None:
    """In another process, even: what a person paused stays where it is."""

    async def grow() -> None:
        machine.hard = MEMORY

    loop = opened(grow)
    mine = await loop.add("greet me")
    theirs = await loop.add("greet them", priority=-1)
    await GoalDesk(loop.parts, loop.board, budget=(await run_of(loop, mine)).budget).pause(
        theirs, reason="later", by=ME
    )
    with pytest.raises(OutOfResources):
        await work(loop)
    machine.hard = ""

    later = opened()
    await work(later)

    assert (await run_of(later, mine)).status is RunStatus.DONE
    assert (await run_of(later, theirs)).status is RunStatus.PAUSED


async def test_between_the_limits_nothing_begins_and_nothing_goes_on(
    opened: Open, machine: Machine
) -> None:
    """Hysteresis: hard to soft is not yet well."""
    loop = opened()
    goal = await loop.add("greet everybody")
    paused = NewEvent(kind=EventKind.GOAL_PAUSED, payload={"code": "resources", "reason": MEMORY})
    await loop.parts.ledger.post(f"goal/{goal}", paused, actor="kernel")
    machine.soft = "memory_mb is 2,000, the soft limit is 1,500"

    with pytest.raises(OutOfResources, match="soft"):
        await work(loop)

    assert (await run_of(loop, goal)).status is RunStatus.PAUSED
    assert loop.parts.standing().level == "soft"


async def test_a_person_who_pauses_what_the_kernel_paused_has_the_last_word(
    opened: Open, machine: Machine
) -> None:
    """It does not go on when the machine is well."""
    loop = opened()
    goal = await loop.add("greet everybody")
    for payload, actor in (({"code": "resources", "reason": "x"}, "kernel"), ({}, ME)):
        paused = NewEvent(kind=EventKind.GOAL_PAUSED, payload=payload)
        await loop.parts.ledger.post(f"goal/{goal}", paused, actor=actor)

    await work(loop)

    assert (await run_of(loop, goal)).status is RunStatus.PAUSED


async def test_what_a_crash_left_running_is_set_aside_too(opened: Open, machine: Machine) -> None:
    """The row says `running`, nobody drives it, and the machine has no room."""
    loop = opened()
    goal = await loop.add("greet everybody")
    await loop.parts.ledger.take(await run_of(loop, goal), mind="tree")
    machine.hard = MEMORY

    with pytest.raises(OutOfResources):
        await work(loop)

    assert (await run_of(loop, goal)).parked_by == "resources"


async def test_a_pause_from_another_process_keeps_it_from_beginning_more(opened: Open) -> None:
    """It works through the journal; nothing of the goal is lost."""
    other = opened()

    async def pause() -> None:
        await AgentDesk(other.parts).pause(reason="lunch", by=ME)

    loop = opened(pause)
    await loop.add("greet everybody")
    second = await loop.add("greet the rest", priority=-1)
    with pytest.raises(NeedsPerson, match="lunch"):
        await Engine(loop.parts, loop.board, at_once=1).run_until_idle()

    assert (await run_of(loop, second)).status is RunStatus.QUEUED
    await AgentDesk(other.parts).resume(reason="", by=ME)
    await work(other)
    assert (await run_of(other, second)).status is RunStatus.DONE


async def test_a_gap_in_the_journal_pauses_the_agent_once_for_each_finding(opened: Open) -> None:
    """Whoever looked and said so is not asked again for the same gap."""
    gap = "event 7 is missing"
    loop = opened(audit_gap=lambda: gap)
    goal = await loop.add("greet everybody")

    with pytest.raises(NeedsPerson, match="event 7 is missing"):
        await work(loop)
    assert (await run_of(loop, goal)).status is RunStatus.QUEUED
    await AgentDesk(loop.parts).resume(reason="a disk was replaced", by=ME)
    await work(loop)

    assert (await run_of(loop, goal)).status is RunStatus.DONE
    other = opened(audit_gap=lambda: "event 9 was changed")
    await other.add("greet again")
    with pytest.raises(NeedsPerson, match="event 9"):
        await work(other)


async def test_a_secret_that_comes_to_light_pauses_the_whole_agent(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """And not just the run that showed it; a line on standard error says so."""
    loop = opened(
        canary=lambda value: "hello" in str(value),
        escalation=lambda denied: "a canary came to light" if "canary" in denied else "",
    )
    goal = await loop.add("greet everybody")

    with caplog.at_level(logging.ERROR), pytest.raises(NeedsPerson, match="canary"):
        await work(loop)

    assert (await run_of(loop, goal)).status is RunStatus.PARKED
    assert loop.parts.standing().code == "escalated"
    assert "a person has to look" in caplog.text


async def test_a_sandbox_that_still_leaks_stops_the_agent_again(opened: Open) -> None:
    """A person lets it go on, and it looks first."""
    other = opened()
    await AgentDesk(other.parts).pause(reason="", by=ME)
    loop = opened(sandbox=LeakySandbox())
    holding = Holding(loop.parts, loop.board)
    await holding.begin()
    await AgentDesk(other.parts).resume(reason="go on", by=ME)

    may_begin = await holding.look(())

    assert not may_begin
    assert "reads a secret" in loop.parts.standing().reason


async def test_a_change_that_cannot_be_finished_pauses_the_agent_instead_of_crashing_it(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what a person can do about it."""

    async def stuck(self: object) -> list[str]:
        raise Stale("P-0001 was begun", hint="autoclave proposal settle P-0001 --as undone")

    monkeypatch.setattr("autoclave.core.proposals.Proposals.finish_interrupted", stuck)
    loop = opened()
    await loop.add("greet everybody")

    with pytest.raises(NeedsPerson, match="settle P-0001"):
        await work(loop)

    assert EventKind.AGENT_PAUSED in await kinds_of(loop)


async def test_a_step_that_does_not_end_is_cut_off_in_the_end(
    opened: Open, machine: Machine
) -> None:
    """A hard limit gives it ten seconds; what must not be done twice is let be."""
    loop = opened()
    clock = loop.clock
    assert isinstance(clock, FakeClock)
    goal, once = await loop.add("greet everybody"), await loop.add("greet once")
    begun = {"key": "k", "intent": {"kind": "Act", "step": "s"}, "effect": "once"}
    opened_ = NewEvent(kind=EventKind.INTENT_RECORDED, payload=begun)
    await loop.parts.ledger.post(f"goal/{once}", opened_, actor="kernel")
    holding = Holding(loop.parts, loop.board)
    machine.hard = MEMORY

    early = await holding.too_late([goal, once])
    clock.now += 11
    late = await holding.too_late([goal, once])

    assert (early, late) == ([], [goal])
