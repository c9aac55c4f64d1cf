"""The board: a row per goal and proposal and one for the agent, for lists and the scheduler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from ..domain.events import Event, EventKind
from ..domain.proposal_record import ONLY_FROM
from ..domain.run import ENDED, ESCALATED, RESUMABLE, RUNNABLE, SPENT, TAKEABLE, RunStatus
from ..domain.standing import PauseCode, Standing, fold_standing

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
    sa.Column("code", sa.String, nullable=False),
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


STANDING = sa.Table(
    "standing",
    _METADATA,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("code", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("answered", sa.Text, nullable=False),
    sa.Column("level", sa.String, nullable=False),
    sa.Column("shortage", sa.Text, nullable=False),
)
"""At most one row: how the whole agent stands."""


class BoardProjection:
    """Port Projection over the three tables."""

    name = "board"
    version = 3

    def create(self, connection: Any) -> None:
        # Called before a rebuild: tables of an older shape are made anew.
        _METADATA.drop_all(connection)
        _METADATA.create_all(connection)

    def clear(self, connection: Any) -> None:
        for table in _METADATA.sorted_tables:
            connection.execute(table.delete())

    def apply(self, connection: Any, event: Event) -> None:
        if event.kind in _AGENT:
            standing = fold_standing(find_standing(connection), event)
            connection.execute(STANDING.delete())
            connection.execute(STANDING.insert().values(one=1, **_storable(_row_of(standing))))
            return
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
            change = GOALS.update().where(GOALS.c.id == goal, *_conditions(event))
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
        "code": "",
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
        "code": sa.case(
            (GOALS.c.code == ESCALATED, ESCALATED), else_=event.payload.get("code", "")
        ),
    }


def _parked(event: Event) -> dict[str, Any]:
    given = event.payload
    more = {"code": given.get("code", ""), "wake_at": given.get("until")}
    return _status(RunStatus.PARKED)(event) | more


def _resumed(event: Event) -> dict[str, Any]:
    """What waited for an answer or a timer goes on waiting."""
    waits = GOALS.c.status_before_pause.in_([RunStatus.AWAITING_HUMAN, RunStatus.WAITING])
    goes_back = sa.and_(GOALS.c.status == RunStatus.PAUSED, waits)
    return {
        "status": sa.case((goes_back, GOALS.c.status_before_pause), else_=RunStatus.QUEUED.value),
        "reason": "",
        "code": "",
        "wake_at": sa.case((goes_back, GOALS.c.wake_at), else_=None),
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
    fresh = {"state": "IDLE", "status_before_pause": RunStatus.QUEUED, "code": ""}
    return {**_status(RunStatus.QUEUED)(event), **fresh}


_OPEN = frozenset(RunStatus) - ENDED
_ONLY_FROM: Mapping[EventKind, frozenset[RunStatus]] = {
    EventKind.RUN_TAKEN: TAKEABLE,
    EventKind.GOAL_PAUSED: _OPEN,
    EventKind.GOAL_RESUMED: RESUMABLE,
    EventKind.GOAL_CANCELLED: _OPEN,
    EventKind.GOAL_PARKED: _OPEN,
}


def _conditions(event: Event) -> list[Any]:
    """For what two people or processes write at the same moment the row follows the fold's rule."""
    status, code = GOALS.c.status, event.payload.get("code", "")
    conditions: list[Any] = []
    if only_from := _ONLY_FROM.get(event.kind):
        conditions.append(status.in_(only_from))
    if event.kind is EventKind.GOAL_PAUSED and code:
        conditions.append(status.in_(RUNNABLE))
    if event.kind is EventKind.GOAL_RESUMED and code:
        conditions += [GOALS.c.code == code, GOALS.c.code != ESCALATED]
    elif event.kind is EventKind.GOAL_RESUMED and not _is_explained(event):
        conditions.append(GOALS.c.code != ESCALATED)
    if event.kind is EventKind.BUDGET_ADDED:
        is_for_this = sa.and_(GOALS.c.code == SPENT, GOALS.c.wake_at.is_(None))
        conditions += [status == RunStatus.PARKED, is_for_this, sa.literal(_is_person(event))]
    return conditions


def _is_explained(event: Event) -> bool:
    return _is_person(event) and bool(event.payload.get("reason", "").strip())


def _is_person(event: Event) -> bool:
    return event.actor.startswith("person:")


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
    EventKind.GOAL_PARKED: _parked,
    EventKind.BUDGET_ADDED: lambda event: {
        "status": RunStatus.QUEUED,
        "reason": "",
        "code": "",
    },
    EventKind.GOAL_RETRIED: _retried,
    EventKind.GOAL_ENDED: _ended,
}

_PROPOSAL_STATUS: Mapping[EventKind, str] = {
    EventKind.PROPOSAL_DRAFTED: "draft",
    EventKind.GATES_JUDGED: "waiting",
    EventKind.PROPOSAL_SIGNED: "signed",
    EventKind.PROPOSAL_APPROVED: "approved",
    EventKind.PROPOSAL_REJECTED: "rejected",
    EventKind.PROPOSAL_RETURNED: "returned",
    EventKind.PROPOSAL_EXPIRED: "expired",
    EventKind.PROPOSAL_APPLIED: "applied",
    EventKind.PROPOSAL_UNDONE: "undone",
    EventKind.PROPOSAL_REDONE: "applied",
}


_AGENT = frozenset({EventKind.AGENT_PAUSED, EventKind.AGENT_RESUMED, EventKind.SHORTAGE_CHANGED})


def find_standing(connection: Any) -> Standing:
    """How the whole agent stands."""
    row = connection.execute(sa.select(STANDING)).mappings().first()
    if row is None:
        return Standing()
    given = {name: value for name, value in row.items() if name != "one"}
    return Standing(**{**given, "code": PauseCode(row["code"]) if row["code"] else None})


def _row_of(standing: Standing) -> dict[str, Any]:
    return {**asdict(standing), "code": standing.code.value if standing.code else ""}


def find_goals(connection: Any, *, statuses: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Rows of goals, the most urgent first."""
    query = sa.select(GOALS).order_by(GOALS.c.priority.desc(), GOALS.c.added_at, GOALS.c.id)
    if statuses:
        query = query.where(GOALS.c.status.in_(statuses))
    return [dict(row) for row in connection.execute(query).mappings()]
