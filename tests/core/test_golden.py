"""Golden decisions: views rebuilt from the journal are exactly what the mind saw."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeGate, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.core.golden import decisions, sample, shipped
from autoclave.core.mind_answer import read_answer
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.golden import Golden, is_same
from autoclave.domain.intents import to_json
from autoclave.domain.run import RunStatus
from autoclave.mind import decide


def answer_of(view: Any) -> JsonObject:
    """What today's mind answers, in the form in which decisions are compared."""
    given: Any = decide(copy.deepcopy(view))
    answer = read_answer(given)
    path = [str(each) for each in answer.path]
    return {
        "path": path,
        "plan": answer.plan,
        "intent": to_json(answer.intent),
        "remedy": answer.remedy,
    }


@pytest.mark.parametrize("golden", shipped(), ids=lambda golden: golden.id)
def test_the_shipped_decisions_are_those_of_the_shipped_mind(golden: Golden) -> None:
    """Being pure, it answers every view as it did when it was recorded."""
    assert is_same(golden.answer, answer_of(golden.view))


def test_the_shipped_decisions_show_every_way_of_an_offline_run() -> None:
    """Reached, failed, not served; a question, a wait, a lesson and a proposal among them."""
    kinds = {each.answer["intent"]["kind"] for each in shipped()}
    every = {"Act", "Ask", "Finish", "GiveUp", "Propose", "Recall", "Remember", "Wait"}

    assert kinds == every
    assert {each.success for each in shipped()} == {"ok", "failed", "unknown"}


@dataclass(kw_only=True)
class Watched:
    """A loop whose mind remembers what it was shown, and what it answered."""

    loop: Loop
    seen: list[JsonObject]

    async def decisions(self, goal: str) -> list[Golden]:
        parts = self.loop.parts
        events = await parts.ledger.events(f"goal/{goal}")
        return decisions(events, parts.toolbox.manifests(), None)

    async def pause(self) -> None:
        for row in self.loop.board(()):
            event = NewEvent(kind=EventKind.GOAL_PAUSED, payload={"reason": "wait"})
            await self.loop.parts.ledger.post(f"goal/{row['id']}", event, actor="person:test")


@pytest.fixture
def watch(fast_tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Makes a loop over these capabilities."""
    opened: list[Watched] = []

    def make(*, gate: FakeGate | None = None, **capabilities: FakeCapability) -> Watched:
        seen: list[JsonObject] = []

        def decide_and_note(view: Any) -> Any:
            shown = {name: value for name, value in view.items() if name != "prompts"}
            seen.append(copy.deepcopy(shown))
            return decide(view)

        toolbox = FakeToolbox(**capabilities)
        loop = open_loop(fast_tmp_path, toolbox, gate=gate, decide=decide_and_note)
        opened.append(Watched(loop=loop, seen=seen))
        return opened[-1]

    yield make
    for each in opened:
        each.loop.close()


async def hello(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"text": "hello"}


async def fail(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    raise ValueError("no good")


@pytest.mark.parametrize("text", ["greet everybody", "fail at once", "book a flight"])
async def test_every_view_is_rebuilt_as_the_mind_saw_it(
    watch: Callable[..., Watched], text: str
) -> None:
    """To the last value, and with it the answer that followed."""
    greet = FakeCapability(hello, serves=("greet",))
    watched = watch(greet=greet, fail=FakeCapability(fail, serves=("fail",)))
    goal = await watched.loop.add(text)

    await Driver(watched.loop.parts).drive(goal)

    found = await watched.decisions(goal)
    assert [each.view for each in found] == watched.seen
    assert all(is_same(each.answer, answer_of(each.view)) for each in found)
    assert {each.mind for each in found} == {"tree"}


async def test_a_pause_in_between_changes_no_view(watch: Callable[..., Watched]) -> None:
    """What was decided before the pause is rebuilt as of before the pause."""
    calls: list[int] = []

    async def pausing(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        calls.append(1)
        if len(calls) == 1:
            await watched.pause()
        return {"text": "hello"}

    watched = watch(greet=FakeCapability(pausing, serves=("greet",)))
    goal = await watched.loop.add("greet everybody")
    await Driver(watched.loop.parts).drive(goal)
    resumed = NewEvent(kind=EventKind.GOAL_RESUMED, payload={})
    await watched.loop.parts.ledger.post(f"goal/{goal}", resumed, actor="person:test")

    run = await Driver(watched.loop.parts).drive(goal)

    found = await watched.decisions(goal)
    assert run.status is RunStatus.DONE
    assert [each.view for each in found] == watched.seen


async def test_decisions_on_other_capabilities_are_left_out(
    watch: Callable[..., Watched],
) -> None:
    """Their views can't be rebuilt: only the digest of what was on offer is kept."""
    watched = watch(greet=FakeCapability(hello, serves=("greet",)))
    goal = await watched.loop.add("greet everybody")
    await Driver(watched.loop.parts).drive(goal)
    assert await watched.decisions(goal)

    watched.loop.toolbox.capabilities["more"] = FakeCapability(hello)

    assert await watched.decisions(goal) == []


async def test_a_mind_that_is_changed_between_two_steps_is_taken_note_of(
    watch: Callable[..., Watched],
) -> None:
    """Each activation names the mind that decides in it, and the run goes on."""
    watched = watch()
    parts = watched.loop.parts

    async def changing(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        parts.mind.tree = "another"  # type: ignore[misc]
        return {"text": "hello"}

    watched.loop.toolbox.capabilities["greet"] = FakeCapability(changing, serves=("greet",))
    goal = await watched.loop.add("greet everybody")

    run = await Driver(parts).drive(goal)

    events = await parts.ledger.events(run.stream)
    taken = [each.payload["mind"] for each in events if each.kind is EventKind.RUN_TAKEN]
    minds = [each.mind for each in await watched.decisions(goal)]
    assert run.status is RunStatus.DONE
    assert taken == ["tree", "another"]
    assert minds == ["tree"] * 2 + ["another"] * (len(minds) - 2)


def test_a_sample_takes_turns_among_plans_and_outcomes() -> None:
    """A home with many runs of one kind shows the others too, and never too much."""
    one = next(each for each in shipped() if each.success == "ok")
    failed = next(each for each in shipped() if each.success == "failed")

    taken = sample([[one] * 4, [one] * 4, [failed] * 2, [one] * 4, [one] * 4], most=9)

    assert len(taken) == 9
    assert sum(each.success == "failed" for each in taken) == 2
