"""Reading a file, and every way in which that can go wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from read_file.code import MOST_BYTES, execute


def read(context: Any, path: str) -> dict[str, Any]:
    return asyncio.run(execute(context, {"path": path}))


def test_byte_order_mark_is_left_out(context: Any) -> None:
    """A mark at the start is no part of the text; line ends are."""
    (context.workspace / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo")

    assert read(context, "a.txt") == {"text": "one\r\ntwo", "path": "a.txt", "lines": 2}


def test_some_lines_of_a_long_file(context: Any) -> None:
    """From one that is wanted on; past the end there is nothing."""
    (context.workspace / "a.txt").write_text("a\nb\nc\nd")
    inputs = {"path": "a.txt", "first": 3}

    rest = asyncio.run(execute(context, inputs))
    none = asyncio.run(execute(context, {**inputs, "first": 9, "most": 2}))

    assert (rest["text"], rest["lines"]) == ("c\nd", 4)
    assert none["text"] == ""


def test_missing_file_names_the_nearest(context: Any) -> None:
    """A typing error in a path is answered with what is there."""
    (context.workspace / "report.md").write_text("x")

    with pytest.raises(FileNotFoundError, match=r"no file reprot\.md; did you mean report\.md"):
        read(context, "reprot.md")


def test_folder_is_refused(context: Any) -> None:
    """A folder has no text."""
    (context.workspace / "docs").mkdir()

    with pytest.raises(IsADirectoryError, match="docs is a folder"):
        read(context, "docs")


@pytest.mark.parametrize("data", [b"GIF8\0\1", b"caf\xe9"])
def test_binary_file_is_refused(context: Any, data: bytes) -> None:
    """Bytes that are no UTF-8 text are not guessed at."""
    (context.workspace / "a.bin").write_bytes(data)

    with pytest.raises(ValueError, match=r"a\.bin is"):
        read(context, "a.bin")


def test_huge_file_is_refused(context: Any) -> None:
    """The size is checked before anything is read."""
    with (context.workspace / "big").open("wb") as file:
        file.truncate(MOST_BYTES + 1)

    with pytest.raises(ValueError, match="the most is"):
        read(context, "big")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret"])
def test_way_out_is_refused(context: Any, path: str) -> None:
    """A path stays in the workspace."""
    with pytest.raises(PermissionError, match="out of the workspace"):
        read(context, path)
