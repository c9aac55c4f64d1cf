"""Replaces a passage of one text file of the workspace."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

_LONGEST_SHOWN = 200


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Replace `old` by `new` in `path`. It has to stand there once, unless `every` is asked for."""
    path, name = context.path(inputs["path"]), inputs["path"]
    text, old = _read(path, name), inputs["old"]
    count = text.count(old)
    if count == 0:
        raise ValueError(f"{name} does not hold that passage{_nearest(text, old)}")
    if count > 1 and not inputs.get("every", False):
        lines = ", ".join(str(line) for line in _lines(text, old)[:5])
        raise ValueError(
            f"{name} holds that passage {count} times (lines {lines}); give more of it"
        )
    path.write_bytes(text.replace(old, inputs["new"]).encode("utf-8"))
    return {"path": name, "replaced": count, "line": _lines(text, old)[0]}


async def verify(context: Any, inputs: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Done when the new passage stands there and the old one no longer does."""
    path, name = context.path(inputs["path"]), inputs["path"]
    text, old, new = _read(path, name), inputs["old"], inputs["new"]
    rest = text.replace(new, "") if new else text
    if old in rest or (new and new not in text):
        return None
    return {"path": name, "replaced": max(1, text.count(new) if new else 1), "line": 1}


def _read(path: Path, name: str) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"{name} is no file of the workspace")
    return path.read_bytes().decode("utf-8")


def _lines(text: str, passage: str) -> list[int]:
    found, start = [], text.find(passage)
    while start >= 0:
        found.append(text.count("\n", 0, start) + 1)
        start = text.find(passage, start + len(passage))
    return found


def _nearest(text: str, passage: str) -> str:
    """The line that is most like the first one of the passage, for a better try."""
    first = next((line for line in passage.splitlines() if line.strip()), "")
    lines = text.splitlines()
    near = difflib.get_close_matches(first, lines, n=1, cutoff=0.6)
    if not near:
        return ""
    return f"; line {lines.index(near[0]) + 1} is {near[0][:_LONGEST_SHOWN]!r}"
