"""Telling what is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from recall_knowledge.code import NOTHING, execute, line

SEEN = {"goal": "mend it", "success": "failed", "lesson": "", "reason": "no test says so"}


def known(context: Any, *seen: dict[str, Any], **inputs: Any) -> tuple[dict[str, Any], list[Any]]:
    """What comes out when the kernel knows this, and what it was asked."""
    asked: list[Any] = []

    def ask(call: dict[str, Any]) -> dict[str, Any]:
        asked.append(call)
        return {"ok": {"experiences": list(seen), "plans": [], "patterns": []}}

    given = {"query": "x", **inputs}
    return asyncio.run(execute(replace(context, ask=ask), given)), asked


def test_each_earlier_goal_is_a_line(context: Any) -> None:
    """With the lesson, else with the reason, else alone."""
    lesson = {**SEEN, "success": "ok", "lesson": "look twice"}
    bare = {**SEEN, "reason": ""}

    outputs, _ = known(context, lesson, SEEN, bare)

    assert outputs["text"].splitlines() == [
        "ok: mend it (look twice)",
        "failed: mend it (no test says so)",
        "failed: mend it",
    ]
    assert outputs["count"] == 3
    assert line(SEEN) == "failed: mend it (no test says so)"


def test_nothing_is_said_to_be_nothing(context: Any) -> None:
    outputs, _ = known(context)

    assert outputs == {"text": NOTHING, "goals": [], "count": 0}


def test_the_kernel_is_asked_for_as_many_as_wanted(context: Any) -> None:
    _, asked = known(context, query="parse", most=2)

    assert asked == [{"call": "knowledge.recall", "query": "parse", "limit": 2}]


def test_a_refusal_is_not_hidden(context: Any) -> None:
    """The step fails with the reason."""
    no = {"refused": {"error_class": "NotAllowed", "message": "because"}}
    asking = replace(context, ask=lambda call: no)

    with pytest.raises(PermissionError, match="because"):
        asyncio.run(execute(asking, {"query": "x"}))
