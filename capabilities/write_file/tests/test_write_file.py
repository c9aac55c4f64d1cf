"""Writing a file, asking whether it was written, and bad places."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from write_file.code import execute, verify


def write(context: Any, path: str, text: str = "x", **more: Any) -> dict[str, Any]:
    return asyncio.run(execute(context, {"path": path, "text": text, **more}))


def test_text_is_written_as_utf8_bytes(context: Any) -> None:
    """Line ends stay as given."""
    result = write(context, "a/b.txt", "grün\r\n")

    assert (context.workspace / "a/b.txt").read_bytes() == b"gr\xc3\xbcn\r\n"
    assert result == {"path": "a/b.txt", "bytes": 7, "created": True, "changed": True}


def test_same_text_again_changes_nothing(context: Any) -> None:
    """Writing twice is the same as once."""
    write(context, "a.txt")

    assert write(context, "a.txt")["changed"] is False


def test_other_text_is_kept_when_asked(context: Any) -> None:
    """`replace = false` never loses what is there."""
    write(context, "a.txt", "old")

    with pytest.raises(FileExistsError, match="holds something else"):
        write(context, "a.txt", "new", replace=False)


@pytest.mark.parametrize("path", [".", "folder", "folder/", "new/"])
def test_folder_is_refused(context: Any, path: str) -> None:
    """Text goes into files."""
    (context.workspace / "folder").mkdir()

    with pytest.raises(IsADirectoryError, match="name a file in it"):
        write(context, path)


def test_file_on_the_way_is_refused(context: Any) -> None:
    """A file cannot hold another file."""
    write(context, "a.txt")

    with pytest.raises(NotADirectoryError, match=r"a\.txt is a file"):
        write(context, "a.txt/b.txt")


def test_way_out_is_refused(context: Any) -> None:
    """A path stays in the workspace."""
    with pytest.raises(PermissionError, match="out of the workspace"):
        write(context, "../a.txt")


def test_verify_looks_at_the_file(context: Any) -> None:
    """Done means that the file holds the text now."""
    inputs = {"path": "a.txt", "text": "x"}

    before = asyncio.run(verify(context, inputs, "k"))
    write(context, "a.txt")
    after = asyncio.run(verify(context, inputs, "k"))

    assert before is None
    assert after == {"path": "a.txt", "bytes": 1, "created": False, "changed": False}
