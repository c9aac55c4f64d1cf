"""How things stand, at a glance: the journal's tables, read with the standard library only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

from ..domain.canonical import JsonObject
from ..domain.errors import JournalBroken
from .home import Home

_MOST_LISTED = 20
_MICROSECONDS = 1_000_000
"""The journal keeps times as whole microseconds."""


def glance(home: Home) -> JsonObject:
    """What `autoclave status` prints. A missing database or table is an empty one."""
    report: JsonObject = {
        "home": str(home.root),
        "running": _running(home),
        "goals": {},
        "improvements": {},
        "proposals": {},
        "needs_person": [],
        "spend_today_usd": 0.0,
        "events": 0,
        "last_event": None,
    }
    if home.database.is_file() and home.database.stat().st_size:
        with _reading(home) as rows:
            report.update(_read(rows))
    return report


class _Rows:
    """Rows of the tables that are there."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._tables = {name for (name,) in names}

    def of(self, table: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        if table not in self._tables:
            return []
        return self._connection.execute(query, values).fetchall()


@contextmanager
def _reading(home: Home) -> Iterator[_Rows]:
    address = f"{home.database.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=2.0)) as connection:
            yield _Rows(connection)
    except sqlite3.DatabaseError as error:
        raise JournalBroken(
            f"cannot read {home.database}: {error}", hint="look closer with `autoclave doctor`"
        ) from error


def _read(rows: _Rows) -> JsonObject:
    return {
        "goals": _counts(rows, "goal"),
        "improvements": _counts(rows, "improvement"),
        "proposals": dict(
            rows.of("proposals", "SELECT status, count(*) FROM proposals GROUP BY status")
        ),
        "needs_person": _waiting_goals(rows) + _waiting_proposals(rows),
        "spend_today_usd": _spend_today(rows),
        "events": next((n for (n,) in rows.of("events", "SELECT max(id) FROM events") if n), 0),
        "last_event": _last_event(rows),
    }


def _counts(rows: _Rows, kind: str) -> JsonObject:
    query = "SELECT status, count(*) FROM goals WHERE kind = ? GROUP BY status"
    return dict(rows.of("goals", query, kind))


def _waiting_goals(rows: _Rows) -> list[JsonObject]:
    found = rows.of(
        "goals",
        "SELECT id, status, text, reason FROM goals WHERE status IN ('awaiting human', 'parked')"
        " ORDER BY priority DESC, updated_at LIMIT ?",
        _MOST_LISTED,
    )
    return [
        {
            "kind": "question" if status == "awaiting human" else "parked goal",
            "id": goal,
            "what": reason or text,
            "next": f"autoclave goal show {goal}",
        }
        for goal, status, text, reason in found
    ]


def _waiting_proposals(rows: _Rows) -> list[JsonObject]:
    found = rows.of(
        "proposals",
        "SELECT id, title, status FROM proposals WHERE status IN ('waiting', 'signed')"
        " ORDER BY updated_at LIMIT ?",
        _MOST_LISTED,
    )
    return [
        {
            "kind": "proposal",
            "id": proposal,
            "what": title if status == "waiting" else f"another yes to: {title}",
            "next": f"autoclave proposal show {proposal}",
        }
        for proposal, title, status in found
    ]


def _spend_today(rows: _Rows) -> float:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    spent = rows.of(
        "events",
        "SELECT sum(json_extract(payload, '$.spend.usd')) FROM events"
        " WHERE id >= ? AND kind = 'ResultRecorded'",
        _first_event_since(rows, round(midnight * _MICROSECONDS)),
    )
    return next((float(usd) for (usd,) in spent if usd), 0.0)


def _first_event_since(rows: _Rows, at: int) -> int:
    """Ids grow with time, so halving the range finds the place without an index on time."""
    ends = rows.of("events", "SELECT min(id), max(id) + 1 FROM events")
    low, high = ends[0] if ends and ends[0][0] is not None else (0, 0)
    while low < high:
        middle = (low + high) // 2
        found = rows.of(
            "events", "SELECT id, at FROM events WHERE id >= ? ORDER BY id LIMIT 1", middle
        )
        if found and found[0][1] < at:
            low = found[0][0] + 1
        else:
            high = middle
    return int(low)


def _last_event(rows: _Rows) -> JsonObject | None:
    query = "SELECT id, stream, kind, at FROM events ORDER BY id DESC LIMIT 1"
    for number, stream, kind, at in rows.of("events", query):
        return {"id": number, "stream": stream, "kind": kind, "at": at / _MICROSECONDS}
    return None


def _running(home: Home) -> JsonObject | None:
    """The process that holds the home, if there is one."""
    from ..core.home_lock import probe

    pid = probe(home.lock)
    return None if pid is None else {"pid": pid}
