"""The loop: goals driven to their end over a real journal, with fakes for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import (
    FakeCapability,
    FakeClock,
    FakeGate,
    FakeToolbox,
    Loop,
    open_loop,
    properties,
)
from tests.fakes_owner import Person

from autoclave.core.driver import Driver
from autoclave.core.engine import Engine
from autoclave.core.scripted_model import ScriptedModel
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import Fenced
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.intents import Effect
from autoclave.domain.risk import ActionKind
from autoclave.domain.run import RunStatus
from autoclave.domain.state import State
from autoclave.service.reports import report_of


async def greet(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"text": "hello"}


async def write(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    assert workspace is not None
    path = workspace / "out.txt"
    before = path.read_bytes() if path.exists() else None
    change = FileChange(path="out.txt", before=before, after=b"written\n")
    return {"ok": True, "changes": ChangeSet((change,))}


async def fail(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    raise ValueError("no good")


GREET = FakeCapability(greet, serves=("greet",))
OWNER = Person("test")
WRITE = FakeCapability(write, effect=Effect.VERIFIABLE, serves=("write",), writes=True)
FAIL = FakeCapability(fail, serves=("fail",))


@pytest.fixture
def loops() -> Iterator[list[Loop]]:
    """Loops to close at the end."""
    opened: list[Loop] = []
    yield opened
    for loop in opened:
        loop.close()


async def test_a_goal_goes_through_the_states_to_done(tmp_path: Path, loops: list[Loop]) -> None:
    """Planning, executing, learning, modifying, and back to idle."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET))
    loops.append(loop)
    goal = await loop.add("greet everybody")

    run = await Driver(loop.parts).drive(goal)

    events = await loop.parts.ledger.events(run.stream)
    ways = [e.payload["to"] for e in events if e.kind is EventKind.STATE_CHANGED]
    assert run.status is RunStatus.DONE
    assert ways == ["PLANNING", "EXECUTING", "LEARNING", "MODIFYING", "IDLE"]


async def test_a_goal_that_nothing_serves_is_refused_at_once(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """It ends as failed with what would help, and nothing was run."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET))
    loops.append(loop)
    goal = await loop.add("book a flight")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.FAILED
    assert run.outcome is not None
    assert run.outcome["unserved"]
    assert "language model" in run.outcome["needs"]
    assert loop.toolbox.ran == []


async def test_changes_wait_for_a_person_and_are_then_written(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """An ask parks the run as a row; the yes is bound to exactly these changes."""
    workspace = tmp_path / "work"
    workspace.mkdir()
    gate = FakeGate(ask=[ActionKind.WORKSPACE_WRITE])
    loop = open_loop(tmp_path, FakeToolbox(write=WRITE), gate=gate)
    loops.append(loop)
    goal = await loop.add("write it", workspace=str(workspace))

    parked = await Driver(loop.parts).drive(goal)
    assert parked.status is RunStatus.AWAITING_HUMAN
    assert parked.question is not None
    assert not (workspace / "out.txt").exists()
    await _answer(loop, parked.stream, parked.question, yes=True)
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert (workspace / "out.txt").read_bytes() == b"written\n"
    assert len(loop.toolbox.ran) == 1


async def test_a_no_leaves_the_workspace_as_it_was(tmp_path: Path, loops: list[Loop]) -> None:
    """A person's no is final for the plan."""
    workspace = tmp_path / "work"
    workspace.mkdir()
    gate = FakeGate(ask=[ActionKind.WORKSPACE_WRITE])
    loop = open_loop(tmp_path, FakeToolbox(write=WRITE), gate=gate)
    loops.append(loop)
    goal = await loop.add("write it", workspace=str(workspace))
    parked = await Driver(loop.parts).drive(goal)
    assert parked.question is not None

    await _answer(loop, parked.stream, parked.question, yes=False)
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.FAILED
    assert list(workspace.iterdir()) == []


async def test_an_answer_for_other_changes_counts_for_nothing(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """The digest of the answer has to be that of what would be written."""
    workspace = tmp_path / "work"
    workspace.mkdir()
    gate = FakeGate(ask=[ActionKind.WORKSPACE_WRITE])
    loop = open_loop(tmp_path, FakeToolbox(write=WRITE), gate=gate)
    loops.append(loop)
    goal = await loop.add("write it", workspace=str(workspace))
    parked = await Driver(loop.parts).drive(goal)
    assert parked.question is not None

    forged = {**parked.question, "digest": "another"}
    await _answer(loop, parked.stream, forged, yes=True)
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.AWAITING_HUMAN
    assert list(workspace.iterdir()) == []


async def test_what_was_written_is_rolled_back_when_the_goal_fails(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """A failed goal leaves the workspace byte-identical."""
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "out.txt").write_bytes(b"before\n")
    after = FakeCapability(
        fail, serves=("write",), inputs=dict(properties(given="made")), outputs={}
    )
    makes = FakeCapability(
        write, effect=Effect.VERIFIABLE, writes=True, outputs=dict(properties(ok="made"))
    )
    loop = open_loop(tmp_path, FakeToolbox(after=after, makes=makes))
    loops.append(loop)
    goal = await loop.add("write it", workspace=str(workspace))

    run = await Driver(loop.parts).drive(goal)

    kinds = [event.kind for event in await loop.parts.ledger.events(run.stream)]
    assert run.status is RunStatus.FAILED
    assert EventKind.CHANGES_ROLLED_BACK in kinds
    assert (workspace / "out.txt").read_bytes() == b"before\n"


async def test_a_passing_failure_is_retried_after_a_wait(tmp_path: Path, loops: list[Loop]) -> None:
    """Busy, then fine: the wait is a timer row, and it survives a restart."""
    from autoclave.domain.errors import Busy

    tries: list[str] = []

    async def flaky(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        tries.append(key)
        if len(tries) == 1:
            raise Busy("somebody else has it")
        return {}

    clock = FakeClock()
    toolbox = FakeToolbox(flaky=FakeCapability(flaky, serves=("greet",)))
    loop = open_loop(tmp_path, toolbox, clock=clock)
    goal = await loop.add("greet")
    waiting = await Driver(loop.parts).drive(goal)
    loop.close()

    again = open_loop(tmp_path, toolbox, clock=clock)
    loops.append(again)
    assert waiting.status is RunStatus.WAITING
    assert waiting.wake_at is not None
    clock.now = waiting.wake_at
    run = await Driver(again.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert run.state is State.IDLE
    assert run.remedies[0]["remedy"] == "retry"
    assert len(tries) == 2


async def test_when_one_way_fails_another_is_tried(tmp_path: Path, loops: list[Loop]) -> None:
    """A second capability that serves the same words takes over."""
    first = FakeCapability(fail, serves=("greet",))
    second = FakeCapability(greet, serves=("greet",))
    loop = open_loop(tmp_path, FakeToolbox(a_first=first, b_second=second))
    loops.append(loop)
    goal = await loop.add("greet")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert run.plans_tried == ("a_first",)
    assert [each["remedy"] for each in run.remedies] == ["other way"]


async def test_a_run_taken_up_by_another_is_fenced_off(tmp_path: Path, loops: list[Loop]) -> None:
    """A frozen process that wakes up can append nothing."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET))
    loops.append(loop)
    goal = await loop.add("greet")
    ledger = loop.parts.ledger
    frozen = await ledger.take(await ledger.load(goal), mind="old")
    await ledger.take(await ledger.load(goal), mind="new")

    with pytest.raises(Fenced):
        await ledger.record(frozen, NewEvent(kind=EventKind.GOAL_PARKED, payload={"reason": "x"}))


async def test_a_run_that_never_comes_to_anything_is_parked(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """After five fruitless activations it waits for a person, with the reason."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET))
    loops.append(loop)
    goal = await loop.add("greet")
    for _ in range(5):
        await loop.parts.ledger.take(await loop.parts.ledger.load(goal), mind="tree")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert "nothing came of it" in run.reason


async def test_a_once_effect_in_doubt_is_put_to_a_person(tmp_path: Path, loops: list[Loop]) -> None:
    """It is not repeated by itself; after a yes it is run again under a new key."""
    once = FakeCapability(greet, effect=Effect.ONCE, serves=("greet",))
    loop = open_loop(tmp_path, FakeToolbox(greet=once))
    loops.append(loop)
    goal = await loop.add("greet")
    await _leave_intent_open(loop, goal, effect="once")

    parked = await Driver(loop.parts).drive(goal)
    assert parked.status is RunStatus.AWAITING_HUMAN
    assert loop.toolbox.ran == []
    assert parked.question is not None
    assert parked.question["ruling"]["risk"] == "R4"
    await OWNER.answer(loop.parts, parked, yes=True)
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert [key for _, key in loop.toolbox.ran] == [f"{goal}-2"]


async def test_a_once_effect_in_doubt_takes_an_owners_yes(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """A yes that nobody signed is none: it is asked again, and nothing runs."""
    once = FakeCapability(greet, effect=Effect.ONCE, serves=("greet",))
    loop = open_loop(tmp_path, FakeToolbox(greet=once))
    loops.append(loop)
    goal = await loop.add("greet")
    await _leave_intent_open(loop, goal, effect="once")
    parked = await Driver(loop.parts).drive(goal)
    assert parked.question is not None

    await _answer(loop, parked.stream, parked.question, yes=True)
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.AWAITING_HUMAN
    assert loop.toolbox.ran == []
    await _answer(loop, parked.stream, parked.question, yes=False)
    assert (await Driver(loop.parts).drive(goal)).status is not RunStatus.DONE
    assert loop.toolbox.ran == []


async def test_a_verifiable_effect_is_looked_up_before_it_is_repeated(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """Reality says that it happened: the result is recorded and nothing runs."""

    async def seen(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        return {"seen": key}

    known = FakeCapability(greet, effect=Effect.VERIFIABLE, serves=("greet",), verify=seen)
    loop = open_loop(tmp_path, FakeToolbox(greet=known))
    loops.append(loop)
    goal = await loop.add("greet")
    key = await _leave_intent_open(loop, goal, effect="verifiable")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert run.results["greet"]["outputs"] == {"seen": key}
    assert loop.toolbox.ran == []


async def test_a_paused_goal_goes_back_to_the_state_it_left(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """PAUSED is entered between two steps and left to where it came from."""
    loop = open_loop(tmp_path, FakeToolbox())
    loops.append(loop)

    async def pause_me(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        event = NewEvent(kind=EventKind.GOAL_PAUSED)
        await loop.parts.ledger.post(f"goal/{goal}", event, actor="person:test")
        return {}

    loop.toolbox.capabilities["greet"] = FakeCapability(pause_me, serves=("greet",))
    goal = await loop.add("greet")

    paused = await Driver(loop.parts).drive(goal)
    assert (paused.status, paused.state) == (RunStatus.PAUSED, State.PAUSED)
    resumed = NewEvent(kind=EventKind.GOAL_RESUMED)
    await loop.parts.ledger.post(paused.stream, resumed, actor="person:test")
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE


async def test_a_budget_that_is_used_up_parks_the_goal(tmp_path: Path, loops: list[Loop]) -> None:
    """The next step is checked before it runs."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET))
    loops.append(loop)
    goal = await loop.add("greet", budget={"steps": 0})

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert "budget" in run.reason


async def test_a_mind_that_breaks_parks_the_run(tmp_path: Path, loops: list[Loop]) -> None:
    """A bug in changed code is a reason to look, not a crash of the kernel."""

    def broken(view: Any) -> Any:
        raise RuntimeError("oops")

    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), decide=broken)
    loops.append(loop)
    goal = await loop.add("greet")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert "RuntimeError: oops" in run.reason


async def test_a_mind_that_asks_for_an_illegal_transition_is_stopped(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """The table holds against the mind as well."""

    def jumps(view: Any) -> Any:
        return {"path": ["MODIFYING"], "intent": {"kind": "Finish", "summary": ""}}

    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), decide=jumps)
    loops.append(loop)
    goal = await loop.add("greet")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert "IDLE → MODIFYING" in run.reason


async def test_a_model_plans_what_the_types_cannot(tmp_path: Path, loops: list[Loop]) -> None:
    """Through Think, priced and counted; a plan with unknown capabilities is not followed."""
    plan = '{"steps": [{"name": "hello", "capability": "greet", "inputs": {}}]}'
    model = ScriptedModel(plan, usd=0.01)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert run.plan is not None
    assert run.plan["source"] == "model"
    assert run.spend.model_calls == 1
    assert run.spend.usd == pytest.approx(0.01)


async def test_a_model_call_that_does_not_fit_the_budget_is_not_made(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """Money is checked before, not after."""
    model = ScriptedModel("{}", usd=2.0)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert model.requests == []


async def test_the_engine_drives_many_goals_the_urgent_first(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """Priorities decide the order in which goals are taken up."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET))
    loops.append(loop)
    low = await loop.add("greet", priority=0)
    high = await loop.add("greet", priority=5)

    await Engine(loop.parts, loop.board, at_once=1).run_until_idle()

    order = [key.rsplit("-", 1)[0] for _, key in loop.toolbox.ran]
    assert order == [high, low]
    assert {row["status"] for row in loop.board(())} == {"done"}


async def test_the_engine_takes_up_what_a_crash_left_running(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """A row that says running and that nobody drives is driven on."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET))
    goal = await loop.add("greet")
    await loop.parts.ledger.take(await loop.parts.ledger.load(goal), mind="tree")
    loop.close()

    again = open_loop(tmp_path, FakeToolbox(greet=GREET))
    loops.append(again)
    await Engine(again.parts, again.board).run_until_idle()

    assert (await again.parts.ledger.load(goal)).status is RunStatus.DONE


@pytest.mark.parametrize("hours", [2.0, 0.0])
async def test_the_engine_does_not_wait_for_hours(
    tmp_path: Path, loops: list[Loop], hours: float
) -> None:
    """What goes on much later is left to whoever serves; a timer that is due is not."""
    clock = FakeClock()
    wait = {"kind": "Wait", "seconds": hours * 3600, "reason": "waiting for the model"}
    give_up = {"kind": "GiveUp", "reason": "it is over"}

    def decide(view: Any) -> JsonObject:
        if view["run"]["state"] == "IDLE":
            return {"path": ["PLANNING"], "intent": wait}
        return {"path": ["ERROR", "RECOVERING"], "intent": give_up}

    loop = open_loop(tmp_path, FakeToolbox(), clock=clock, decide=decide)
    loops.append(loop)
    goal = await loop.add("ask the model")

    await Engine(loop.parts, loop.board).run_until_idle()

    run = await loop.parts.ledger.load(goal)
    if not hours:
        assert run.status is RunStatus.FAILED
        return
    assert (run.status, run.wake_at) == (RunStatus.WAITING, clock.now + 7200)
    report = report_of(run)
    assert (report["exit"], report["goes_on_at"]) == ("later", run.wake_at)
    clock.now += 7200
    await Engine(loop.parts, loop.board).run_until_idle()
    assert (await loop.parts.ledger.load(goal)).status is RunStatus.FAILED


async def test_a_question_that_nobody_answers_becomes_a_no(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """Silence is no."""
    workspace = tmp_path / "work"
    workspace.mkdir()
    clock = FakeClock()
    gate = FakeGate(ask=[ActionKind.WORKSPACE_WRITE])
    loop = open_loop(tmp_path, FakeToolbox(write=WRITE), gate=gate, clock=clock)
    loops.append(loop)
    goal = await loop.add("write it", workspace=str(workspace))
    await Driver(loop.parts).drive(goal)

    clock.now += 3601
    await Engine(loop.parts, loop.board).run_until_idle()

    run = await loop.parts.ledger.load(goal)
    assert run.status is RunStatus.FAILED
    assert list(workspace.iterdir()) == []


async def test_cancelling_stops_a_step_in_hand(tmp_path: Path, loops: list[Loop]) -> None:
    """The engine cuts the running capability off."""
    started = asyncio.Event()

    async def forever(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        started.set()
        await asyncio.Event().wait()
        return {}

    loop = open_loop(tmp_path, FakeToolbox(forever=FakeCapability(forever, serves=("greet",))))
    loops.append(loop)
    goal = await loop.add("greet")
    engine = asyncio.create_task(Engine(loop.parts, loop.board).run_until_idle())
    await started.wait()

    event = NewEvent(kind=EventKind.GOAL_CANCELLED)
    await loop.parts.ledger.post(f"goal/{goal}", event, actor="person:test")
    await engine

    assert (await loop.parts.ledger.load(goal)).status is RunStatus.CANCELLED


async def _answer(loop: Loop, stream: str, asked: JsonObject, *, yes: bool) -> None:
    payload = {"request": asked["request"], "digest": asked["digest"], "yes": yes, "reason": ""}
    event = NewEvent(kind=EventKind.ANSWER_GIVEN, payload=payload)
    await loop.parts.ledger.post(stream, event, actor="person:test")


async def _leave_intent_open(loop: Loop, goal: str, *, effect: str) -> str:
    """Bring the run to where it was killed between its intent and its result."""
    ledger = loop.parts.ledger
    run = await ledger.take(await ledger.load(goal), mind="tree")
    steps = [{"name": "greet", "capability": "greet", "inputs": {}, "after": []}]
    plan = {"signature": "greet", "source": "composed", "steps": steps, "template": steps}
    intent = {"kind": "Act", "step": "greet", "capability": "greet", "inputs": {}}
    key = f"{goal}-1"
    await ledger.record(
        run,
        NewEvent(kind=EventKind.STATE_CHANGED, payload={"from": "IDLE", "to": "PLANNING"}),
        NewEvent(kind=EventKind.STATE_CHANGED, payload={"from": "PLANNING", "to": "EXECUTING"}),
        NewEvent(kind=EventKind.PLAN_MADE, payload={"plan": {**plan, "done": {}}}),
        NewEvent(
            kind=EventKind.INTENT_RECORDED,
            payload={"key": key, "intent": intent, "effect": effect},
        ),
    )
    return key
