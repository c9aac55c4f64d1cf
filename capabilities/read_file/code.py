"""Reads one text file of the workspace."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

MOST_BYTES = 2 << 20


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The text of `path` or some of its lines, line ends as they are, no byte order mark."""
    name = inputs["path"]
    path = context.path(name)
    check_file(path, name, workspace=context.workspace)
    lines = decode(path.read_bytes(), name).splitlines(keepends=True)
    first = inputs.get("first", 1) - 1
    last = first + inputs["most"] if "most" in inputs else len(lines)
    return {"text": "".join(lines[first:last]), "path": name, "lines": len(lines)}


def check_file(path: Path, name: str, *, workspace: Path) -> None:
    """Raise with a clear reason unless `path` is a regular file of a sensible size."""
    if path.is_dir():
        raise IsADirectoryError(f"{name} is a folder; list_files shows what is in it")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {name}{_nearest(name, workspace)}")
    if not path.is_file():
        raise ValueError(f"{name} is no regular file")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(
            f"{name} has {size:,} bytes, the most is {MOST_BYTES:,}; search_files finds parts of it"
        )


def decode(data: bytes, name: str) -> str:
    """Text, or a ValueError that says where it stops being text."""
    if b"\0" in data:
        raise ValueError(f"{name} is a binary file (a NUL byte at {data.index(0)})")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 text (byte {error.start})") from error


def _nearest(name: str, workspace: Path) -> str:
    names = []
    for path in workspace.rglob("*"):
        names += [path.relative_to(workspace).as_posix()] if path.is_file() else []
        if len(names) >= 2_000:
            break
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""
