"""What a reviewer has noted so far: kept while the dashboard runs, or in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

MOST_REMEMBERED = 200
"""Proposals; the oldest notes go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody wants otherwise, and the line it is about."""

    text: str
    file: str = ""
    line: int = 0
    """In the new file, or in the old one where the line is removed; 0 for the whole proposal."""
    quote: str = ""
    at: int = -1
    """Its place in the diff; below 0 for the whole proposal."""

    def said(self) -> str:
        """As it is sent: what it is about, then what is said."""
        if not self.file:
            return self.text
        return f"{self.file}:{self.line}: “{self.quote}”: {self.text}"


@dataclass(slots=True, kw_only=True)
class Notes:
    """About one proposal as it was shown: another digest begins anew."""

    seen: set[int] = field(default_factory=set)
    """Hunks, by number."""
    unwanted: set[int] = field(default_factory=set)
    comments: list[Comment] = field(default_factory=list)
    overall: str = ""
    """The draft of what is said to all of it."""


class ReviewMemory:
    """By proposal and digest. What can't be read or written is only forgotten, never an error."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._notes: dict[str, Notes] = {}
        self._deferred: dict[str, float] = {}
        for key, value in self._read():
            self._notes[key] = value

    def notes(self, proposal: str, digest: str) -> Notes:
        return self._notes.setdefault(f"{proposal} {digest}", Notes())

    def forget(self, proposal: str) -> None:
        """It was decided."""
        for key in [each for each in self._notes if each.split(" ")[0] == proposal]:
            del self._notes[key]
        self._deferred.pop(proposal, None)
        self.save()

    def defer(self, proposal: str, until: float) -> None:
        """Leave it out of the lists of this dashboard for a while; the agent hears nothing."""
        self._deferred[proposal] = until
        self.save()

    def is_deferred(self, proposal: str, *, now: float) -> bool:
        return self._deferred.get(proposal, 0.0) > now

    def save(self) -> None:
        if self._path is None:
            return
        for key in list(self._notes)[:-MOST_REMEMBERED]:
            del self._notes[key]
        data = {
            "deferred": self._deferred,
            "notes": {key: _to_json(notes) for key, notes in self._notes.items()},
        }
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(data, file)
            beside.replace(self._path)
        except OSError:
            return

    def _read(self) -> Iterator[tuple[str, Notes]]:
        if self._path is None:
            return
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            self._deferred = {str(k): float(v) for k, v in data["deferred"].items()}
            found = {str(key): _from_json(each) for key, each in data["notes"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return
        yield from found.items()


def _to_json(notes: Notes) -> dict[str, object]:
    return {
        "seen": sorted(notes.seen),
        "unwanted": sorted(notes.unwanted),
        "comments": [asdict(comment) for comment in notes.comments],
        "overall": notes.overall,
    }


def _from_json(data: dict[str, object]) -> Notes:
    seen, unwanted, comments = data["seen"], data["unwanted"], data["comments"]
    if not (isinstance(seen, list) and isinstance(unwanted, list) and isinstance(comments, list)):
        raise TypeError("notes have another form")
    return Notes(
        seen=set(map(int, seen)),
        unwanted=set(map(int, unwanted)),
        comments=[Comment(**each) for each in comments],
        overall=str(data["overall"]),
    )
