"""Listing files by glob."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from list_files.code import execute, matches


def names(context: Any, **inputs: Any) -> list[str]:
    result = asyncio.run(execute(context, inputs))
    return [file["path"] for file in result["files"]]


@pytest.mark.parametrize(
    ("path", "glob", "fits"),
    [
        ("a.py", "*.py", True),
        ("x/a.py", "*.py", True),
        ("x/a.py", "x/*.py", True),
        ("x/y/a.py", "x/*.py", False),
        ("x/y/a.py", "x/**/*.py", True),
        ("x/a.py", "x/**/*.py", True),
        ("a.py", "**/*", True),
        ("x/y/z", "**/y/**", True),
        ("x/z", "**/y/**", False),
        ("x/y", "x/**", True),
        ("A.PY", "*.py", False),
    ],
)
def test_globs_mean_what_people_expect(path: str, glob: str, fits: bool) -> None:
    """`*` stays in one folder, `**` crosses folders, a bare name is for any folder."""
    assert matches(path, glob) is fits


def test_hidden_files_caches_and_links_are_left_out(context: Any) -> None:
    """What a person would not count is not listed."""
    for name in (".git/config", "__pycache__/a.pyc", ".env", "kept.txt"):
        (context.workspace / name).parent.mkdir(exist_ok=True)
        (context.workspace / name).write_text("")
    (context.workspace / "link").symlink_to("/etc/passwd")

    assert names(context) == ["kept.txt"]


def test_long_lists_are_cut_and_counted(context: Any) -> None:
    """The count says how many there are, not how many are shown."""
    for number in range(5):
        (context.workspace / f"{number}").write_text("")

    result = asyncio.run(execute(context, {"most": 2}))

    assert (len(result["files"]), result["count"], result["truncated"]) == (2, 5, True)


@pytest.mark.parametrize("glob", ["/etc/*", "../*", "a/../../*"])
def test_way_out_is_refused(context: Any, glob: str) -> None:
    """A glob stays in the workspace."""
    with pytest.raises(PermissionError, match="out of the workspace"):
        names(context, glob=glob)
