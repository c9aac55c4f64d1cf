"""From what asks for it to improvement runs, also across a crash."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import FakeKnowledge, FakeToolbox, open_loop

from autoclave.core.opportunities import raise_opportunities
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.knowledge import Opportunity
from autoclave.domain.run import RunKind

FOUND = Opportunity(
    key="error:x:1",
    title="it fails on empty cells",
    capability="x",
    pattern_id="pattern-1",
    confirmations=2,
    goals=("G-0001", "G-0002"),
    cases=(4, 9),
)


async def test_each_opportunity_becomes_a_run_behind_the_goals_of_people(
    fast_tmp_path: Path,
) -> None:
    """With all that it needs to know, and written down before it starts."""
    knowledge = FakeKnowledge()
    knowledge.found = [FOUND]
    loop = open_loop(fast_tmp_path, FakeToolbox(), knowledge=knowledge)

    started = await raise_opportunities(loop.parts)

    run = await loop.parts.ledger.load(started[0])
    raised = await loop.parts.ledger.events("agent")
    assert run.kind is RunKind.IMPROVEMENT
    assert run.priority < 0
    assert run.facts["cases"] == [4, 9]
    assert run.facts["goals"] == ["G-0001", "G-0002"]
    assert [event.kind for event in raised] == [EventKind.OPPORTUNITY_RAISED]
    assert raised[0].payload["goal_id"] == run.id
    loop.close()


async def test_what_a_crash_cut_off_is_started_once(fast_tmp_path: Path) -> None:
    """The opportunity was raised and its run was never added."""
    loop = open_loop(fast_tmp_path, FakeToolbox())
    goal = await loop.parts.ledger.new_id("G")
    payload = {
        "key": "k",
        "title": "t",
        "capability": "x",
        "pattern_id": "p",
        "confirmations": 2,
        "goals": [],
        "cases": [],
        "goal_id": goal,
    }
    event = NewEvent(kind=EventKind.OPPORTUNITY_RAISED, payload=payload)
    await loop.parts.ledger.post("agent", event, actor="kernel")

    assert await raise_opportunities(loop.parts) == [goal]
    assert await raise_opportunities(loop.parts) == []
    assert (await loop.parts.ledger.load(goal)).facts["key"] == "k"
    loop.close()


async def test_nothing_to_improve_starts_nothing(fast_tmp_path: Path) -> None:
    """And writes nothing down."""
    loop = open_loop(fast_tmp_path, FakeToolbox())

    assert await raise_opportunities(loop.parts) == []
    assert await loop.parts.ledger.events("agent") == []
    loop.close()
