"""Reads the documents below a folder: regular files only, no links, within limits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from .doc_analyzer import READABLE, Passage, split

MOST_FILES = 2_000
LARGEST_BYTES = 1 << 20
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})


def passages_below(folders: Sequence[Path]) -> list[Passage]:
    """The passages of every readable document; what can't be read is left out."""
    found: list[Passage] = []
    for folder in folders:
        for path in documents(folder):
            content = _content(path)
            if content is not None:
                found += split(f"{folder.name}/{path.relative_to(folder).as_posix()}", content)
    return found


def documents(folder: Path) -> list[Path]:
    """The documents below a folder in the order of their names, at most 2,000."""
    found: list[Path] = []
    for path in _walk(folder):
        if len(found) == MOST_FILES:
            break
        found.append(path)
    return found


def stamp(folders: Sequence[Path]) -> tuple[tuple[str, int, int], ...]:
    """Changes when a document below the folders does: paths, sizes and times."""
    marks = []
    for folder in folders:
        for path in documents(folder):
            try:
                status = path.lstat()
            except OSError:
                continue
            marks.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(marks)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        for name in sorted(files):
            path = Path(root, name)
            if path.suffix.lower() in READABLE and not name.startswith("."):
                yield path


def _content(path: Path) -> str | None:
    """The text of a regular file that is not too large."""
    try:
        # Not through a link that a workspace may hold, and never blocking on a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_BYTES:
            return None
        return file.read(LARGEST_BYTES).decode("utf-8", "replace")
