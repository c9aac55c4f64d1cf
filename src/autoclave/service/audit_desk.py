"""What people do with the journal as evidence: verify, look at incidents, take a copy outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from ..core.audit_export import check_lines, write_new
from ..core.chain import load_key
from ..core.journal import SqlJournal
from ..core.journal_engine import sqlite_url
from ..core.journal_verify import Known, verify_journal
from ..domain.canonical import JsonObject
from ..domain.errors import JournalBroken, NotFound
from ..domain.events import EventKind
from .history import event_to_json
from .home import Home

Write = Callable[[Iterable[str]], None]


class AuditDesk:
    """Over an open journal. Reading it keeps nobody waiting."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    async def verify(self, *, expect: str = "") -> JsonObject:
        """Check the whole chain; `expect` is a head that somebody kept."""
        known = Known.parse(expect) if expect else None
        seen = await asyncio.to_thread(self._journal.verify, expect=known)
        return {**asdict(seen), "incidents": await self.count_incidents()}

    async def incidents(self) -> list[JsonObject]:
        """Everything that must not pass unseen, oldest first."""
        kind = EventKind.INCIDENT_RECORDED
        return [event_to_json(e) for e in await asyncio.to_thread(self._journal.of_kind, kind)]

    async def count_incidents(self) -> int | None:
        """None when they can't be read."""
        try:
            return len(await self.incidents())
        except JournalBroken:
            return None

    async def export(self, write: Write, *, first: int = 1, last: int | None = None) -> None:
        """Hand the lines for an outsider to `write`, in another thread."""
        await asyncio.to_thread(lambda: write(self._journal.export(first=first, last=last)))


def verify_unopened(home: Home, *, url: str = "", expect: str = "") -> JsonObject:
    """The same as `verify`, for a journal that refuses to open."""
    seen = verify_journal(
        url or sqlite_url(home.database),
        load_key(home.key),
        anchor=home.anchor,
        expect=Known.parse(expect) if expect else None,
    )
    return {**asdict(seen), "incidents": None}


def to_file(path: Path) -> Write:
    """Writes the lines to a new file, whole or not at all."""
    return lambda lines: write_new(path, lines)


def check_export(path: Path, home: Home | None) -> JsonObject:
    """Check an exported file: its chain, and with the key of a home also who made it."""
    key = load_key(home.key) if home is not None and home.key.exists() else None
    try:
        # What is no UTF-8 becomes text that fits no hash, so that its line is named.
        with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            return asdict(check_lines(lines, key=key))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from error
