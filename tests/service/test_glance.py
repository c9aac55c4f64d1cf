"""What the quick status reads from a journal, whole, empty or broken."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from autoclave.cli.render.status import status
from autoclave.core.board import BoardProjection
from autoclave.core.journal import SqlJournal
from autoclave.domain.errors import JournalBroken
from autoclave.domain.events import EventKind, NewEvent
from autoclave.service.glance import glance
from autoclave.service.home import Home

DAY = 86_400


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "safety_rules.yaml").write_text("version: 1\n")
    home = Home(root=tmp_path)
    home.prepare()
    return home


TABLES = """
CREATE TABLE goals (id, kind, text, status, state, priority, reason, workspace, spend_usd,
                    updated_at);
CREATE TABLE proposals (id, status, title, risk, digest, updated_at);
CREATE TABLE events (id INTEGER PRIMARY KEY, stream, seq, kind, payload, at);
"""
Row = tuple[str, tuple[object, ...]]


def _fill(home: Home, *rows: Row) -> None:
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.executescript(TABLES)
        for statement, values in rows:
            connection.execute(statement, values)


def _goal(number: int, status: str, *, kind: str = "goal", reason: str = "") -> Row:
    return (
        "INSERT INTO goals VALUES (?, ?, 'tidy up', ?, 'IDLE', 0, ?, '', 0, ?)",
        (f"G-{number}", kind, status, reason, number),
    )


def _proposal(name: str, status: str) -> Row:
    return "INSERT INTO proposals VALUES (?, ?, 'mend it', 'R4', 'abc', 3)", (name, status)


def _spent(number: int, usd: float, at: float) -> Row:
    return (
        "INSERT INTO events VALUES (?, 'goal/G-1', ?, 'ResultRecorded', ?, ?)",
        (number, number, json.dumps({"spend": {"usd": usd}}), round(at * 1e6)),
    )


def test_a_home_in_which_nothing_happened_is_empty(home: Home) -> None:
    """An empty database file is no error."""
    report = glance(home)

    assert report["goals"] == {}
    assert report["needs_person"] == []
    assert report["last_event"] is None
    assert report["running"] is None


def test_goals_and_improvements_are_counted_apart(home: Home) -> None:
    """What a person asked for is not mixed with what the agent does by itself."""
    _fill(home, _goal(1, "done"), _goal(2, "done"), _goal(3, "queued", kind="improvement"))

    report = glance(home)

    assert report["goals"] == {"done": 2}
    assert report["improvements"] == {"queued": 1}


def test_everything_that_waits_for_a_person_is_listed_with_the_next_step(home: Home) -> None:
    """Questions, parked goals and proposals."""
    _fill(
        home,
        _goal(1, "awaiting human", reason="may I?"),
        _goal(2, "parked"),
        _proposal("P-1", "waiting"),
        _proposal("P-2", "applied"),
    )

    waiting = glance(home)["needs_person"]

    assert [(item["kind"], item["id"], item["what"]) for item in waiting] == [
        ("question", "G-1", "may I?"),
        ("parked goal", "G-2", "tidy up"),
        ("proposal", "P-1", "mend it"),
    ]
    assert waiting[2]["next"] == "autoclave proposal show P-1"


def test_only_todays_money_counts_as_todays(home: Home) -> None:
    """Ids may have gaps where old events were moved away."""
    now = time.time()
    old = [_spent(number, 5.0, now - 2 * DAY) for number in (3, 4, 9)]
    _fill(home, *old, _spent(12, 0.25, now), _spent(15, 0.5, now))

    report = glance(home)

    assert report["spend_today_usd"] == 0.75
    assert report["last_event"]["id"] == 15


def test_a_file_that_is_no_database_is_a_clear_refusal(home: Home) -> None:
    """It names the file."""
    home.database.write_bytes(b"this is not a database, and it is long enough to be read" * 100)

    with pytest.raises(JournalBroken, match=r"autoclave\.db"):
        glance(home)


def _write(home: Home, stream: str, *events: NewEvent, actor: str = "kernel") -> None:
    url = f"sqlite:///{home.database}"
    journal = SqlJournal(url, b"k" * 32, home.anchor, projections=(BoardProjection(),))
    journal.post(stream, list(events), actor=actor)
    journal.close()


def test_a_paused_agent_is_shown_with_why_and_what_to_do(home: Home) -> None:
    """From the real tables, read without anything heavy."""
    paused = {"reason": "it leaks", "code": "escalated"}
    short = {"level": "hard", "reason": "memory_mb is 3,100"}
    _write(
        home,
        "agent",
        NewEvent(kind=EventKind.AGENT_PAUSED, payload=paused),
        NewEvent(kind=EventKind.SHORTAGE_CHANGED, payload=short),
    )

    report = glance(home)

    assert report["pause"]["reason"] == "it leaks"
    assert "--reason" in report["pause"]["next"]
    assert report["shortage"] == short
    assert "PAUSED by kernel" in status(report, color=False)
    assert "hard limit, what runs is set aside: memory_mb is 3,100" in status(report, color=False)


def test_goals_that_were_set_aside_are_counted_by_reason(home: Home) -> None:
    """The codes of the kernel."""
    for goal, code in (("G-0001", "budget"), ("G-0002", "budget"), ("G-0003", "error")):
        parked = NewEvent(kind=EventKind.GOAL_PARKED, payload={"reason": "x", "code": code})
        added = NewEvent(kind=EventKind.GOAL_ADDED, payload={"text": "x"})
        _write(home, f"goal/{goal}", added, parked)

    report = glance(home)

    assert report["set_aside"] == {"budget": 2, "error": 1}
    assert "(2 for budget, 1 for error)" in status(report, color=False)


def test_todays_spend_stands_beside_its_limits(home: Home) -> None:
    """As they were when the agent began last."""
    started = {"per_day": {"usd": 5.0, "model_calls": 2000, "steps": None}}
    spend = {"usd": 0.25, "steps": 3}
    _write(home, "agent", NewEvent(kind=EventKind.AGENT_STARTED, payload=started))
    result = {"intent": {"kind": "Recall"}, "result": {"ok": True}, "spend": spend}
    _write(home, "goal/G-1", NewEvent(kind=EventKind.RESULT_RECORDED, payload=result))

    report = glance(home)

    assert report["spend_today"] == spend
    said = status(report, color=False)
    assert "0.25 of 5 USD, 0 of 2,000 model calls, 3 steps today" in said
