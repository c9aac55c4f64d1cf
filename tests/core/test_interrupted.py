"""What is cut off, frozen or taken over: nobody else's work is touched, no word is forgotten."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.core.rollback import roll_back
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import Fenced
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.intents import Act, Effect, to_json
from autoclave.domain.run import Run, RunStatus

_DIES = """
import os, signal, sys
from pathlib import Path
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.sandbox.files import SafeFiles
left = int(sys.argv[2])
def hear(event, arguments):
    global left
    left -= event in ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir")
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hear)
changes = [FileChange(path=name, before=b"2", after=b"0") for name in ("a", "b")]
SafeFiles().apply(Path(sys.argv[1]), ChangeSet(tuple(changes)))
"""

ACT = Act(step="act", capability="act", inputs={})


@pytest.fixture
def loops() -> Iterator[list[Loop]]:
    """Loops to close at the end."""
    opened: list[Loop] = []
    yield opened
    for loop in opened:
        loop.close()


async def nothing(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {}


def stubborn(view: Any) -> Any:
    """A mind that wants the one step to succeed, whatever anybody says."""
    if view["run"]["state"] == "IDLE":
        step = {"name": "act", "capability": "act", "inputs": {}, "after": []}
        plan = {"signature": "act", "source": "composed", "steps": [step], "template": [step]}
        return {"path": ["PLANNING", "EXECUTING"], "plan": plan, "intent": to_json(ACT)}
    if view["tries"].get("act", 0) < 3:
        return {"path": [], "intent": to_json(ACT)}
    path = [] if view["run"]["state"] == "RECOVERING" else ["ERROR", "RECOVERING"]
    return {"path": path, "intent": {"kind": "GiveUp", "reason": "three times"}}


async def test_who_lost_a_run_does_not_catch_up_with_it(tmp_path: Path, loops: list[Loop]) -> None:
    """A person's word makes an append stale; reading on must not adopt the new holder's epoch."""
    loop = open_loop(tmp_path, FakeToolbox())
    loops.append(loop)
    goal = await loop.add("greet")
    ledger = loop.parts.ledger
    mine = await ledger.take(await ledger.load(goal), mind="tree")

    await ledger.post(mine.stream, NewEvent(kind=EventKind.ERROR_MET, payload=_met()), actor="cli")
    await ledger.take(await ledger.load(goal), mind="tree")

    with pytest.raises(Fenced):
        await ledger.catch_up(mine)


async def test_a_goal_that_has_ended_is_not_taken_up_again(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """The row that a scheduler saw may be older than the end."""
    loop = open_loop(tmp_path, FakeToolbox(act=FakeCapability(nothing)))
    loops.append(loop)
    goal = await loop.add("greet")
    cancelled = NewEvent(kind=EventKind.GOAL_CANCELLED)
    await loop.parts.ledger.post(f"goal/{goal}", cancelled, actor="person:test")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.CANCELLED
    assert run.seq == 2
    assert loop.toolbox.ran == []


async def test_a_no_to_running_it_again_holds_against_the_mind(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """A once effect in doubt that a person refused is not run for a mind that asks again."""
    once = FakeCapability(nothing, effect=Effect.ONCE)
    loop = open_loop(tmp_path, FakeToolbox(act=once), decide=stubborn)
    loops.append(loop)
    goal = await _cut_off(loop, effect="once")
    parked = await Driver(loop.parts).drive(goal)
    assert parked.question is not None

    asked = {name: parked.question[name] for name in ("request", "digest")}
    answer = NewEvent(kind=EventKind.ANSWER_GIVEN, payload={**asked, "yes": False, "reason": ""})
    await loop.parts.ledger.post(parked.stream, answer, actor="person:test")
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.FAILED
    assert run.tries["act"] == 3
    assert loop.toolbox.ran == []


async def test_a_workspace_that_a_frozen_process_is_writing_is_left_to_it(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """The goal is parked with its changes prepared, and written when the way is free."""
    workspace = tmp_path / "work"
    workspace.mkdir()

    async def write(inputs: JsonObject, folder: Path | None, key: str) -> JsonObject:
        return {"changes": _added("new.txt", b"new\n")}

    act = FakeCapability(write, effect=Effect.VERIFIABLE, serves=("write",), writes=True)
    loop = open_loop(tmp_path, FakeToolbox(act=act))
    loops.append(loop)
    goal = await loop.add("write it", workspace=str(workspace))
    frozen = os.open(workspace, os.O_RDONLY)
    fcntl.flock(frozen, fcntl.LOCK_EX)

    parked = await Driver(loop.parts).drive(goal)
    assert parked.status is RunStatus.PARKED
    assert "another process is writing" in parked.reason
    assert list(workspace.iterdir()) == []
    os.close(frozen)
    resumed = NewEvent(kind=EventKind.GOAL_RESUMED)
    await loop.parts.ledger.post(parked.stream, resumed, actor="person:test")
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert (workspace / "new.txt").read_bytes() == b"new\n"
    assert len(loop.toolbox.ran) == 1


async def test_a_roll_back_goes_over_several_changes_of_one_file(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """What was found is there again, and what somebody else wrote since is left and named."""
    loop, run = await _after_two_writes(tmp_path, loops)
    (tmp_path / "work" / "b").write_bytes(b"by hand")

    await roll_back(loop.parts, run)

    assert (tmp_path / "work" / "a").read_bytes() == b"0"
    assert (tmp_path / "work" / "b").read_bytes() == b"by hand"
    assert await _rolled_back(loop, run) == {"paths": ["a"], "left": ["b"]}


@pytest.mark.chaos
async def test_a_roll_back_that_was_cut_off_is_finished(tmp_path: Path, loops: list[Loop]) -> None:
    """Killed before any of its writes, it ends as if there had been no kill, and leaves nothing."""
    loop, run = await _after_two_writes(tmp_path, loops)
    work = tmp_path / "work"
    for place in range(0, 12, 2):
        (work / "a").write_bytes(b"2")
        (work / "b").write_bytes(b"2")
        _killed_while_rolling_back(work, place)

        await roll_back(loop.parts, run)

        assert sorted(path.name for path in work.iterdir()) == ["a", "b"]
        assert (work / "a").read_bytes() + (work / "b").read_bytes() == b"00"
        assert await _rolled_back(loop, run) == {"paths": ["a", "b"], "left": []}


def _killed_while_rolling_back(work: Path, place: int) -> None:
    """Another process does the same work and dies before one of its writes."""
    subprocess.run([sys.executable, "-c", _DIES, str(work), str(place)], check=False)


async def _after_two_writes(tmp_path: Path, loops: list[Loop]) -> tuple[Loop, Run]:
    """A run that wrote to two files twice."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("a", "b"):
        (work / name).write_bytes(b"2")
    loop = open_loop(tmp_path, FakeToolbox())
    loops.append(loop)
    goal = await loop.add("write", workspace=str(work))
    run = await loop.parts.ledger.take(await loop.parts.ledger.load(goal), mind="tree")
    for key, before, after in (("k1", b"0", b"1"), ("k2", b"1", b"2")):
        files = (FileChange(path=name, before=before, after=after) for name in ("a", "b"))
        changes = ChangeSet(tuple(files))
        result = {"ok": True, "outputs": {}, "applied": {"key": key, "paths": ["a", "b"]}}
        done = {"key": key, "intent": to_json(ACT), "result": result}
        run = await loop.parts.ledger.record(
            run,
            NewEvent(
                kind=EventKind.CHANGES_PREPARED, payload={"key": key, "changes": changes.to_json()}
            ),
            NewEvent(kind=EventKind.RESULT_RECORDED, payload=done),
        )
    return loop, run


async def _rolled_back(loop: Loop, run: Run) -> JsonObject:
    events = await loop.parts.ledger.events(run.stream)
    assert events[-1].kind is EventKind.CHANGES_ROLLED_BACK
    return events[-1].payload


async def _cut_off(loop: Loop, *, effect: str) -> str:
    """A goal whose process was killed between the intent and the result of its step."""
    goal = await loop.add("act")
    ledger = loop.parts.ledger
    run = await ledger.take(await ledger.load(goal), mind="tree")
    plan = stubborn({"run": {"state": "IDLE"}})["plan"]
    begun = {"key": f"{goal}-1", "intent": to_json(ACT), "effect": effect}
    await ledger.record(
        run,
        NewEvent(kind=EventKind.STATE_CHANGED, payload={"from": "IDLE", "to": "PLANNING"}),
        NewEvent(kind=EventKind.STATE_CHANGED, payload={"from": "PLANNING", "to": "EXECUTING"}),
        NewEvent(kind=EventKind.PLAN_MADE, payload={"plan": plan}),
        NewEvent(kind=EventKind.INTENT_RECORDED, payload=begun),
    )
    return goal


def _added(path: str, data: bytes) -> ChangeSet:
    return ChangeSet((FileChange(path=path, before=None, after=data),))


def _met() -> JsonObject:
    return {"failure": {"error_class": "X", "message": "x"}}
