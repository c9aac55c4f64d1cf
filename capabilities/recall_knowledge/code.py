"""Tells what was learned from earlier goals."""

from __future__ import annotations

from typing import Any

NOTHING = "nothing is known about that"


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The goals that are most like the query, the best first."""
    found = await context.recall(inputs["query"], limit=inputs.get("most", 5))
    seen = found["experiences"]
    goals = [{name: each[name] for name in ("goal", "success", "lesson")} for each in seen]
    text = "\n".join(map(line, seen)) or NOTHING
    return {"text": text, "goals": goals, "count": len(goals)}


def line(seen: dict[str, Any]) -> str:
    """One earlier goal in words: how it ended, and what was learned or why it failed."""
    learned = seen["lesson"] or seen["reason"]
    return f"{seen['success']}: {seen['goal']}" + (f" ({learned})" if learned else "")
