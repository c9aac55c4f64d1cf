"""How things stand, at a glance: the journal's tables, read with the standard library only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

from ..domain.canonical import JsonObject
from ..domain.errors import JournalBroken
from .home import Home

_MOST_LISTED = 20
MICROSECONDS = 1_000_000
"""The journal keeps times as whole microseconds."""
_SPENT = ("usd", "tokens", "model_calls", "steps", "seconds")


def glance(home: Home) -> JsonObject:
    """What `autoclave status` prints. A missing database or table is an empty one."""
    report: JsonObject = {
        "home": str(home.root),
        "running": _running(home),
        "goals": {},
        "improvements": {},
        "proposals": {},
        "needs_person": [],
        "pause": None,
        "shortage": {"level": "ok", "reason": ""},
        "set_aside": {},
        "spend_today_usd": 0.0,
        "spend_today": {},
        "limits_per_day": {},
        "batches": [],
        "events": 0,
        "incidents_today": 0,
        "last_event": None,
    }
    if home.database.is_file() and home.database.stat().st_size:
        with reading(home) as rows:
            report.update(_read(rows))
    return report


class Rows:
    """Rows of the tables that are there."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._tables = {name for (name,) in names}

    def of(self, table: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        if table not in self._tables:
            return []
        return self._connection.execute(query, values).fetchall()

    def has(self, table: str, column: str) -> bool:
        """Whether a table, as an older version may have made it, has a column."""
        found = self.of(table, "SELECT name FROM pragma_table_info(?)", table)
        return (column,) in found


@contextmanager
def reading(home: Home) -> Iterator[Rows]:
    address = f"{home.database.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=2.0)) as connection:
            yield Rows(connection)
    except sqlite3.DatabaseError as error:
        raise JournalBroken(
            f"cannot read {home.database}: {error}", hint="look closer with `autoclave doctor`"
        ) from error


def _read(rows: Rows) -> JsonObject:
    return {
        "goals": _counts(rows, "goal"),
        "improvements": _counts(rows, "improvement"),
        "proposals": dict(
            rows.of("proposals", "SELECT status, count(*) FROM proposals GROUP BY status")
        ),
        "needs_person": _waiting_goals(rows) + _waiting_proposals(rows),
        **_standing(rows),
        "set_aside": _set_aside(rows),
        **_spend_today(rows),
        "limits_per_day": _limits(rows),
        "batches": _batches(rows),
        "events": next((n for (n,) in rows.of("events", "SELECT max(id) FROM events") if n), 0),
        "incidents_today": _incidents_today(rows),
        "last_event": _last_event(rows),
    }


def _counts(rows: Rows, kind: str) -> JsonObject:
    query = "SELECT status, count(*) FROM goals WHERE kind = ? GROUP BY status"
    return dict(rows.of("goals", query, kind))


def _waiting_goals(rows: Rows) -> list[JsonObject]:
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


def _waiting_proposals(rows: Rows) -> list[JsonObject]:
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


def _standing(rows: Rows) -> JsonObject:
    """Whether the agent is paused and why, and whether the machine is short of something."""
    found = rows.of("standing", "SELECT code, reason, by, since, level, shortage FROM standing")
    if not found:
        return {}
    code, reason, by, since, level, shortage = found[0]
    how = "autoclave resume --reason TEXT" if code == "escalated" else "autoclave resume"
    pause = {"code": code, "reason": reason, "by": by, "since": since, "next": how}
    return {
        "pause": pause if code else None,
        "shortage": {"level": level, "reason": shortage},
    }


def _set_aside(rows: Rows) -> JsonObject:
    """Parked and paused goals, counted by what they were set aside for."""
    if not rows.has("goals", "code"):
        return {}
    query = (
        "SELECT code, count(*) FROM goals WHERE status IN ('parked', 'paused') AND code != ''"
        " GROUP BY code"
    )
    return dict(rows.of("goals", query))


def _limits(rows: Rows) -> JsonObject:
    """The day's limits that were in force when the agent began last."""
    query = (
        "SELECT json_extract(payload, '$.per_day') FROM events"
        " WHERE stream = 'agent' AND kind = 'AgentStarted' ORDER BY seq DESC LIMIT 1"
    )
    found: JsonObject = json.loads(
        next((per_day for (per_day,) in rows.of("events", query)), "") or "{}"
    )
    return found


def _spend_today(rows: Rows) -> JsonObject:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    sums = ", ".join(f"sum(json_extract(payload, '$.spend.{name}'))" for name in _SPENT)
    found = rows.of(
        "events",
        f"SELECT {sums} FROM events WHERE id >= ?"  # noqa: S608
        " AND kind IN ('ResultRecorded', 'BatchCollected', 'BatchFailed')",
        first_event_since(rows, round(midnight * MICROSECONDS)),
    )
    spent = dict(zip(_SPENT, found[0] if found else (), strict=False))
    today = {name: round(float(amount), 6) for name, amount in spent.items() if amount}
    return {"spend_today_usd": today.get("usd", 0.0), "spend_today": today}


def _batches(rows: Rows) -> list[JsonObject]:
    """Those under way: what they ask, what they may cost, and when they are looked at next."""
    found = rows.of(
        "events",
        "SELECT stream, kind, at, payload FROM events"
        " WHERE stream >= 'batch/' AND stream < 'batch0' ORDER BY id",
    )
    under_way: dict[str, JsonObject] = {}
    for stream, kind, at, payload in found:
        given = json.loads(payload)
        if kind in ("BatchCollected", "BatchFailed"):
            under_way.pop(stream, None)
        elif kind == "BatchSubmitted":
            under_way[stream] = _batch(stream, at, given)
        elif stream in under_way and "wake_at" in given:
            under_way[stream] |= {"wake_at": given["wake_at"], "reason": given.get("reason", "")}
    return list(under_way.values())[:_MOST_LISTED]


def _batch(stream: str, at: int, given: JsonObject) -> JsonObject:
    return {
        "id": stream.removeprefix("batch/"),
        "purpose": given["purpose"],
        "model": given["model"],
        "questions": len(given["questions"]),
        "most_usd": given["most"]["usd"],
        "submitted_at": at / MICROSECONDS,
        "wake_at": given["wake_at"],
        "reason": "",
    }


def _incidents_today(rows: Rows) -> int:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    counted = rows.of(
        "events",
        "SELECT count(*) FROM events WHERE id >= ? AND kind = 'IncidentRecorded'",
        first_event_since(rows, round(midnight * MICROSECONDS)),
    )
    return next((int(number) for (number,) in counted), 0)


def first_event_since(rows: Rows, at: int) -> int:
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


def _last_event(rows: Rows) -> JsonObject | None:
    query = "SELECT id, stream, kind, at FROM events ORDER BY id DESC LIMIT 1"
    for number, stream, kind, at in rows.of("events", query):
        return {"id": number, "stream": stream, "kind": kind, "at": at / MICROSECONDS}
    return None


def _running(home: Home) -> JsonObject | None:
    """The process that holds the home, if there is one."""
    from ..core.home_lock import probe

    pid = probe(home.lock)
    return None if pid is None else {"pid": pid}
