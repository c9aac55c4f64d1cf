"""A question of the mind: the answer finds who asked, also after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes import FakeCapability, FakeClock, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import Stale
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.run import Run, RunStatus

tries: list[str] = []


async def stale(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    tries.append(key)
    if len(tries) <= 3:
        raise Stale("a.txt changed meanwhile")
    return {}


async def _until_asked(loop: Loop, clock: FakeClock) -> Run:
    """Through the retries to the question."""
    tries.clear()
    goal = await loop.add("greet")
    run = await Driver(loop.parts).drive(goal)
    while run.status is RunStatus.WAITING:
        clock.now = run.wake_at or 0.0
        run = await Driver(loop.parts).drive(goal)
    return run


@pytest.mark.parametrize("yes", [True, False])
async def test_the_answer_decides_what_happens(fast_tmp_path: Path, yes: bool) -> None:
    """A yes does the step once more, a no gives up; the process may have been another one."""
    clock = FakeClock()
    toolbox = FakeToolbox(stale=FakeCapability(stale, serves=("greet",)))
    loop = open_loop(fast_tmp_path, toolbox, clock=clock)
    asked = await _until_asked(loop, clock)
    assert asked.status is RunStatus.AWAITING_HUMAN
    assert "keep changing" in asked.reason
    loop.close()

    again = open_loop(fast_tmp_path, toolbox, clock=clock)
    question = asked.question or {}
    payload = {"request": question["request"], "digest": question["digest"], "yes": yes}
    answer = NewEvent(kind=EventKind.ANSWER_GIVEN, payload={**payload, "reason": ""})
    await again.parts.ledger.post(asked.stream, answer, actor="person:test")
    run = await Driver(again.parts).drive(asked.id)

    assert len(tries) == (4 if yes else 3)
    assert run.status is (RunStatus.DONE if yes else RunStatus.FAILED)
    if not yes:
        assert run.reason == "a person said not to go on"
    again.close()


async def test_taken_up_without_an_answer_it_asks_the_same_again(fast_tmp_path: Path) -> None:
    """Under the same request, so that one answer is enough."""
    clock = FakeClock()
    loop = open_loop(
        fast_tmp_path, FakeToolbox(stale=FakeCapability(stale, serves=("greet",))), clock=clock
    )
    asked = await _until_asked(loop, clock)
    waking = NewEvent(kind=EventKind.ANSWER_GIVEN, payload={"request": "?", "digest": "", "yes": 1})
    await loop.parts.ledger.post(asked.stream, waking, actor="person:test")

    again = await Driver(loop.parts).drive(asked.id)

    assert again.status is RunStatus.AWAITING_HUMAN
    assert (again.question or {})["request"] == (asked.question or {})["request"]
    assert len(tries) == 3
    loop.close()
