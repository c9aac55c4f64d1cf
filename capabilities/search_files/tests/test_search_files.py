"""Searching: what is found, what is left out, what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from search_files import code


def search(context: Any, pattern: str, **more: Any) -> dict[str, Any]:
    return asyncio.run(code.execute(context, {"pattern": pattern, **more}))


def test_plain_text_is_no_expression(context: Any) -> None:
    """Without `regex`, every character means itself."""
    (context.workspace / "a.txt").write_text("f(x)\nfx\n")

    assert [hit["line"] for hit in search(context, "f(x)")["matches"]] == [1]


def test_case_can_be_ignored(context: Any) -> None:
    """Upper and lower case are the same when asked."""
    (context.workspace / "a.txt").write_text("Todo\n")

    assert search(context, "TODO")["count"] == 0
    assert search(context, "TODO", ignore_case=True)["count"] == 1


def test_hits_are_counted_past_the_cap(context: Any) -> None:
    """The count is of all, the list is cut."""
    (context.workspace / "a.txt").write_text("x\n" * 10)

    result = search(context, "x", most=3)

    assert (len(result["matches"]), result["count"], result["truncated"]) == (3, 10, True)


def test_binary_files_are_skipped_and_counted(context: Any) -> None:
    """A file with NUL bytes is no text."""
    (context.workspace / "a.bin").write_bytes(b"x\0x")

    result = search(context, "x")

    assert (result["count"], result["files_searched"], result["files_skipped"]) == (0, 0, 1)


def test_long_lines_are_cut_around_the_hit(context: Any) -> None:
    """The hit is seen, not a megabyte around it."""
    (context.workspace / "a.txt").write_text("a" * 10_000 + "HIT" + "b" * 10_000)

    text = search(context, "HIT")["matches"][0]["text"]

    assert "HIT" in text
    assert len(text) <= code.LONGEST_LINE + 2


def test_broken_expression_is_explained(context: Any) -> None:
    """Where the expression is wrong is in the message."""
    with pytest.raises(ValueError, match=r"not a regular expression.*position 0"):
        search(context, "(", regex=True)


def test_catastrophic_expression_is_stopped(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backtracking without end becomes a clear error."""
    monkeypatch.setattr(code, "MOST_SECONDS", 0.1)
    (context.workspace / "a.txt").write_text("a" * 64 + "!")

    with pytest.raises(TimeoutError, match="make the pattern simpler"):
        search(context, r"^(a+)+$", regex=True)


def test_way_out_is_refused(context: Any) -> None:
    """A glob stays in the workspace."""
    with pytest.raises(PermissionError):
        search(context, "x", glob="../*")
