"""What waits for a person, as the tables say it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autoclave.core.board import BoardProjection
from autoclave.core.journal import SqlJournal
from autoclave.core.journal_engine import open_engine, sqlite_url
from autoclave.core.recount import board_differences
from autoclave.core.waiting import WaitingItem, WaitingKind, find_counts, find_waiting
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent

KEY = b"k" * 32


class Desk:
    """A journal with its board."""

    def __init__(self, folder: Path) -> None:
        url = sqlite_url(folder / "journal.db")
        self.journal = SqlJournal(url, KEY, projections=(BoardProjection(),))
        self.engine = open_engine(url)

    def close(self) -> None:
        self.journal.close()
        self.engine.dispose()

    def goal(self, name: str, kind: EventKind | None = None, **payload: object) -> None:
        """A goal, and what happened to it."""
        self.post(f"goal/{name}", EventKind.GOAL_ADDED, {"text": f"wish {name}"})
        if kind is not None:
            self.post(f"goal/{name}", kind, payload)

    def post(self, stream: str, kind: EventKind, payload: JsonObject) -> None:
        self.journal.post(stream, [NewEvent(kind=kind, payload=payload)], actor="kernel")

    def waiting(self) -> dict[str, WaitingItem]:
        with self.engine.connect() as connection:
            return {item.subject: item for item in find_waiting(connection)}


@pytest.fixture
def desk(fast_tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(fast_tmp_path)
    yield desk
    desk.close()


def test_each_kind_of_waiting_is_told_from_the_others(desk: Desk) -> None:
    """And what runs or was set aside by a person is not there."""
    desk.goal("G-1")
    desk.goal("G-2", EventKind.QUESTION_ASKED, request="r", question="May it?", expires_at=9e9)
    desk.goal("G-3", EventKind.GOAL_PARKED, reason="spent", code="budget")
    desk.goal("G-4", EventKind.TIMER_SET, reason="waiting for the model: away", wake_at=9e9)
    desk.goal("G-5", EventKind.GOAL_PARKED, reason="denied thrice", code="escalation")
    desk.goal("G-6", EventKind.TIMER_SET, reason="a while", wake_at=9e9)
    desk.goal("G-7", EventKind.GOAL_PAUSED, reason="later")
    desk.post("agent", EventKind.AGENT_PAUSED, {"reason": "look", "code": "escalated"})

    found = {subject: item.kind for subject, item in desk.waiting().items()}

    assert found == {
        "G-2": WaitingKind.QUESTION,
        "G-3": WaitingKind.BUDGET,
        "G-4": WaitingKind.MODEL,
        "G-5": WaitingKind.ESCALATION,
        "agent": WaitingKind.ESCALATION,
    }


def test_a_model_that_is_still_away_is_no_news(desk: Desk) -> None:
    """Its timer is set anew each time; another question is another thing."""
    desk.goal("G-1", EventKind.TIMER_SET, reason="waiting for the model: away", wake_at=1.0)
    desk.goal("G-2", EventKind.QUESTION_ASKED, request="r", question="May it?", expires_at=9e9)
    before = {subject: item.key for subject, item in desk.waiting().items()}

    later = {"reason": "waiting for the model: still away", "wake_at": 2.0}
    desk.post("goal/G-1", EventKind.TIMER_SET, later)
    again = {"request": "s", "question": "And this?", "expires_at": 9e9}
    desk.post("goal/G-2", EventKind.QUESTION_ASKED, again)
    after = {subject: item.key for subject, item in desk.waiting().items()}

    assert after["G-1"] == before["G-1"]
    assert after["G-2"] != before["G-2"]


def test_goals_are_counted_by_the_database(desk: Desk) -> None:
    """By status."""
    for name in ("G-1", "G-2"):
        desk.goal(name)
    desk.goal("G-3", EventKind.GOAL_CANCELLED, reason="no")

    with desk.engine.connect() as connection:
        goals, proposals = find_counts(connection)

    assert (dict(goals), dict(proposals)) == ({"queued": 2, "cancelled": 1}, {})


def test_a_board_that_somebody_changed_is_found_out(desk: Desk) -> None:
    """It is counted again from the journal."""
    desk.goal("G-1")
    desk.goal("G-2")
    with desk.engine.begin() as connection:
        whole = board_differences(desk.journal, connection)
        connection.exec_driver_sql("UPDATE goals SET status = 'done' WHERE id = 'G-2'")
        changed = board_differences(desk.journal, connection)

    assert whole == []
    assert changed == ["goals G-2"]
