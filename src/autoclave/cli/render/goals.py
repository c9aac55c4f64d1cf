"""Goals, their questions and the report of a run as text."""

from __future__ import annotations

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
    facts = fields(
        {
            "goal": goal["id"],
            "text": goal["text"],
            "status": goal["status"],
            "state": goal.get("state"),
            "reason": goal.get("reason"),
            "goes on": moment(goal["goes_on_at"]) if goal.get("goes_on_at") else "",
            "model": goal.get("model"),
            "workspace": goal.get("workspace"),
            "done-test": goal.get("done_test"),
            "added": moment(goal["added_at"]) if goal.get("added_at") else "",
            "plan": _steps((goal.get("plan") or {}).get("steps")),
            "failed": _lines([f["message"] for f in goal.get("failures") or ()]),
            "changed": ", ".join(goal.get("files") or ()),
            "says": goal.get("says"),
            "spent": spend(goal.get("spend")),
            "at most": _most(goal["budget"]) if goal.get("budget") else "",
        }
    )
    asked = goal.get("question")
    if not asked:
        return facts
    return "\n".join([facts, "", question(asked, color=color), how_to_answer(goal["id"], asked)])


def preview(found: JsonObject) -> str:
    """What a goal would become, before it is added."""
    steps = [f"{each['name']}: {each['capability']}" for each in found["steps"]]
    budget = found["budget"]
    return fields(
        {
            "goal": found["text"],
            "workspace": found["workspace"] or "none",
            "reading": found["reading"],
            "refused": found["refused"],
            "steps": _lines(steps),
            "may use": ", ".join(found["may_use"]),
            "done-test": found["done_test"],
            "thinks": found["model"] or "nobody is paid: it works offline",
            "no model": found["model_note"],
            "price": _price(found["price"], found["model"]),
            "at most": _most(budget),
        }
    )


def _most(budget: JsonObject) -> str:
    return f"${budget['usd']:g}, {budget['steps']} steps, {budget['seconds']:g} s"


def _price(price: JsonObject, model: str) -> str:
    if not model:
        return "nothing"
    likely = price["usd"]
    said = "not known yet: no goal like it was paid for"
    if likely is not None:
        said = f"about ${likely:.2f}" if likely else "nothing"
    first = price["first_call_at_most"]
    return f"{said}; the first call costs ${first:.4f} at most" if first else said


def question(asked: JsonObject, *, color: bool, most_lines: int = 400) -> str:
    """What a person is asked, with everything that is needed to answer."""
    parts = [str(show(asked["question"]))]
    if asked.get("diff"):
        parts += ["", diff(asked["diff"], color=color, most_lines=most_lines), ""]
    if asked.get("risk"):
        rules = ", ".join(asked.get("rules") or ())
        parts.append(show_line(f"risk {asked['risk']}: {asked.get('reason')} ({rules})"))
    return "\n".join(parts)


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
                "goal": run["id"],
                "done-test": run.get("done_test"),
                "plan": plan(run.get("plan")),
                "attempts": len(run.get("attempts") or ()),
                "changed": ", ".join(run.get("files") or ()),
                "approval": (run.get("approval") or {}).get("by"),
                "spent": spend(run.get("spend")),
                "took": seconds(run.get("seconds") or 0.0),
                "reason": run.get("reason"),
                "tried": _lines(run.get("tried")),
                "needs": run.get("needs"),
                "says": run.get("says"),
            }
        ),
    ]
    if run.get("diff"):
        parts += ["", diff(run["diff"], color=color)]
    return "\n".join(parts)


def plan(made: JsonObject | None) -> str:
    """The steps of a plan in one line."""
    return " → ".join(step["capability"] for step in (made or {}).get("steps") or ())


def spend(spent: object) -> str:
    if not isinstance(spent, dict):
        return ""
    steps = spent.get("steps", 0)
    return (
        f"{spent.get('usd', 0):.4f} USD, {spent.get('tokens', 0)} tokens,"
        f" {steps} step{'s' * (steps != 1)}"
    )


def _steps(steps: Sequence[JsonObject] | None) -> str:
    return _lines([f"{s['name']} ({s['capability']}): {s['status']}" for s in steps or ()])


def _lines(texts: Sequence[str] | None) -> str:
    return "\n".join(map(str, texts or ()))
