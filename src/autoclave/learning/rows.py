"""Small hands for SQLAlchemy Core that read the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite


def get(connection: Connection, table: Table, **key: object) -> Mapping[str, Any] | None:
    """The row with that key, or None."""
    query = select(table)
    for name, value in key.items():
        query = query.where(table.c[name] == value)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def put(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert the row, or replace all that is given of the one with its primary key."""
    keys = list(table.primary_key.columns)
    names = {column.name for column in keys}
    statement = _insert(connection, table).values(**values)
    fresh = {name: statement.excluded[name] for name in values if name not in names}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh))


def add(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *counters: str
) -> None:
    """Insert the rows; where one exists, add to its counters and leave the rest."""
    if not rows:
        return
    statement = _insert(connection, table)
    sums: dict[str, Any] = {name: table.c[name] + statement.excluded[name] for name in counters}
    keys: list[Column[Any]] = list(table.primary_key.columns)
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=sums), [dict(row) for row in rows]
    )


def new(connection: Connection, table: Table, **values: object) -> None:
    connection.execute(insert(table).values(**values))


def _insert(connection: Connection, table: Table) -> Any:
    # The two dialects have the same upsert, but SQLAlchemy gives it no common name.
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
