"""What was learnt, as a reading of the journal: one small handler per kind of event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from sqlalchemy import Connection, delete

from ..domain.events import Event, EventKind
from . import (
    capability_counts,
    episodes,
    forgetting,
    opportunities,
    plan_store,
    rows,
    text_index,
)
from .pattern_engine import PatternEngine
from .pattern_store import retire
from .payload import name_of, number_of, text_of
from .tables import lessons, metadata

Handler: TypeAlias = Callable[[Connection, Event], None]


class LearningProjection:
    """Projection: keeps experiences, patterns and what follows from them up to date."""

    name = "learning"
    version = 3

    def __init__(self, engine: PatternEngine | None = None) -> None:
        self._engine = engine or PatternEngine()
        self._handlers: Mapping[EventKind, Handler] = {
            **_HANDLERS,
            EventKind.GOAL_ENDED: self._goal_ended,
        }

    def create(self, connection: Connection) -> None:
        # Called before a rebuild: tables of an older shape are made anew.
        metadata.drop_all(connection)
        metadata.create_all(connection)
        text_index.create(connection)

    def clear(self, connection: Connection) -> None:
        for table in metadata.sorted_tables:
            connection.execute(delete(table))
        text_index.clear(connection)

    def apply(self, connection: Connection, event: Event) -> None:
        handler = self._handlers.get(event.kind)
        if handler is not None:
            handler(connection, event)

    def _goal_ended(self, connection: Connection, event: Event) -> None:
        episodes.goal_ended(connection, event, self._engine)
        opportunities.improvement_ended(connection, event)


def _goal_cancelled(connection: Connection, event: Event) -> None:
    episodes.goal_dropped(connection, event)
    opportunities.improvement_ended(connection, event)


def _pattern_retired(connection: Connection, event: Event) -> None:
    reason = text_of(event.payload, "reason")
    retire(connection, name_of(event.payload, "pattern_id"), reason=reason, at=event.at)


def _lesson_written(connection: Connection, event: Event) -> None:
    pattern_id, lesson = name_of(event.payload, "pattern_id"), text_of(event.payload, "lesson")
    if pattern_id and lesson:
        given = {
            "pattern_id": pattern_id,
            "lesson": lesson,
            "model": name_of(event.payload, "model"),
            "uses": int(number_of(event.payload, "uses")),
            "at": event.at,
        }
        rows.put(connection, lessons, given)


def _events_pruned(connection: Connection, event: Event) -> None:
    # Hung on an event, so that a rebuild forgets the same things at the same point.
    forgetting.forget(connection, now=event.at)


def _closed(how: opportunities.Closed) -> Handler:
    return partial(opportunities.proposal_closed, how=how)


_HANDLERS: Mapping[EventKind, Handler] = {
    EventKind.PLAN_MADE: plan_store.plan_made,
    EventKind.RESULT_RECORDED: capability_counts.result_recorded,
    EventKind.CASE_RECORDED: opportunities.case_recorded,
    EventKind.GOAL_CANCELLED: _goal_cancelled,
    EventKind.GOAL_RETRIED: opportunities.improvement_retried,
    EventKind.PATTERN_RETIRED: _pattern_retired,
    EventKind.LESSON_WRITTEN: _lesson_written,
    EventKind.OPPORTUNITY_RAISED: opportunities.raised,
    EventKind.PROPOSAL_DRAFTED: opportunities.proposal_drafted,
    EventKind.GATES_JUDGED: opportunities.gates_judged,
    EventKind.PROPOSAL_REJECTED: _closed("rejected"),
    EventKind.PROPOSAL_EXPIRED: _closed("expired"),
    EventKind.PROPOSAL_APPLIED: _closed("applied"),
    EventKind.PROPOSAL_UNDONE: _closed("undone"),
    EventKind.PROPOSAL_REDONE: _closed("applied"),
    EventKind.EVENTS_PRUNED: _events_pruned,
}
