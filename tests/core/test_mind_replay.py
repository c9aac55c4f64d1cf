"""Goals that failed, pursued again by another mind, with nothing written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeToolbox, Loop, open_loop, properties

from autoclave.core.mind_answer import read_answer
from autoclave.core.mind_replay import pursue
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.golden import Sources
from autoclave.domain.intents import to_json
from autoclave.domain.knowledge import Case
from autoclave.mind import decide


def asked(mind: Callable[[Any], Any]) -> Callable[..., Any]:
    """Asks a mind in this process, as sealed trials answer."""

    async def ask(sources: Sources, views: Sequence[JsonObject]) -> list[JsonObject]:
        found = []
        for view in views:
            answer = read_answer(mind(view))
            path = [str(each) for each in answer.path]
            given = {"path": path, "plan": answer.plan, "intent": to_json(answer.intent)}
            found.append({"answer": given})
        return found

    return ask


async def write(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    assert workspace is not None
    before = (workspace / "a.txt").read_bytes()
    change = FileChange(path="a.txt", before=before, after=before + b"written\n")
    return {"changes": ChangeSet((change,))}


@pytest.fixture
def loop(fast_tmp_path: Path) -> Iterator[Loop]:
    """A home with one capability that writes."""
    inputs = dict(properties(file="path"))
    writer = FakeCapability(write, serves=("write",), writes=True, inputs=inputs)
    loop = open_loop(fast_tmp_path, FakeToolbox(write=writer))
    yield loop
    loop.close()


async def case_of(loop: Loop, **given: Any) -> Case:
    goal = await loop.add("write a.txt", workspace=str(Path.cwd()))
    return Case(
        **{
            "event_id": 1,
            "goal_id": goal,
            "capability": "write",
            "inputs": {},
            "files": {"a.txt": "first\n"},
            "done": (),
            **given,
        }
    )


async def test_a_mind_that_knows_the_way_reaches_the_goal(loop: Loop) -> None:
    """On a copy of the files as they were; neither they nor the journal change."""
    case = await case_of(loop)
    newest = loop.journal.last_id()

    found = await pursue(loop.parts, asked(decide), {}, case)

    assert found == {"ok": True, "summary": "it reaches the goal"}
    assert loop.toolbox.ran == [("write", "replay")]
    assert loop.journal.last_id() == newest


async def test_a_mind_that_gives_up_does_not(loop: Loop) -> None:
    """With what it says."""

    def give_up(view: Any) -> Any:
        return {"intent": {"kind": "GiveUp", "reason": "too hard"}}

    found = await pursue(loop.parts, asked(give_up), {}, await case_of(loop))

    assert found == {"ok": False, "summary": "it gives up: too hard"}


async def test_a_mind_that_goes_on_for_ever_does_not(loop: Loop) -> None:
    """It is stopped."""

    def wait(view: Any) -> Any:
        return {"intent": {"kind": "Wait", "seconds": 1.0, "reason": "x"}}

    found = await pursue(loop.parts, asked(wait), {}, await case_of(loop))

    assert (found["ok"], "no end" in found["summary"]) == (False, True)


@pytest.mark.parametrize("kind", ["Search", "Ask"])
async def test_what_a_replay_cannot_give_is_no_verdict(loop: Loop, kind: str) -> None:
    """Nobody knows what a person or the web would have said."""
    field = "query" if kind == "Search" else "question"

    def look(view: Any) -> Any:
        return {"intent": {"kind": kind, field: "x"}}

    found = await pursue(loop.parts, asked(look), {}, await case_of(loop))

    assert found["ok"] is None
    assert kind in found["summary"]


async def test_a_goal_whose_beginning_is_gone_is_no_verdict(loop: Loop) -> None:
    """What it was about is not known any more."""
    case = await case_of(loop, goal_id="G-0999")

    assert (await pursue(loop.parts, asked(decide), {}, case))["ok"] is None
