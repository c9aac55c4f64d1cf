"""Goals, their questions and the report of a run as text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...domain.canonical import JsonObject
from ...domain.text import show, show_line
from .paint import clip, diff, fields, moment, seconds, table, verdict


def goal_list(goals: Sequence[JsonObject]) -> str:
    rows = [
        [
            goal["id"],
            goal["status"],
            goal.get("priority", 0),
            clip(goal["text"]),
            clip(goal.get("reason", ""), 40),
        ]
        for goal in goals
    ]
    hint = 'No goals. Add one: autoclave goal add "make the failing tests pass" --workspace DIR'
    return table(["id", "status", "priority", "goal", "reason"], rows, empty=hint)


def goal(goal: JsonObject, *, color: bool) -> str:
    added = goal.get("added_at")
    parts = [
        fields(
            {
                "goal": goal["id"],
                "text": goal["text"],
                "status": goal["status"],
                "state": goal.get("state"),
                "reason": goal.get("reason"),
                "workspace": goal.get("workspace"),
                "done-test": " ".join(goal.get("done") or ()),
                "added": moment(added) if added else "",
                "plan": plan(goal.get("plan")),
                "spent": spend(goal.get("spend")),
            }
        )
    ]
    if asked := goal.get("question"):
        parts += ["", question(asked, color=color), "", how_to_answer(goal["id"], asked)]
    return "\n".join(parts)


def question(asked: JsonObject, *, color: bool) -> str:
    """What a person is asked, with everything that is needed to answer."""
    shown = [str(show(asked.get("question", "")))]
    if asked.get("risk"):
        shown.append(f"risk: {show_line(str(asked['risk']))}")
    if asked.get("rules"):
        shown.append(f"asked by: {show_line(', '.join(map(str, asked['rules'])))}")
    if asked.get("diff"):
        shown += ["", diff(asked["diff"], color=color)]
    return "\n".join(shown)


def how_to_answer(goal_id: str, asked: JsonObject) -> str:
    proof = f" --hash {asked['digest'][:12]}" if asked.get("digest") else ""
    return f"answer with: autoclave goal answer {goal_id} yes{proof}   (or: no)"


def report(run: JsonObject, *, color: bool) -> str:
    """What came of one goal."""
    head = f"{verdict(run['status'], color=color)}  {show_line(run.get('goal', ''))}"
    parts = [
        head,
        fields(
            {
                "id": run.get("id"),
                "done-test": _test(run.get("done_test")),
                "plan": plan(run.get("plan")),
                "attempts": _count(run.get("attempts")),
                "changed": ", ".join(run.get("files") or ()),
                "approval": _approval(run.get("approval")),
                "spent": spend(run.get("spend")),
                "took": seconds(run.get("seconds") or 0.0),
                "reason": run.get("reason"),
                "tried": _lines(run.get("tried")),
                "needs": run.get("needs"),
            }
        ),
    ]
    if run.get("diff"):
        parts += ["", diff(run["diff"], color=color)]
    return "\n".join(parts)


def plan(made: object) -> str:
    """The steps of a plan in one line."""
    steps = made.get("steps", []) if isinstance(made, dict) else made
    if not isinstance(steps, list):
        return ""
    return " → ".join(_step(step) for step in steps)


def spend(spent: object) -> str:
    if not isinstance(spent, dict):
        return ""
    return (
        f"{spent.get('usd', 0):.4f} USD, {spent.get('tokens', 0)} tokens,"
        f" {spent.get('steps', 0)} steps"
    )


def _step(step: object) -> str:
    if isinstance(step, dict):
        return str(step.get("capability") or step.get("name") or step.get("step") or "?")
    return str(step)


def _test(test: object) -> str:
    """A done-test may be a command, or a command with what it came to."""
    if isinstance(test, list | tuple):
        return " ".join(map(str, test))
    return json.dumps(test, ensure_ascii=False) if isinstance(test, dict) else str(test or "")


def _count(attempts: object) -> str:
    return str(len(attempts)) if isinstance(attempts, list) else str(attempts or "")


def _approval(approval: object) -> str:
    if isinstance(approval, dict):
        return str(approval.get("granted_by") or approval.get("by") or json.dumps(approval))
    return str(approval or "")


def _lines(tried: object) -> str:
    return "\n".join(map(str, tried)) if isinstance(tried, list | tuple) else str(tried or "")
