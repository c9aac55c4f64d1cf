"""Lessons that a model wrote about patterns: kept beside them, recalled as whose words they are."""

from __future__ import annotations

from typing import Any

from autoclave.domain.events import EventKind
from autoclave.domain.knowledge import Pattern, PatternKind


def proven(log: Any) -> Pattern:
    """A pattern of three goals."""
    for number in range(3):
        log.end_goal(f"G-{number}", "count the words of notes.txt")
    [found] = log.knowledge.patterns(kind=PatternKind.SUCCESS)
    assert isinstance(found, Pattern)
    return found


def write_lesson(log: Any, pattern: Pattern, text: object, **more: Any) -> None:
    given = {"pattern_id": pattern.id, "lesson": text, "model": "claude-x", "uses": 3, **more}
    log.write("batch/B-0001", EventKind.LESSON_WRITTEN, **given)


def test_a_pattern_has_its_newest_lesson_with_who_wrote_it(log: Any) -> None:
    """And how much was known then."""
    pattern = proven(log)
    assert pattern.lesson is None
    write_lesson(log, pattern, "old")
    write_lesson(log, pattern, "read it whole", uses=13)

    lesson = log.knowledge.pattern(pattern.id).lesson

    assert (lesson.text, lesson.model, lesson.uses) == ("read it whole", "claude-x", 13)


def test_it_is_recalled_with_the_pattern_and_named_as_a_models(log: Any) -> None:
    """Empty where there is none."""
    pattern = proven(log)
    assert log.knowledge.recall("count the words of a.txt")["patterns"][0]["lesson"] == ""
    write_lesson(log, pattern, "read it whole")

    [found] = log.knowledge.recall("count the words of a.txt")["patterns"]

    assert (found["lesson"], found["lesson_by"]) == ("read it whole", "claude-x")


def test_what_is_no_lesson_is_passed_over(log: Any) -> None:
    """Whatever stands in the journal, the projection goes on."""
    pattern = proven(log)
    for text in ("", None, 7, ["x"]):
        write_lesson(log, pattern, text)
    write_lesson(log, pattern, "x", pattern_id="PT-of-nobody", uses="many")

    assert log.knowledge.pattern(pattern.id).lesson is None
