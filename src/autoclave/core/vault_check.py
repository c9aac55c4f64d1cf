"""Whether the vault can be read, line by line."""

from __future__ import annotations

import json
from pathlib import Path


def unreadable_lines(path: Path) -> tuple[int, int]:
    """How many lines there are, and how many of them are damaged. Raises OSError.

    The last line does not count as damaged: a kill may have cut it off, and nothing relied on it.
    """
    if not path.exists():
        return 0, 0
    data = path.read_bytes()
    lines = data.splitlines()
    whole = lines if data.endswith(b"\n") else lines[:-1]
    return len(lines), sum(not _is_whole(line) for line in whole)


def _is_whole(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() >= {"stream", "mark", "secret"}
