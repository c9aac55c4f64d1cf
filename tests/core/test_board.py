"""The board is the fold, in a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes_runs import event, lives

from autoclave.core.board import PROPOSALS, BoardProjection, find_goals
from autoclave.core.journal_engine import open_engine
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.folding import fold
from autoclave.domain.proposal_record import ONLY_FROM
from autoclave.domain.run import Run, RunStatus


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as opened:
        BoardProjection().create(opened)
        yield opened
    engine.dispose()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=lives())
def test_a_row_says_what_the_run_says(connection: sa.Connection, life: list[Event]) -> None:
    """After every event: the scheduler sees the same status as the driver."""
    board, run = BoardProjection(), Run(id="G-0001")
    board.clear(connection)
    for each in life:
        board.apply(connection, each)
        run = fold(run, each)
        row = find_goals(connection)[0]
        assert (row["status"], row["state"]) == (run.status, run.state)
        if run.status in (RunStatus.PAUSED, RunStatus.PARKED):
            assert row["code"] == run.parked_by
            # The row also keeps until when a question waits, which a pause does not change.
            asked = run.status_before_pause is RunStatus.AWAITING_HUMAN
            assert asked or row["wake_at"] == run.wake_at
        if run.status in (RunStatus.PAUSED, RunStatus.WAITING):
            assert row["reason"] == run.reason.replace("\0", "\\x00")
        if run.status is RunStatus.WAITING:
            assert row["wake_at"] == run.wake_at


@pytest.mark.parametrize("text", ["\udcff", "a\0b", "\ud800\0", "\x1b[2J\u202e"])
def test_text_that_no_database_takes_is_kept_in_another_spelling(place: Any, text: str) -> None:
    """A projection must not fail on any event that the journal accepts."""
    journal = place.open(projections=(BoardProjection(),))
    added = NewEvent(kind=EventKind.GOAL_ADDED, payload={"text": text})
    parked = NewEvent(kind=EventKind.GOAL_PARKED, payload={"reason": text})
    ended = {"success": "failed", "reason": text, "spend": {}}
    journal.post("goal/G-0001", [added, parked], actor="person:a")
    journal.post("goal/G-0001", [NewEvent(kind=EventKind.GOAL_ENDED, payload=ended)], actor="k")

    assert journal.read("goal/G-0001")[0].payload["text"] == text
    engine = open_engine(place.url)
    with engine.connect() as opened:
        row = find_goals(opened)[0]
    engine.dispose()
    assert row["text"] == row["reason"]
    assert row["status"] == "failed"


def test_the_most_urgent_goal_comes_first_then_the_oldest(connection: sa.Connection) -> None:
    """The order in which goals are taken up."""
    board = BoardProjection()
    board.clear(connection)
    for number, priority in enumerate([0, 5, 0, -1], 1):
        added = event(EventKind.GOAL_ADDED, {"text": "x", "priority": priority}, seq=number)
        board.apply(connection, _on(added, f"goal/G-{number}"))

    assert [row["id"] for row in find_goals(connection)] == ["G-2", "G-1", "G-3", "G-4"]
    assert find_goals(connection, statuses=("done",)) == []


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(later=st.lists(st.sampled_from(sorted(ONLY_FROM)), max_size=8))
def test_the_first_decision_about_a_proposal_counts_here_too(
    connection: sa.Connection, later: list[EventKind]
) -> None:
    """As in the fold of the proposal itself."""
    board, status = BoardProjection(), "waiting"
    board.clear(connection)
    _propose(board, connection, EventKind.PROPOSAL_DRAFTED)
    _propose(board, connection, EventKind.GATES_JUDGED)
    names = {
        EventKind.PROPOSAL_APPROVED: "approved",
        EventKind.PROPOSAL_REJECTED: "rejected",
        EventKind.PROPOSAL_RETURNED: "returned",
        EventKind.PROPOSAL_EXPIRED: "expired",
        EventKind.PROPOSAL_APPLIED: "applied",
        EventKind.PROPOSAL_UNDONE: "undone",
        EventKind.PROPOSAL_REDONE: "applied",
    }
    for kind in (each for each in later if each in names):
        _propose(board, connection, kind)
        status = names[kind] if status in ONLY_FROM[kind] else status
        assert connection.execute(sa.select(PROPOSALS.c.status)).scalar_one() == status


def _propose(board: BoardProjection, connection: sa.Connection, kind: EventKind) -> None:
    payload = {
        "title": "t",
        "draft": {"risk": 4},
        "gates": [{"verdict": "pass"}],
        "digest": "d",
    }
    board.apply(connection, _on(event(kind, payload, seq=1), "proposal/P-0001"))


def _on(made: Event, stream: str) -> Event:
    from dataclasses import replace

    return replace(made, stream=stream)
