"""What is worth keeping of an episode."""

from __future__ import annotations

from .improving import modify
from .views import Reply, View, reply


def learn(view: View) -> Reply:
    """First keep the lesson, then go on to what can be improved."""
    if not view["lesson"]:
        intent = {"kind": "Remember", "lesson": describe(view)}
        return reply(intent, why="the goal is reached")
    following = modify(view)
    return reply(following["intent"], path=("MODIFYING",), why=following["why"])


def describe(view: View) -> str:
    """One sentence about what worked."""
    plan = view["plan"] or {"steps": []}
    ran = [step["capability"] for step in plan["steps"] if step["name"] in view["results"]]
    called = [each["intent"] for each in view["transcript"] if each["result"]["ok"]]
    ran += [intent["capability"] for intent in called if intent["kind"] == "Act"]
    failed = len(view["failures"])
    how = " → ".join(dict.fromkeys(ran)) or "words alone"
    trouble = f" after {failed} failure{'s' * (failed > 1)}" if failed else ""
    return f"{how} reached “{view['run']['text']}”{trouble}"
