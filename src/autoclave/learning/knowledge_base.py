"""The knowledge base: everything that was learnt, for reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Select, create_engine, select

from ..domain.canonical import JsonObject
from ..domain.errors import NotFound
from ..domain.knowledge import (
    Case,
    Experience,
    Opportunity,
    Outcome,
    Pattern,
    PatternKind,
    VerifiedBy,
)
from ..domain.ports import Clock
from . import capability_counts, opportunities, template_store
from .experience_replay import Strategy, sample
from .pattern_store import to_pattern
from .recall import recall
from .tables import experiences, patterns

Connect: TypeAlias = Callable[[], AbstractContextManager[Connection]]


class KnowledgeBase:
    """Knowledge: reads the tables that `LearningProjection` keeps; writes nothing."""

    def __init__(
        self,
        database: str | Engine | Connect,
        *,
        confirmations: int = opportunities.CONFIRMATIONS,
        clock: Clock = time.time,
    ) -> None:
        engine = create_engine(database) if isinstance(database, str) else database
        self._connect: Connect = engine.connect if isinstance(engine, Engine) else engine
        self._confirmations = confirmations
        self._clock = clock

    def recall(self, query: str, *, limit: int = 5) -> JsonObject:
        with self._connect() as connection:
            return recall(connection, query, limit=limit, now=self._clock())

    def patterns(self, *, kind: PatternKind | None = None) -> list[Pattern]:
        """All of them, the best proven first."""
        query = select(patterns).order_by(
            patterns.c.goals.desc(), patterns.c.lower_bound.desc(), patterns.c.id
        )
        if kind is not None:
            query = query.where(patterns.c.type == kind.value)
        with self._connect() as connection:
            rows = connection.execute(query).mappings().all()
            return [to_pattern(connection, dict(row)) for row in rows]

    def pattern(self, pattern_id: str) -> Pattern:
        with self._connect() as connection:
            query = select(patterns).where(patterns.c.id == pattern_id)
            row = connection.execute(query).mappings().first()
            if row is None:
                raise NotFound(
                    f"there is no pattern {pattern_id!r}",
                    hint="`autoclave pattern list` shows them",
                )
            return to_pattern(connection, dict(row))

    def opportunities(self) -> list[Opportunity]:
        with self._connect() as connection:
            return opportunities.ready(connection, confirmations=self._confirmations)

    def cases(self, opportunity: Opportunity) -> list[Case]:
        with self._connect() as connection:
            return opportunities.cases_of(connection, opportunity)

    def capability_stats(self) -> dict[str, JsonObject]:
        with self._connect() as connection:
            return capability_counts.statistics(connection)

    def error_template(self, failure: JsonObject) -> str:
        with self._connect() as connection:
            return template_store.look_up(connection, failure)

    def replay(self, strategy: Strategy, count: int, *, seed: int = 0) -> list[Experience]:
        """Past experiences to go through again, drawn by one of the four strategies."""
        with self._connect() as connection:
            pool = connection.execute(_pool(strategy, count)).mappings().all()
            ids = sample([dict(row) for row in pool], strategy, count, seed=seed, now=self._clock())
            full = select(experiences).where(experiences.c.id.in_(ids))
            by_id = {row["id"]: row for row in connection.execute(full).mappings()}
        return [_experience(by_id[each]) for each in ids]


def _pool(strategy: Strategy, count: int) -> Select[Any]:
    """The rows to draw from: all for an even draw, else the likeliest by index."""
    query = select(
        experiences.c.id, experiences.c.success, experiences.c.timestamp, experiences.c.priority
    ).where(experiences.c.tier == "hot")
    if strategy is Strategy.RANDOM:
        return query
    if strategy is Strategy.FAILURES:
        query = query.where(experiences.c.success == Outcome.FAILED.value)
    by_time = strategy is Strategy.RECENT
    order = experiences.c.event_id.desc() if by_time else experiences.c.replay_key
    return query.order_by(order).limit(max(1_000, 16 * count))


def _experience(row: Mapping[Any, Any]) -> Experience:
    return Experience(
        id=row["id"],
        goal_id=row["goal_id"],
        goal=row["goal"],
        context=row["context"] or {},
        actions=row["actions"] or [],
        outcome=row["outcome"] or {},
        success=Outcome(row["success"]),
        verified_by=VerifiedBy(row["verified_by"]),
        seconds=row["seconds"],
        at=row["timestamp"],
    )
