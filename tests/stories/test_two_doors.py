"""One agent works, other processes look and speak: two doors to one home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes_owner import Person

from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import Busy, Conflict, Stale
from autoclave.domain.risk import Risk
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec
from autoclave.service.home import Home

pytestmark = pytest.mark.slow

ME = "person:test"
FILES = {"a.txt": "hello\n"}
Project = Callable[[dict[str, str]], Path]


@pytest.fixture
async def other(home: Home, open_home: Any) -> AsyncIterator[Control]:
    """The door of a second process."""
    async with open_home(home) as other:
        yield other


class Ear:
    """Hears what the serving agent writes down, and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.events: list[JsonObject] = []
        self._news = asyncio.Event()

    def __call__(self, event: JsonObject) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, kind: str, *, times: int = 1) -> None:
        while sum(each["kind"] == kind for each in self.events) < times:
            await self._news.wait()
            self._news.clear()


@asynccontextmanager
async def _serving(control: Control) -> AsyncIterator[Ear]:
    ear, stop = Ear(), asyncio.Event()
    task = asyncio.create_task(control.serve(stop, listener=ear))
    try:
        async with asyncio.timeout(90):
            await ear.until("SandboxTested")
            yield ear
    finally:
        stop.set()
        await task


async def test_only_one_process_is_the_agent(
    control: Control, other: Control, project: Project
) -> None:
    """Run and improve are refused with who holds it; when it has stopped they work."""
    work = project(FILES)
    spec = GoalSpec(text="show a.txt", workspace=work)
    async with _serving(control):
        with pytest.raises(Busy, match="another agent process"):
            await other.run_goal(spec, by=ME)
        with pytest.raises(Busy):
            await other.improve()
        with pytest.raises(Busy):
            await other.serve(asyncio.Event())

    assert (await other.run_goal(spec, by=ME))["exit"] == "done"


async def test_a_goal_that_another_process_adds_is_picked_up(
    control: Control, other: Control, project: Project
) -> None:
    """And everybody sees how it ends."""
    work = project(FILES)
    async with _serving(control) as ear:
        spec = GoalSpec(text="copy a.txt to b.txt", workspace=work, allow_up_to=Risk.R1)
        goal = (await other.add_goal(spec, by=ME))["id"]
        await ear.until("GoalEnded")

        assert (await other.goal(goal))["status"] == "done"
        assert [row["id"] for row in await other.goals("done")] == [goal]
    assert (work / "b.txt").read_text() == "hello\n"


async def test_a_question_is_answered_from_another_process(
    control: Control, other: Control, project: Project
) -> None:
    """A yes names what it is for: without the hash, or with an old one, it is no yes."""
    work = project(FILES)
    async with _serving(control) as ear:
        spec = GoalSpec(text="copy a.txt to b.txt", workspace=work)
        goal = (await other.add_goal(spec, by=ME))["id"]
        await ear.until("QuestionAsked")
        question = (await other.goal(goal))["question"]
        assert "+hello" in question["diff"]
        assert not (work / "b.txt").exists()

        with pytest.raises(Stale):
            await other.answer_goal(goal, True, digest="", by=ME)
        await other.answer_goal(goal, True, digest=question["digest"], by=ME)
        await ear.until("GoalEnded")

        assert (work / "b.txt").read_text() == "hello\n"
        with pytest.raises(Conflict, match="asks nothing now"):
            await other.answer_goal(goal, True, digest=question["digest"], by=ME)


async def test_a_goal_is_cancelled_paused_and_resumed_from_another_process(
    control: Control, other: Control, project: Project
) -> None:
    """The agent follows; what is cancelled writes nothing."""
    work = project(FILES)
    async with _serving(control) as ear:
        waits = GoalSpec(text="copy a.txt to b.txt", workspace=work)
        first = (await other.add_goal(waits, by=ME))["id"]
        await ear.until("QuestionAsked")
        question = (await other.goal(first))["question"]
        await other.pause_goal(first, "lunch", by=ME)
        assert (await other.goal(first))["status"] == "paused"
        with pytest.raises(Conflict):
            await other.answer_goal(first, True, digest=question["digest"], by=ME)
        await other.resume_goal(first, by=ME)
        assert (await other.goal(first))["status"] == "awaiting human"
        await other.cancel_goal(first, "not today", by=ME)

        second = (await other.add_goal(GoalSpec(text="show a.txt", workspace=work), by=ME))["id"]
        await ear.until("GoalEnded")

        assert (await other.goal(second))["status"] == "done"
        assert (await other.goal(first))["status"] == "cancelled"
    assert not (work / "b.txt").exists()


async def test_a_proposal_is_approved_while_the_agent_serves(waiting: Home, open_home: Any) -> None:
    """From another process: the agent offers the new bytes and tries the goals again."""
    async with (
        open_home(waiting) as control,
        open_home(waiting) as other,
        _serving(control) as ear,
    ):
        shown = await other.proposal("P-0001")
        await Person().approve(other, "P-0001", digest=shown["digest"])
        await ear.until("GoalEnded", times=2)

        for goal in shown["contract"]["expected_fixes"]:
            seen = await other.goal(goal)
            assert (seen["status"], seen["attempt"]) == ("done", 2)
        here = (await control.capability("describe_table"))["tree"]
        assert here == (await other.capability("describe_table"))["tree"]


async def test_rules_that_break_while_serving_stop_everything_but_looking(
    control: Control, other: Control, project: Project, home: Home
) -> None:
    """The last good rules stay, in safe mode; mended, the next goal works again."""
    work, text = project(FILES), home.rules.read_text()
    async with _serving(control) as ear:
        home.rules.write_text(text + "\nunknown_key: 1\n")
        spec = GoalSpec(text="copy a.txt to b.txt", workspace=work, allow_up_to=Risk.R1)
        goal = (await other.add_goal(spec, by=ME))["id"]
        await ear.until("GoalEnded")
        refused = await other.goal(goal)
        assert refused["status"] == "failed"
        assert "rule file is broken" in refused["reason"]
        assert not (work / "b.txt").exists()

        home.rules.write_text(text)
        await other.retry_goal(goal, by=ME)
        await ear.until("GoalEnded", times=2)
        assert (await other.goal(goal))["status"] == "done"
