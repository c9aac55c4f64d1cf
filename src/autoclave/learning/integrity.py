"""Rows of the knowledge base that point to rows that are not there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, String, cast, func, select

from .tables import experiences, families, lessons, pattern_evidence, patterns, plans

_NONE = "0"
"""The family of what was not counted into any."""

_POINTS: tuple[tuple[Column[Any], Column[Any]], ...] = (
    (experiences.c.family_id, families.c.id),
    (plans.c.family_id, families.c.id),
    (pattern_evidence.c.pattern_id, patterns.c.id),
    (lessons.c.pattern_id, patterns.c.id),
)


def orphans(connection: Any) -> dict[str, int]:
    """How many rows of each table point nowhere; nothing for those that are whole."""
    found: dict[str, int] = {}
    for source, target in _POINTS:
        points_nowhere = (source.not_in(select(target)), cast(source, String) != _NONE)
        query = select(func.count()).select_from(source.table).where(*points_nowhere)
        if number := int(connection.execute(query).scalar() or 0):
            found[f"{source.table.name}.{source.name}"] = number
    return found
