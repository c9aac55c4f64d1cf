"""From patterns that ask for it to improvement runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..domain.canonical import JsonObject
from ..domain.errors import NotFound
from ..domain.events import EventKind, NewEvent
from ..domain.knowledge import Opportunity
from ..domain.proposal import ProposalStatus
from ..domain.usage import Budget
from .parts import Parts
from .proposals import Proposals

_NO_FACTS = frozenset({"goal_id", "depth", "most_depth"})


async def raise_opportunities(parts: Parts) -> list[str]:
    """Start an improvement run for each open opportunity; the ids of the new goals."""
    started = await _complete_interrupted(parts)
    for found in parts.knowledge.opportunities():
        descent = await _descent(parts, found.goals)
        if descent is None:
            continue
        goal = await parts.ledger.new_id("G")
        raised: JsonObject = {**_facts(found), "goal_id": goal, **descent}
        event = NewEvent(kind=EventKind.OPPORTUNITY_RAISED, payload=raised)
        await parts.ledger.post("agent", event, actor="kernel")
        await _start(parts, goal, raised)
        started.append(goal)
    return started + await _take_up_returned(parts)


async def _take_up_returned(parts: Parts) -> list[str]:
    """Start a run for each proposal that a person sent back, with what they said about it."""
    raised = {
        event.payload["goal_id"]: event.payload
        for event in await parts.ledger.events("agent")
        if event.kind is EventKind.OPPORTUNITY_RAISED
    }
    taken_up = {payload.get("returned") for payload in raised.values()}
    started = []
    for record in await Proposals(parts).every():
        before = raised.get(record.run)
        is_open = record.status is ProposalStatus.RETURNED and record.id not in taken_up
        if not is_open or before is None:
            continue
        goal = await parts.ledger.new_id("G")
        said = {"returned": record.id, "comments": list(record.comments), "goal_id": goal}
        event = NewEvent(kind=EventKind.OPPORTUNITY_RAISED, payload={**before, **said})
        await parts.ledger.post("agent", event, actor="kernel")
        await _start(parts, goal, event.payload)
        started.append(goal)
    return started


async def _descent(parts: Parts, goals: Sequence[str]) -> JsonObject | None:
    """`depth` of a goal that comes from these, and the `most_depth` that it inherits.

    None when it would be too deep: nothing goes on by itself for ever.
    """
    parents = []
    for goal in goals:
        try:
            parents.append(await parts.ledger.load(goal))
        except NotFound:
            continue
    depth = 1 + max((run.depth for run in parents), default=0)
    most = min((run.budget.depth for run in parents), default=Budget().depth)
    return {"depth": depth, "most_depth": most} if depth <= most else None


async def _complete_interrupted(parts: Parts) -> list[str]:
    """Opportunities that were raised just before a crash and whose run was never added."""
    started = []
    for event in await parts.ledger.events("agent"):
        if event.kind is not EventKind.OPPORTUNITY_RAISED:
            continue
        goal = event.payload["goal_id"]
        try:
            await parts.ledger.load(goal)
        except NotFound:
            await _start(parts, goal, event.payload)
            started.append(goal)
    return started


async def _start(parts: Parts, goal: str, raised: JsonObject) -> None:
    payload = {
        "kind": "improvement",
        "text": f"repair {raised['capability']}: {raised['title']}",
        "facts": {key: value for key, value in raised.items() if key not in _NO_FACTS},
        "depth": raised.get("depth", 1),
        "budget": {"depth": raised.get("most_depth", Budget().depth)},
        "priority": -1,
    }
    event = NewEvent(kind=EventKind.GOAL_ADDED, payload=payload)
    await parts.ledger.post(f"goal/{goal}", event, actor="kernel")


def _facts(found: Opportunity) -> JsonObject:
    return {**asdict(found), "goals": list(found.goals), "cases": list(found.cases)}
