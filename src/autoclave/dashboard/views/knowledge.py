"""What was learned, as people read it."""

from __future__ import annotations

import json

from ...domain.canonical import JsonObject
from ..glyphs import Glyphs
from ..ink import Line, line, paragraph
from ..words import count, moment

NOTHING = "No patterns yet. One appears after about 3 similar experiences."


def pattern_row(pattern: JsonObject, glyphs: Glyphs) -> tuple[Line, Line]:
    marks = {"active": (glyphs.ok, "good"), "retired": (glyphs.unchecked, "dim")}
    mark, tone = marks.get(pattern["state"], (glyphs.idle, ""))
    left = line((mark, tone), (f" {pattern['kind']} ", "dim"), pattern["description"])  # type: ignore[arg-type]
    rate = f"{pattern['success_rate']:.0%} of {pattern['uses']}"
    return left, line((rate, "dim"))


def pattern_lines(pattern: JsonObject) -> list[Line]:
    lines = [*paragraph(pattern["description"], "strong"), line("")]
    rate = f"{pattern['success_rate']:.0%}, at least {pattern['lower_bound']:.0%}"
    facts = {
        "pattern": pattern["id"],
        "kind": f"{pattern['kind']}, {pattern['state']}",
        "worked": f"{rate}, in {count(pattern['uses'], 'use')}",
        "last": moment(pattern["updated_at"]),
        "seen on": ", ".join(pattern["goals"]),
    }
    lines += [line((f"{name:<8} ", "dim"), said) for name, said in facts.items() if said]
    for title, name in (("When", "conditions"), ("Then", "actions")):
        if pattern.get(name):
            said = json.dumps(pattern[name], indent=2, ensure_ascii=False)
            lines += [line(""), line((title, "strong")), *paragraph(said, most_lines=40)]
    if lesson := pattern.get("lesson"):
        by = f"Lesson, by {lesson['model']} after {lesson['uses']} uses; not trusted"
        lines += [line(""), line((by, "strong")), *paragraph(lesson["text"])]
    return lines


def answer_lines(found: JsonObject) -> list[Line]:
    """Passages that answer, each with where it is from; every word of them untrusted."""
    lines = [line((found["question"], "strong")), line("")]
    if not found["passages"]:
        return [*lines, *paragraph(found["answer"], "dim")]
    for number, passage in enumerate(found["passages"], start=1):
        score = passage.get("score")
        how = f"  fits {score:.2f}" if isinstance(score, int | float) else ""
        lines.append(line((f"{number} ", "accent"), (str(passage["source"]), "key"), (how, "dim")))
        lines += paragraph(str(passage["text"]), most_lines=12, indent="  ")
        lines.append(line(""))
    return lines
