"""Small hands for SQLAlchemy Core that read the same on SQLite and PostgreSQL.

Statements are built once: building one costs several times what running it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite


def get(connection: Connection, table: Table, **key: object) -> Mapping[str, Any] | None:
    """The row with that key, or None."""
    row = connection.execute(_get(table, tuple(key)), key).mappings().first()
    return None if row is None else dict(row)


def put(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert the row, or replace all that is given of the one with its primary key."""
    connection.execute(_put(connection.dialect.name, table, tuple(values)), dict(values))


def add(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *counters: str
) -> None:
    """Insert the rows; where one exists, add to its counters and leave the rest."""
    if rows:
        statement = _add(connection.dialect.name, table, counters)
        connection.execute(statement, [dict(row) for row in rows])


def new(connection: Connection, table: Table, **values: object) -> None:
    connection.execute(_new(table), values)


@cache
def _get(table: Table, names: tuple[str, ...]) -> Executable:
    return select(table).where(*(table.c[name] == bindparam(name) for name in names))


@cache
def _put(dialect: str, table: Table, names: tuple[str, ...]) -> Executable:
    keys = list(table.primary_key.columns)
    key_names = {column.name for column in keys}
    statement = _insert(dialect, table)
    fresh = {name: statement.excluded[name] for name in names if name not in key_names}
    changed: Executable = statement.on_conflict_do_update(index_elements=keys, set_=fresh)
    return changed


@cache
def _add(dialect: str, table: Table, counters: tuple[str, ...]) -> Executable:
    statement = _insert(dialect, table)
    keys = list(table.primary_key.columns)
    sums = {name: table.c[name] + statement.excluded[name] for name in counters}
    changed: Executable = statement.on_conflict_do_update(index_elements=keys, set_=sums)
    return changed


@cache
def _new(table: Table) -> Executable:
    return insert(table)


def _insert(dialect: str, table: Table) -> Any:
    # The two dialects have the same upsert, but SQLAlchemy gives it no common name.
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
