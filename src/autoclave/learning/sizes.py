"""How much was learned, counted by the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select

from .tables import cases, experiences, lessons, patterns, plans

_COUNTED: Mapping[str, Table] = {
    "experiences": experiences,
    "patterns": patterns,
    "plans": plans,
    "lessons": lessons,
    "cases": cases,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeSizes:
    rows: Mapping[str, int]
    patterns: Mapping[tuple[str, str], int]
    """By kind and state."""


def knowledge_sizes(connection: Any) -> KnowledgeSizes:
    rows = {
        name: int(connection.execute(select(func.count()).select_from(table)).scalar())
        for name, table in _COUNTED.items()
    }
    columns = (patterns.c.type, patterns.c.state)
    query = select(*columns, func.count()).group_by(*columns)
    by_kind = {(str(kind), str(state)): int(n) for kind, state, n in connection.execute(query)}
    return KnowledgeSizes(rows=rows, patterns=by_kind)
