"""Everything that the dashboard's first screen says, read with the standard library only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.home_lock import probe
from ..domain.canonical import JsonObject
from ..domain.events import Event, EventKind
from .glance import MICROSECONDS, Rows, first_event_since, glance, reading
from .history import summarise
from .home import Home

BUCKETS = 12
_HOUR_SECONDS = 3600
_MOST_GOALS = 100
_MOST_RECENT = 20
_COLUMNS = (
    "id",
    "kind",
    "text",
    "status",
    "state",
    "priority",
    "reason",
    "code",
    "wake_at",
    "spend_usd",
    "added_at",
    "updated_at",
)
_ENDED = ("done", "failed", "cancelled")


def overview(home: Home) -> JsonObject:
    """What `glance` says, the goals, what was done last, and how the last hour was."""
    report: JsonObject = {
        **glance(home),
        "at": time.time(),
        "open_goals": [],
        "needs": [],
        "doing": [],
        "recent": [],
        "hour": {"tokens": [0] * BUCKETS, "errors": [0] * BUCKETS, "events": 0},
        "process": None,
        "last_decision": None,
        "has_database": home.database.is_file(),
    }
    if home.database.is_file() and home.database.stat().st_size:
        with reading(home) as rows:
            report |= _read(rows)
    return report


def written(home: Home) -> tuple[object, ...]:
    """Differs from an earlier one when an overview would: a look at files, cheap to repeat."""
    database = home.database
    beside = database.with_name(f"{database.name}-wal")
    return (probe(home.lock), int(time.time() // 60), *map(_stamp, (database, beside)))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _read(rows: Rows) -> JsonObject:
    goals = _open_goals(rows)
    return {
        "open_goals": goals,
        "needs": waiting_proposals(_proposal_rows(rows)) + waiting_goals(goals),
        "doing": [_doing(rows, goal) for goal in goals if goal["status"] == "running"],
        "recent": _recent(rows),
        "hour": _hour(rows),
        "process": _newest(rows, "agent", ("AgentStarted", "AgentStopped")),
        "last_decision": _last_decision(rows),
    }


def _open_goals(rows: Rows) -> list[JsonObject]:
    if not rows.has("goals", "code"):
        return []
    found = rows.of(
        "goals",
        f"SELECT {', '.join(_COLUMNS)} FROM goals"  # noqa: S608
        " WHERE status NOT IN (?, ?, ?) ORDER BY priority DESC, added_at, id LIMIT ?",
        *_ENDED,
        _MOST_GOALS,
    )
    return [dict(zip(_COLUMNS, row, strict=True)) for row in found]


def _proposal_rows(rows: Rows) -> list[tuple[Any, ...]]:
    return rows.of(
        "proposals",
        "SELECT id, title, status, risk, updated_at FROM proposals"
        " WHERE status IN ('waiting', 'signed') ORDER BY updated_at LIMIT ?",
        _MOST_GOALS,
    )


def waiting_proposals(rows: Iterable[tuple[Any, ...]]) -> list[JsonObject]:
    """Of id, title, status, risk and since when."""
    return [
        {
            "kind": "proposal",
            "id": proposal,
            "what": title if status == "waiting" else f"another yes to: {title}",
            "risk": risk,
            "since": since,
        }
        for proposal, title, status, risk, since in rows
    ]


def waiting_goals(goals: Iterable[JsonObject]) -> list[JsonObject]:
    """Those that ask something, and those that were set aside."""
    kinds = {"awaiting human": "question", "parked": "parked goal"}
    return [
        {
            "kind": kinds[goal["status"]],
            "id": goal["id"],
            "what": goal["reason"] or goal["text"],
            "risk": "",
            "code": goal["code"],
            "since": goal["updated_at"],
        }
        for goal in goals
        if goal["status"] in kinds
    ]


def _doing(rows: Rows, goal: JsonObject) -> JsonObject:
    """The newest event of a goal that runs: what is under way, or what was done last."""
    found = rows.of(
        "events",
        "SELECT kind, at, payload FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1",
        f"goal/{goal['id']}",
    )
    if not found:
        return {"goal": goal["id"], "what": "", "since": goal["updated_at"], "under_way": False}
    kind, at, payload = found[0]
    return {
        "goal": goal["id"],
        "what": _said(kind, json.loads(payload)),
        "since": at / MICROSECONDS,
        "under_way": kind == EventKind.INTENT_RECORDED,
    }


def _recent(rows: Rows) -> list[JsonObject]:
    """The newest events that say something, oldest first."""
    found = rows.of(
        "events",
        "SELECT id, stream, kind, actor, at, payload FROM events ORDER BY id DESC LIMIT ?",
        _MOST_RECENT,
    )
    return [
        {
            "id": number,
            "stream": stream,
            "kind": kind,
            "actor": actor,
            "at": at / MICROSECONDS,
            "summary": _said(kind, json.loads(payload)),
        }
        for number, stream, kind, actor, at, payload in reversed(found)
    ]


def _hour(rows: Rows) -> JsonObject:
    """Tokens and failures in twelfths of the last hour."""
    begin = round((time.time() - _HOUR_SECONDS) * MICROSECONDS)
    width = _HOUR_SECONDS * MICROSECONDS // BUCKETS
    first = first_event_since(rows, begin)
    found = rows.of(
        "events",
        "SELECT (at - ?) / ?, sum(json_extract(payload, '$.spend.tokens')),"
        " sum(json_extract(payload, '$.result.ok') = 0) FROM events"
        " WHERE id >= ? AND kind = 'ResultRecorded' GROUP BY 1",
        begin,
        width,
        first,
    )
    tokens, errors = [0] * BUCKETS, [0] * BUCKETS
    for bucket, used, failed in found:
        place = min(max(int(bucket), 0), BUCKETS - 1)
        tokens[place] += int(used or 0)
        errors[place] += int(failed or 0)
    counted = rows.of("events", "SELECT count(*) FROM events WHERE id >= ?", first)
    return {"tokens": tokens, "errors": errors, "events": counted[0][0] if counted else 0}


def _newest(rows: Rows, stream: str, kinds: tuple[str, ...]) -> JsonObject | None:
    marks = ", ".join("?" * len(kinds))
    query = (
        "SELECT kind, at, payload FROM events"  # noqa: S608
        f" WHERE stream = ? AND kind IN ({marks}) ORDER BY seq DESC LIMIT 1"
    )
    for kind, at, payload in rows.of("events", query, stream, *kinds):
        return {"kind": kind, "at": at / MICROSECONDS, "what": _said(kind, json.loads(payload))}
    return None


def _last_decision(rows: Rows) -> float | None:
    """When a person said yes or no last, to a proposal."""
    found = rows.of(
        "proposals",
        "SELECT max(updated_at) FROM proposals"
        " WHERE status IN ('approved', 'applied', 'rejected', 'returned', 'undone')",
    )
    return next((at for (at,) in found), None)


def _said(kind: str, payload: JsonObject) -> str:
    if kind == EventKind.INTENT_RECORDED:
        intent: JsonObject = payload.get("intent") or {}
        return str(intent.get("capability") or intent.get("purpose") or intent.get("kind") or "")
    try:
        known = EventKind(kind)
        return summarise(_event(known, payload))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""  # written by another version, in other words


def _event(kind: EventKind, payload: dict[str, Any]) -> Event:
    return Event(
        id=0, stream="", seq=0, epoch=0, kind=kind, version=1, payload=payload, actor="", at=0.0
    )
