"""From patterns that ask for it to improvement runs."""

from __future__ import annotations

from dataclasses import asdict

from ..domain.canonical import JsonObject
from ..domain.errors import NotFound
from ..domain.events import EventKind, NewEvent
from ..domain.knowledge import Opportunity
from .parts import Parts


async def raise_opportunities(parts: Parts) -> list[str]:
    """Start an improvement run for each open opportunity; the ids of the new goals."""
    started = await _complete_interrupted(parts)
    for found in parts.knowledge.opportunities():
        goal = await parts.ledger.new_id("G")
        raised: JsonObject = {**_facts(found), "goal_id": goal}
        event = NewEvent(kind=EventKind.OPPORTUNITY_RAISED, payload=raised)
        await parts.ledger.post("agent", event, actor="kernel")
        await _start(parts, goal, raised)
        started.append(goal)
    return started


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
        "facts": {key: value for key, value in raised.items() if key != "goal_id"},
        "priority": -1,
    }
    event = NewEvent(kind=EventKind.GOAL_ADDED, payload=payload)
    await parts.ledger.post(f"goal/{goal}", event, actor="kernel")


def _facts(found: Opportunity) -> JsonObject:
    return {**asdict(found), "goals": list(found.goals), "cases": list(found.cases)}
