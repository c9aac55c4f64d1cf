"""An intent without a result is an incident: written down once, and never for what waited well."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeGate, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.intents import Act, Effect, to_json
from autoclave.domain.risk import ActionKind
from autoclave.domain.run import Run
from autoclave.service.history import summarise

ACT = Act(step="act", capability="act", inputs={})
PLAN = {
    "signature": "act",
    "source": "composed",
    "steps": [{"name": "act", "capability": "act", "inputs": {}, "after": []}],
    "template": [],
}

_DIES = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.core.test_incidents import nothing, once_only, toolbox
from tests.fakes import FakeCapability, open_loop
from autoclave.core.driver import Driver
from autoclave.domain.intents import Effect

async def die(inputs, workspace, key):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    loop = open_loop(Path(sys.argv[1]), toolbox(Effect(sys.argv[3]), die), decide=once_only)
    goals = [row["id"] for row in loop.board(())]
    goal = goals[0] if goals else await loop.add("act")
    await Driver(loop.parts).drive(goal)

asyncio.run(main())
"""


@pytest.fixture
def loops() -> Iterator[list[Loop]]:
    """Loops to close at the end."""
    opened: list[Loop] = []
    yield opened
    for loop in opened:
        loop.close()


async def nothing(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {}


def once_only(view: Any) -> Any:
    """A mind that does its one step and then waits."""
    if view["run"]["state"] == "IDLE":
        path = ["PLANNING", "EXECUTING"]
        return {"path": path, "plan": PLAN, "intent": to_json(ACT)}
    if "act" not in view["results"]:
        return {"path": [], "intent": to_json(ACT)}
    return {"path": [], "intent": {"kind": "Wait", "seconds": 1000, "reason": "enough"}}


def toolbox(effect: Effect, execute: Any = nothing) -> FakeToolbox:
    return FakeToolbox(act=FakeCapability(execute, effect=effect, verify=nothing))


@pytest.mark.parametrize(
    ("effect", "done"),
    [(Effect.IDEMPOTENT, "repeated"), (Effect.VERIFIABLE, "verified"), (Effect.ONCE, "asked")],
)
async def test_what_was_cut_off_is_an_incident_once(
    tmp_path: Path, loops: list[Loop], effect: Effect, done: str
) -> None:
    """However often the run is taken up again, by its class of effect."""
    loops.append(loop := open_loop(tmp_path, toolbox(effect), decide=once_only))
    goal = await _cut_off(loop, effect)

    await Driver(loop.parts).drive(goal)
    await Driver(loop.parts).drive(goal)

    found = await _incidents(loop, goal)
    assert [each.payload for each in found] == [
        {"kind": "interrupted", "key": f"{goal}-1", "what": "act", "effect": effect, "done": done}
    ]
    assert summarise(found[0]) == f"act ({effect}) was cut off without a result; it is {done}"
    assert loop.journal.of_kind(EventKind.INCIDENT_RECORDED) == found


async def test_a_run_that_waited_for_a_person_was_not_cut_off(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """It was laid down with its intent open, and taken up again when the answer came."""

    async def write(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        from autoclave.domain.changes import ChangeSet, FileChange

        return {"changes": ChangeSet((FileChange(path="a", before=None, after=b"1"),))}

    work = tmp_path / "work"
    work.mkdir()
    hands = FakeToolbox(act=FakeCapability(write, effect=Effect.VERIFIABLE, writes=True))
    gate = FakeGate(ask=[ActionKind.WORKSPACE_WRITE])
    loops.append(loop := open_loop(tmp_path, hands, decide=once_only, gate=gate))
    goal = await loop.add("act", workspace=str(work))

    asked = await Driver(loop.parts).drive(goal)
    await _answer(loop, asked)
    run = await Driver(loop.parts).drive(goal)

    assert run.results["act"]["ok"]
    assert await _incidents(loop, goal) == []


async def test_what_was_answered_and_then_cut_off_is_an_incident(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """The second activation was at work when it died, though the first had laid it down."""
    loops.append(loop := open_loop(tmp_path, toolbox(Effect.ONCE), decide=once_only))
    goal = await _cut_off(loop, Effect.ONCE)
    asked = await Driver(loop.parts).drive(goal)
    await _answer(loop, asked)

    run = await loop.parts.ledger.take(await loop.parts.ledger.load(goal), mind="tree")
    again = {"key": f"{goal}-2", "intent": to_json(ACT), "effect": "once"}
    await loop.parts.ledger.record(run, NewEvent(kind=EventKind.INTENT_RECORDED, payload=again))
    await Driver(loop.parts).drive(goal)

    keys = [each.payload["key"] for each in await _incidents(loop, goal)]
    assert keys == [f"{goal}-1", f"{goal}-2"]


@pytest.mark.chaos
@pytest.mark.parametrize("effect", [Effect.IDEMPOTENT, Effect.VERIFIABLE, Effect.ONCE])
async def test_killed_again_and_again_it_is_one_incident(
    tmp_path: Path, loops: list[Loop], effect: Effect
) -> None:
    """Real processes, each killed in the middle of the same step."""
    root = Path(__file__).parents[2]
    for _ in range(3):
        command = [sys.executable, "-c", _DIES, str(tmp_path), str(root), str(effect)]
        subprocess.run(command, check=False, cwd=root)  # noqa: ASYNC221

    loops.append(loop := open_loop(tmp_path, toolbox(effect), decide=once_only))
    await Driver(loop.parts).drive("G-0001")

    keys = [each.payload["key"] for each in await _incidents(loop, "G-0001")]
    assert keys == ["G-0001-1"]


async def _cut_off(loop: Loop, effect: Effect) -> str:
    """A goal whose process was killed between the intent and the result of its step."""
    goal = await loop.add("act")
    run = await loop.parts.ledger.take(await loop.parts.ledger.load(goal), mind="tree")
    begun = {"key": f"{goal}-1", "intent": to_json(ACT), "effect": str(effect)}
    await loop.parts.ledger.record(
        run,
        NewEvent(kind=EventKind.STATE_CHANGED, payload={"from": "IDLE", "to": "PLANNING"}),
        NewEvent(kind=EventKind.STATE_CHANGED, payload={"from": "PLANNING", "to": "EXECUTING"}),
        NewEvent(kind=EventKind.PLAN_MADE, payload={"plan": PLAN}),
        NewEvent(kind=EventKind.INTENT_RECORDED, payload=begun),
    )
    return goal


async def _answer(loop: Loop, asked: Run) -> None:
    question = asked.question or {}
    payload = {"request": question["request"], "digest": question["digest"], "yes": True}
    answer = NewEvent(kind=EventKind.ANSWER_GIVEN, payload=payload)
    await loop.parts.ledger.post(asked.stream, answer, actor="person:test")


async def _incidents(loop: Loop, goal: str) -> list[Event]:
    events = await loop.parts.ledger.events(f"goal/{goal}")
    return [each for each in events if each.kind is EventKind.INCIDENT_RECORDED]
