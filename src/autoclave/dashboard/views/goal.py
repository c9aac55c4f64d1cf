"""What is said of a goal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ...domain.canonical import JsonObject
from ..glyphs import Glyphs
from ..ink import Line, Tone, diff_lines, line, paragraph
from ..words import age, amount, dollars, moment
from .home import event_line

View = Literal["plan", "transcript", "diff", "spend"]
VIEWS: tuple[View, ...] = ("plan", "transcript", "diff", "spend")
MOST_DIFF_LINES = 2_000
_TONES: dict[str, Tone] = {
    "done": "good",
    "running": "good",
    "failed": "bad",
    "awaiting human": "warn",
    "parked": "warn",
    "paused": "warn",
    "cancelled": "dim",
}
_OPEN = ("queued", "running", "waiting", "awaiting human", "paused", "parked")


def goal_row(goal: JsonObject, glyphs: Glyphs, *, now: float) -> tuple[Line, Line]:
    mark, tone = status_sign(goal["status"], glyphs)
    left = line((mark, tone), (f" {goal['id']} ", "dim"), goal["text"])
    return left, line((f"{goal['status']} ", tone), (age(now - goal["updated_at"]), "dim"))


def status_sign(status: str, glyphs: Glyphs) -> tuple[str, Tone]:
    marks = {
        "done": glyphs.ok,
        "failed": glyphs.bad,
        "running": glyphs.running,
        "awaiting human": glyphs.question,
        "parked": glyphs.paused,
        "paused": glyphs.paused,
        "cancelled": glyphs.unchecked,
    }
    return marks.get(status, glyphs.idle), _TONES.get(status, "")


def row_detail(goal: JsonObject, *, now: float) -> list[Line]:
    """Beside the list: what the list itself has no room for."""
    lines = [*paragraph(goal["text"], "strong"), line("")]
    lines.append(line("status     ", (goal["status"], _TONES.get(goal["status"], ""))))
    if goal["reason"]:
        lines.append(line(f"because    {goal['reason']}"))
    if goal["workspace"]:
        lines.append(line(f"workspace  {goal['workspace']}"))
    lines.append(line(f"added      {moment(goal['added_at'])}"))
    lines.append(line(f"spent      {dollars(goal['spend_usd'])}"))
    return [*lines, line(""), line(("Enter opens it.", "dim"))]


def heading(goal: JsonObject, glyphs: Glyphs) -> Line:
    mark, tone = status_sign(goal["status"], glyphs)
    return line((f"{mark} {goal['status']}", tone), (f"  {goal['id']} ", "dim"), goal["text"])


def view_line(current: View) -> Line:
    """Which of the views is shown."""
    parts: list[tuple[str, Tone]] = [
        (f"[{view}] " if view == current else f" {view}  ", "strong" if view == current else "dim")
        for view in VIEWS
    ]
    return line(*parts)


def plan_lines(goal: JsonObject, glyphs: Glyphs, *, now: float) -> list[Line]:
    """What it asks, where it stands, what it does."""
    lines = question_lines(goal, now=now)
    lines += _facts(goal)
    plan = goal["plan"]
    if plan:
        lines += [line(""), line(("Plan ", "strong"), (f"{plan['source']}", "dim"))]
        if plan["approach"]:
            lines += paragraph(plan["approach"], indent="  ")
        lines += [_step(step, glyphs) for step in plan["steps"]]
    if goal["failures"]:
        lines += [line(""), line(("Failed on the way", "strong"))]
        lines += [line((f"  {glyphs.bad} ", "bad"), _failure(each)) for each in goal["failures"]]
    if goal["lesson"]:
        lines += [line(""), line(("Kept ", "strong"), goal["lesson"])]
    return lines


def question_lines(goal: JsonObject, *, now: float) -> list[Line]:
    """What a yes would be for, with everything that it takes to answer."""
    asked = goal["question"]
    if not asked:
        return []
    left = asked["expires_at"] - now
    until = f"silence is a no in {age(left)}" if left > 0 else "expired: silence was a no"
    lines = [
        line(("It asks: ", "warn"), (asked["question"], "strong")),
        line((f"  {asked['risk']} ", "warn"), f"{asked['reason']} ", (until, "dim")),
    ]
    if asked["rules"]:
        lines.append(line((f"  by the rule {', '.join(asked['rules'])}", "dim")))
    if asked["must_sign"]:
        lines.append(line(("  a yes has to be signed with an owner's key", "warn")))
    if asked["waits_for"]:
        lines.append(line((f"  it waits for {asked['waits_for']}", "warn")))
    lines.append(line((f"  it is for {asked['digest'][:8]}", "dim")))
    if asked["diff"]:
        lines += [line(""), *diff_lines(asked["diff"], most_lines=MOST_DIFF_LINES)]
    return [*lines, line("")]


def transcript_lines(events: Sequence[JsonObject], glyphs: Glyphs) -> list[Line]:
    found = [event_line(event, glyphs) for event in events]
    return found or [line(("Nothing has happened yet.", "dim"))]


def change_lines(goal: JsonObject) -> list[Line]:
    if not goal["diff"]:
        return [line(("It has changed nothing.", "dim"))]
    files = line(("changed ", "dim"), ", ".join(goal["files"]))
    return [files, line(""), *diff_lines(goal["diff"], most_lines=MOST_DIFF_LINES)]


def spend_lines(goal: JsonObject) -> list[Line]:
    """Each thing that is limited, with how much of it is gone."""
    spent, budget = goal["spend"], goal["budget"]
    lines = [line(("             spent         of   gone", "dim"))]
    for name in ("usd", "tokens", "steps", "seconds"):
        used, most = spent.get(name, 0), budget.get(name, 0)
        gone = f"{used / most:>6.0%}" if most else "     -"
        tone: Tone = "warn" if most and used >= most else ""
        lines.append(line((f"{name:<9}{amount(used):>9}{amount(most):>11} {gone}", tone)))
    lines.append(line(f"{'calls':<9}{amount(spent.get('model_calls', 0)):>9}"))
    if goal["status"] in _OPEN:
        lines += [line(""), line(("B gives it more.", "dim"))]
    return lines


def is_open(goal: JsonObject) -> bool:
    return goal["status"] in _OPEN


def _facts(goal: JsonObject) -> list[Line]:
    rows = {
        "stands": f"{goal['status']}, {goal['state'].lower()}",
        "because": goal["reason"] if not goal["question"] else "",
        "done-test": goal["done_test"],
        "workspace": goal["workspace"],
        "attempt": str(goal["attempt"]) if goal["attempt"] > 1 else "",
        "added": f"{moment(goal['added_at'])} by {goal['added_by'].removeprefix('person:')}",
    }
    return [line((f"{name:<10} ", "dim"), said) for name, said in rows.items() if said]


def _step(step: JsonObject, glyphs: Glyphs) -> Line:
    marks: dict[str, tuple[str, Tone]] = {
        "done": (glyphs.ok, "good"),
        "failed": (glyphs.bad, "bad"),
        "not needed": (glyphs.unchecked, "dim"),
    }
    mark, tone = marks.get(step["status"], (glyphs.idle, ""))
    said = "" if step["name"] == step["capability"] else f" ({step['capability']})"
    return line((f"  {mark} ", tone), f"{step['name']}{said} ", (step["status"], tone or "dim"))


def _failure(failure: JsonObject) -> str:
    return f"{failure.get('step', '')}: {failure.get('error_class', '')}: {failure['message']}"
