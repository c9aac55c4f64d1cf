"""Replacing a passage: the only one, every one, none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from edit_file.code import execute, verify


def edit(context: Any, old: str, new: str, **more: Any) -> dict[str, Any]:
    return asyncio.run(execute(context, {"path": "a.txt", "old": old, "new": new, **more}))


def put(context: Any, data: bytes) -> None:
    (context.workspace / "a.txt").write_bytes(data)


def test_all_other_bytes_stay(context: Any) -> None:
    """Line ends and blanks are not ours to tidy."""
    put(context, b"a\r\n\tb  \nc")

    result = edit(context, "b", "grün")

    assert (context.workspace / "a.txt").read_bytes() == "a\r\n\tgrün  \nc".encode()
    assert result == {"path": "a.txt", "replaced": 1, "line": 2}


def test_a_passage_that_stands_twice_is_not_guessed_at(context: Any) -> None:
    """The lines are named, so that more of it can be given."""
    put(context, b"x\ny\nx\n")

    with pytest.raises(ValueError, match=r"2 times \(lines 1, 3\)"):
        edit(context, "x", "z")

    assert edit(context, "x", "z", every=True)["replaced"] == 2


def test_a_missing_passage_names_the_nearest_line(context: Any) -> None:
    """Most often a blank is wrong."""
    put(context, b"def add(a, b):\n    return a-b\n")

    with pytest.raises(ValueError, match=r"line 2 is '    return a-b'"):
        edit(context, "    return a - b", "    return a + b")


def test_a_missing_file_is_named(context: Any) -> None:
    """Making files is another capability's."""
    with pytest.raises(FileNotFoundError, match=r"a\.txt is no file"):
        edit(context, "x", "y")


def test_verify_looks_at_the_file(context: Any) -> None:
    """Also where the new passage holds the old one."""
    put(context, b"one\n")
    inputs = {"path": "a.txt", "old": "one", "new": "one, two"}

    before = asyncio.run(verify(context, inputs, "k"))
    edit(context, "one", "one, two")

    assert before is None
    assert asyncio.run(verify(context, inputs, "k")) is not None
