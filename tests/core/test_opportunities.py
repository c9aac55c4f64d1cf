"""From what asks for it to improvement runs, also across a crash."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import FakeKnowledge, FakeToolbox, Loop, open_loop

from autoclave.core.opportunities import raise_opportunities
from autoclave.domain.changes import ChangeSet
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.knowledge import Opportunity
from autoclave.domain.proposal import Contract, Draft, GateResult, GateVerdict
from autoclave.domain.proposal_record import draft_to_json
from autoclave.domain.risk import Risk
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
DRAFT = Draft(edits=(), changes=ChangeSet(), base_tree="", candidate_tree="", diff="", risk=Risk.R4)
PASSED = GateResult(name="parse", verdict=GateVerdict.PASS, seconds=0.1, summary="fine")


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


async def _returned(loop: Loop, *comments: str) -> tuple[str, str]:
    """An improvement run, and the proposal that came of it and was sent back."""
    (goal,) = await raise_opportunities(loop.parts)
    drafted = {
        "title": "t",
        "reason": "r",
        "goal_id": goal,
        "opportunity_key": FOUND.key,
        "capability": "x",
        "draft": draft_to_json(DRAFT),
        "contract": Contract(cause=(4,), expected_fixes=()).to_json(),
    }
    judged = {
        "gates": [PASSED.to_json()],
        "tier": "FULL",
        "self_test": "",
        "rules_digest": "",
        "digest": "d",
        "expires_at": 0.0,
    }
    said = {"comments": list(comments), "reason": "; ".join(comments)}
    await loop.parts.ledger.post(
        "proposal/P-0001",
        NewEvent(kind=EventKind.PROPOSAL_DRAFTED, payload=drafted),
        NewEvent(kind=EventKind.GATES_JUDGED, payload=judged),
        actor="kernel",
    )
    event = NewEvent(kind=EventKind.PROPOSAL_RETURNED, payload=said)
    await loop.parts.ledger.post("proposal/P-0001", event, actor="person:maria")
    return goal, "P-0001"


async def test_what_a_person_sent_back_is_taken_up_again_with_their_words(
    fast_tmp_path: Path,
) -> None:
    """Once, about the same failures."""
    knowledge = FakeKnowledge()
    knowledge.found = [FOUND]
    loop = open_loop(fast_tmp_path, FakeToolbox(), knowledge=knowledge)
    first, proposal = await _returned(loop, "name it", "why not here?")
    knowledge.found = []

    started = await raise_opportunities(loop.parts)

    run = await loop.parts.ledger.load(started[0])
    assert run.id != first
    assert run.facts["comments"] == ["name it", "why not here?"]
    assert run.facts["returned"] == proposal
    assert run.facts["cases"] == [4, 9]
    assert await raise_opportunities(loop.parts) == []
    loop.close()


async def test_what_was_sent_back_and_then_rejected_stays_over(fast_tmp_path: Path) -> None:
    """A no is the last word."""
    knowledge = FakeKnowledge()
    knowledge.found = [FOUND]
    loop = open_loop(fast_tmp_path, FakeToolbox(), knowledge=knowledge)
    _, proposal = await _returned(loop, "name it")
    event = NewEvent(kind=EventKind.PROPOSAL_REJECTED, payload={"reason": "no"})
    await loop.parts.ledger.post(f"proposal/{proposal}", event, actor="person:maria")
    knowledge.found = []

    assert await raise_opportunities(loop.parts) == []
    loop.close()
