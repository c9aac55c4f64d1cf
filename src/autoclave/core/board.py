"""The board: one row per goal and proposal, for lists, the scheduler and a quick status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from ..domain.events import Event, EventKind
from ..domain.proposal_record import ONLY_FROM
from ..domain.run import ENDED, RESUMABLE, TAKEABLE, RunStatus

_METADATA = sa.MetaData()

GOALS = sa.Table(
    "goals",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("workspace", sa.Text, nullable=False),
    sa.Column("status", sa.String, nullable=False, index=True),
    sa.Column("status_before_pause", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("wake_at", sa.Float, nullable=True),
    sa.Column("spend_usd", sa.Float, nullable=False),
    sa.Column("added_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

PROPOSALS = sa.Table(
    "proposals",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("status", sa.String, nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("risk", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)


class BoardProjection:
    """Port Projection over the two tables."""

    name = "board"
    version = 2

    def create(self, connection: Any) -> None:
        _METADATA.create_all(connection)

    def clear(self, connection: Any) -> None:
        connection.execute(GOALS.delete())
        connection.execute(PROPOSALS.delete())

    def apply(self, connection: Any, event: Event) -> None:
        change = _GOAL_CHANGES.get(event.kind)
        if change is not None:
            goal = event.stream.removeprefix("goal/")
            self._goal(connection, goal, event, _storable(change(event)))
        elif event.kind in _PROPOSAL_STATUS:
            self._proposal(connection, event)

    def _goal(self, connection: Any, goal: str, event: Event, values: dict[str, Any]) -> None:
        values["updated_at"] = event.at
        if event.kind is EventKind.GOAL_ADDED:
            connection.execute(GOALS.insert().values(id=goal, **values))
        else:
            change = GOALS.update().where(GOALS.c.id == goal)
            if only_from := _ONLY_FROM.get(event.kind):
                change = change.where(GOALS.c.status.in_(only_from))
            connection.execute(change.values(**values))

    def _proposal(self, connection: Any, event: Event) -> None:
        proposal = event.stream.removeprefix("proposal/")
        values: dict[str, Any] = {"updated_at": event.at}
        values["status"] = _PROPOSAL_STATUS[event.kind]
        if event.kind is EventKind.PROPOSAL_DRAFTED:
            risk = f"R{event.payload['draft']['risk']}"
            values |= {"title": event.payload["title"], "risk": risk, "digest": ""}
            connection.execute(PROPOSALS.insert().values(id=proposal, **_storable(values)))
            return
        if event.kind is EventKind.GATES_JUDGED:
            passed = all(gate["verdict"] == "pass" for gate in event.payload["gates"])
            values |= {"digest": event.payload["digest"]}
            values["status"] = "waiting" if passed and event.payload["gates"] else "failed"
        counts = PROPOSALS.c.status.in_(ONLY_FROM[event.kind])
        here = PROPOSALS.c.id == proposal
        connection.execute(PROPOSALS.update().where(here, counts).values(**values))


def _storable(values: dict[str, Any]) -> dict[str, Any]:
    """The row with every text in characters that a database takes: no NUL, no half character."""
    return {
        name: value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
        if isinstance(value, str)
        else value
        for name, value in values.items()
    }


def _added(event: Event) -> dict[str, Any]:
    given = event.payload
    return {
        "kind": given.get("kind", "goal"),
        "text": given["text"],
        "workspace": given.get("workspace", ""),
        "status": RunStatus.QUEUED,
        "status_before_pause": RunStatus.QUEUED,
        "state": "IDLE",
        "priority": given.get("priority", 0),
        "reason": "",
        "question": "",
        "wake_at": None,
        "spend_usd": 0.0,
        "added_at": event.at,
    }


def _asked(event: Event) -> dict[str, Any]:
    return {
        "status": RunStatus.AWAITING_HUMAN,
        "question": event.payload["question"],
        "reason": event.payload["question"],
        "wake_at": event.payload["expires_at"],
    }


def _answered(event: Event) -> dict[str, Any]:
    waited = GOALS.c.status == RunStatus.AWAITING_HUMAN
    before = GOALS.c.status_before_pause
    return {
        "status": sa.case((waited, RunStatus.QUEUED.value), else_=GOALS.c.status),
        "status_before_pause": sa.case(
            (before == RunStatus.AWAITING_HUMAN, RunStatus.QUEUED.value), else_=before
        ),
        "reason": sa.case((waited, ""), else_=GOALS.c.reason),
        "question": sa.case((waited, ""), else_=GOALS.c.question),
        "wake_at": sa.case((waited, None), else_=GOALS.c.wake_at),
    }


def _paused(event: Event) -> dict[str, Any]:
    paused = GOALS.c.status == RunStatus.PAUSED
    return {
        "status_before_pause": sa.case((paused, GOALS.c.status_before_pause), else_=GOALS.c.status),
        "status": RunStatus.PAUSED,
        "reason": event.payload.get("reason", ""),
    }


def _resumed(event: Event) -> dict[str, Any]:
    """What waited for an answer or a timer goes on waiting."""
    waits = GOALS.c.status_before_pause.in_([RunStatus.AWAITING_HUMAN, RunStatus.WAITING])
    goes_back = sa.and_(GOALS.c.status == RunStatus.PAUSED, waits)
    return {
        "status": sa.case((goes_back, GOALS.c.status_before_pause), else_=RunStatus.QUEUED.value),
        "reason": "",
    }


def _ended(event: Event) -> dict[str, Any]:
    ok = event.payload["success"] == "ok"
    return {
        "status": RunStatus.DONE if ok else RunStatus.FAILED,
        "reason": event.payload.get("reason", ""),
        "spend_usd": event.payload.get("spend", {}).get("usd", 0.0),
        "wake_at": None,
        "question": "",
    }


def _status(status: RunStatus) -> Callable[[Event], dict[str, Any]]:
    def change(event: Event) -> dict[str, Any]:
        reason = event.payload.get("reason", "")
        return {"status": status, "reason": reason, "wake_at": None, "question": ""}

    return change


def _retried(event: Event) -> dict[str, Any]:
    fresh = {"state": "IDLE", "status_before_pause": RunStatus.QUEUED}
    return {**_status(RunStatus.QUEUED)(event), **fresh}


_OPEN = frozenset(RunStatus) - ENDED
_ONLY_FROM: Mapping[EventKind, frozenset[RunStatus]] = {
    EventKind.RUN_TAKEN: TAKEABLE,
    EventKind.GOAL_PAUSED: _OPEN,
    EventKind.GOAL_RESUMED: RESUMABLE,
    EventKind.GOAL_CANCELLED: _OPEN,
    EventKind.GOAL_PARKED: _OPEN,
}
"""For what two people or processes write at the same moment the row follows the fold's rule."""

_GOAL_CHANGES: Mapping[EventKind, Callable[[Event], dict[str, Any]]] = {
    EventKind.GOAL_ADDED: _added,
    EventKind.RUN_TAKEN: _status(RunStatus.RUNNING),
    EventKind.STATE_CHANGED: lambda event: {"state": event.payload["to"]},
    EventKind.QUESTION_ASKED: _asked,
    EventKind.ANSWER_GIVEN: _answered,
    EventKind.TIMER_SET: lambda event: {
        "status": RunStatus.WAITING,
        "wake_at": event.payload["wake_at"],
        "reason": event.payload["reason"],
    },
    EventKind.GOAL_PAUSED: _paused,
    EventKind.GOAL_RESUMED: _resumed,
    EventKind.GOAL_CANCELLED: _status(RunStatus.CANCELLED),
    EventKind.GOAL_PARKED: _status(RunStatus.PARKED),
    EventKind.GOAL_RETRIED: _retried,
    EventKind.GOAL_ENDED: _ended,
}

_PROPOSAL_STATUS: Mapping[EventKind, str] = {
    EventKind.PROPOSAL_DRAFTED: "draft",
    EventKind.GATES_JUDGED: "waiting",
    EventKind.PROPOSAL_APPROVED: "approved",
    EventKind.PROPOSAL_REJECTED: "rejected",
    EventKind.PROPOSAL_RETURNED: "returned",
    EventKind.PROPOSAL_EXPIRED: "expired",
    EventKind.PROPOSAL_APPLIED: "applied",
    EventKind.PROPOSAL_UNDONE: "undone",
    EventKind.PROPOSAL_REDONE: "applied",
}


def find_goals(connection: Any, *, statuses: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Rows of goals, the most urgent first."""
    query = sa.select(GOALS).order_by(GOALS.c.priority.desc(), GOALS.c.added_at, GOALS.c.id)
    if statuses:
        query = query.where(GOALS.c.status.in_(statuses))
    return [dict(row) for row in connection.execute(query).mappings()]
