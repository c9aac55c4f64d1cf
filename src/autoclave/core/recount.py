"""Counts the board again from the journal and says where the two differ."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ..domain.ports import Journal
from .board import GOALS, PROPOSALS, STANDING, BoardProjection

MOST_EVENTS = 200_000
"""More than this takes minutes; then it is not done by the way."""
_PAGE = 2_000
_MOST_NAMED = 5


def board_differences(journal: Journal, connection: Any) -> list[str]:
    """Which rows are not what the events say, at most a few of them."""
    counted = sa.create_engine("sqlite://")
    try:
        with counted.connect() as fresh:
            board = BoardProjection()
            board.create(fresh)
            after = 0
            while events := journal.read_all(after=after, limit=_PAGE):
                for event in events:
                    board.apply(fresh, event)
                after = events[-1].id
            found = [d for t in (GOALS, PROPOSALS, STANDING) for d in _differ(t, fresh, connection)]
    finally:
        counted.dispose()
    return found[:_MOST_NAMED]


def _differ(table: sa.Table, fresh: Any, kept: Any) -> list[str]:
    ours, theirs = _rows(table, fresh), _rows(table, kept)
    names = sorted(
        name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)
    )
    return [f"{table.name} {name}" for name in names]


def _rows(table: sa.Table, connection: Any) -> dict[str, dict[str, Any]]:
    key = next(iter(table.primary_key.columns)).name
    found = connection.execute(sa.select(table)).mappings()
    return {str(row[key]): dict(row) for row in found}
