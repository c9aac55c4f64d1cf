"""What `notify` says, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


def test_a_test_that_does_not_arrive_is_a_finding(call: Call, control: Any) -> None:
    """With the reason and what to do, made safe for the terminal."""
    control.answers["test_notices"] = [
        {"channel": "command", "id": "t", "ok": True, "why": "", "fix": ""},
        {"channel": "hook", "id": "t", "ok": False, "why": "no\x1b[2J way", "fix": "set it"},
    ]

    told = call("notify", "test")

    assert told.code == 6
    assert "command: arrived" in told.out
    assert "hook: did not arrive: no\\x1b[2J way" in told.out
    assert "fix: set it" in told.out


def test_what_arrived_everywhere_ends_with_0(call: Call, control: Any) -> None:
    """And as JSON it is one object."""
    control.answers["test_notices"] = [
        {"channel": "hook", "id": "t", "ok": True, "why": "", "fix": ""}
    ]

    told = call("notify", "test", "--json")

    assert told.code == 0
    assert json.loads(told.out)["ok"] is True


def test_the_list_says_what_was_told(call: Call, control: Any) -> None:
    """Not yet, yes, or given up."""
    row = {"channel": "hook", "kind": "question", "subject": "G-0001", "what": "May it?"}
    control.answers["notices"] = [
        {**row, "attempts": 1, "due_at": 1_700_000_000.0, "error": "503"},
        {**row, "attempts": 1, "due_at": None, "error": ""},
        {**row, "attempts": 3, "due_at": None, "error": "gone"},
    ]

    told = call("notify", "list").out

    assert "not yet, again at" in told
    assert "yes" in told
    assert "given up" in told
