"""Patterns in their table: counting one more observation, reading them as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from ..domain.knowledge import Pattern, PatternKind, PatternLesson, PatternState
from . import rows
from .pattern_engine import Observation
from .statistics import ALARM, Beta, cusum
from .tables import lessons, pattern_evidence, patterns

MOST_EVIDENCE = 32
ACTIVE_FROM = 2
"""Distinct goals that make a candidate an active pattern."""


def count(
    connection: Connection,
    observation: Observation,
    *,
    goal_id: str,
    weight: float,
    event_id: int,
    at: float,
) -> None:
    """Take one observation into its pattern."""
    row = rows.get(connection, patterns, id=observation.pattern_id) or _fresh(observation, at)
    is_new_goal = _add_evidence(connection, observation, goal_id, weight, event_id)
    goals = row["goals"] + is_new_goal
    if goals > MOST_EVIDENCE:
        _trim_evidence(connection, observation.pattern_id)
    rows.put(connection, patterns, _counted(row, observation, weight, goals=goals, at=at))


def retire(connection: Connection, pattern_id: str, *, reason: str, at: float) -> None:
    connection.execute(
        update(patterns)
        .where(patterns.c.id == pattern_id)
        .values(state=PatternState.RETIRED.value, retired_because=reason, updated_at=at)
    )


def to_pattern(connection: Connection, row: Mapping[str, Any]) -> Pattern:
    """A row as a value, with the goals that are its evidence."""
    query = (
        select(pattern_evidence.c.goal_id)
        .where(pattern_evidence.c.pattern_id == row["id"])
        .order_by(pattern_evidence.c.event_id)
    )
    return Pattern(
        id=row["id"],
        kind=PatternKind(row["type"]),
        key=row["key"],
        description=row["description"],
        conditions=row["conditions"],
        actions=row["actions"],
        uses=row["usage_count"],
        success_rate=row["success_rate"],
        lower_bound=row["lower_bound"],
        goals=tuple(connection.execute(query).scalars()),
        state=PatternState(row["state"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        lesson=_lesson(connection, row["id"]),
    )


def _lesson(connection: Connection, pattern_id: str) -> PatternLesson | None:
    row = rows.get(connection, lessons, pattern_id=pattern_id)
    if row is None:
        return None
    return PatternLesson(text=row["lesson"], model=row["model"], uses=row["uses"], at=row["at"])


def _fresh(observation: Observation, at: float) -> Mapping[str, Any]:
    return {
        "id": observation.pattern_id,
        "type": observation.kind.value,
        "key": observation.key,
        "created_at": at,
        "usage_count": 0,
        "goals": 0,
        "alpha": 0.0,
        "beta": 0.0,
        "change_level": 0.0,
        "changed_at": None,
        "state": PatternState.CANDIDATE.value,
        "retired_because": None,
    }


def _counted(
    row: Mapping[str, Any], observation: Observation, weight: float, *, goals: int, at: float
) -> dict[str, Any]:
    before = Beta(wins=row["alpha"], losses=row["beta"])
    level = cusum(row["change_level"], observation.ok, before.mean())
    has_changed = level >= ALARM
    after = (before.shrink() if has_changed else before).observe(observation.ok, weight)
    is_active = row["state"] == PatternState.CANDIDATE and goals >= ACTIVE_FROM
    return {
        **row,
        "description": observation.description,
        "conditions": observation.conditions,
        "actions": observation.actions,
        "usage_count": row["usage_count"] + 1,
        "goals": goals,
        "alpha": after.wins,
        "beta": after.losses,
        "success_rate": after.mean(),
        "lower_bound": after.lower_bound(),
        "change_level": 0.0 if has_changed else level,
        "changed_at": at if has_changed else row["changed_at"],
        "state": PatternState.ACTIVE.value if is_active else row["state"],
        "updated_at": at,
    }


def _add_evidence(
    connection: Connection, observation: Observation, goal_id: str, weight: float, event_id: int
) -> bool:
    """Keep the newest word of this goal; True when the goal is new to the pattern."""
    key = {"pattern_id": observation.pattern_id, "goal_id": goal_id}
    is_new = rows.get(connection, pattern_evidence, **key) is None
    polarity = 1 if observation.ok else -1
    said = {"event_id": event_id, "polarity": polarity, "weight": weight}
    rows.put(connection, pattern_evidence, {**key, **said})
    return is_new


def _trim_evidence(connection: Connection, pattern_id: str) -> None:
    oldest_kept = connection.execute(_OLDEST_KEPT, {"pattern": pattern_id}).scalar()
    if oldest_kept is not None:
        connection.execute(_TRIM, {"pattern": pattern_id, "oldest": oldest_kept})


_OLDEST_KEPT = (
    select(pattern_evidence.c.event_id)
    .where(pattern_evidence.c.pattern_id == bindparam("pattern"))
    .order_by(pattern_evidence.c.event_id.desc())
    .offset(MOST_EVIDENCE - 1)
    .limit(1)
)
_TRIM = delete(pattern_evidence).where(
    pattern_evidence.c.pattern_id == bindparam("pattern"),
    pattern_evidence.c.event_id < bindparam("oldest"),
)
