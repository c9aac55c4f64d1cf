"""What is shown back before a goal is added."""

from __future__ import annotations

import json

from ...domain.canonical import JsonObject
from ..ink import Line, Tone, line
from ..words import amount, count, dollars


def preview_lines(found: JsonObject) -> list[Line]:
    """Its reading, the done-test, the first steps, and what it may cost."""
    lines = [line(("How it reads this  ", "dim"), found["reading"])]
    if found["refused"]:
        lines.append(line((found["refused"], "warn")))
    tone: Tone = "" if found["is_checked"] else "warn"
    lines.append(line(("Done when          ", "dim"), (found["done_test"], tone)))
    if not found["is_checked"]:
        lines.append(line(("  nothing checks it but the agent's own word; name a command", "warn")))
    lines += _steps(found)
    lines += _cost(found)
    if found["model_note"]:
        lines.append(line((f"No model: {found['model_note']}", "warn")))
    return lines


def _steps(found: JsonObject) -> list[Line]:
    lines = [line(("First steps", "dim"))] if found["steps"] else []
    for step in found["steps"][:6]:
        given = json.dumps(step["inputs"], ensure_ascii=False) if step["inputs"] else ""
        lines.append(line(f"  {step['capability']} ", (given, "dim")))
    if found["may_use"]:
        lines.append(line(("May use            ", "dim"), ", ".join(found["may_use"])))
    return lines


def _cost(found: JsonObject) -> list[Line]:
    budget = found["budget"]
    most = (
        f"{dollars(budget['usd'])}, {amount(budget['steps'])} steps, {amount(budget['seconds'])} s"
    )
    who = found["model"] or "no model: nothing has to be paid"
    lines = [line(("Thinks             ", "dim"), who), line(("At the very most   ", "dim"), most)]
    seen = [each for each in found["similar"] if each["seconds"] is not None]
    if seen:
        times = sorted(each["seconds"] for each in seen)
        usual = times[len(times) // 2]
        well = sum(each["success"] == "ok" for each in seen)
        took = f"mostly in {amount(round(usual, 1))} s"
        said = f"{count(len(seen), 'goal')} like it: {well} reached, {took}"
        lines.append(line(("Expect             ", "dim"), said))
    return lines
