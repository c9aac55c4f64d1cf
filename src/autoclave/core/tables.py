"""The journal's tables and its schema version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    update,
)

from ..domain.errors import JournalBroken
from .chain import GENESIS

SCHEMA_VERSION = 1

# SQLite makes a column its row id only when the type is spelled exactly INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

schema = MetaData()

events = Table(
    "events",
    schema,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("prev", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    UniqueConstraint("stream", "seq"),
)

streams = Table(
    "streams",
    schema,
    Column("stream", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

log_head = Table(
    "log_head",
    schema,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("last_id", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("base_id", BigInteger, nullable=False),
    Column("base_mac", LargeBinary, nullable=False),
)
"""One row: the newest event, and the first that has not been moved to an archive."""

snapshots = Table(
    "snapshots",
    schema,
    Column("stream", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)

counters = Table(
    "counters",
    schema,
    Column("prefix", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

projections = Table(
    "projections",
    schema,
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)

meta = Table(
    "meta",
    schema,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

Migration: TypeAlias = Callable[[Connection], None]

MIGRATIONS: Mapping[int, Migration] = {}
"""By schema version: what lifts a database to the next one."""


def prepare_schema(
    connection: Connection,
    *,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    version: int = SCHEMA_VERSION,
) -> None:
    """Make the tables if they are missing, lift older ones, refuse newer ones."""
    schema.create_all(connection)
    found = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar()
    if found is None:
        first = {"one": 1, "last_id": 0, "mac": GENESIS, "base_id": 1, "base_mac": GENESIS}
        connection.execute(insert(meta).values(name="schema", value=str(version)))
        connection.execute(insert(log_head).values(**first))
        return
    at = check_schema(found, version=version)
    for step in range(at, version):
        migrations[step](connection)
    if at < version:
        now = update(meta).where(meta.c.name == "schema").values(value=str(version))
        connection.execute(now)


def check_schema(found: str, *, version: int = SCHEMA_VERSION) -> int:
    """The schema version of a database that may be opened. Raises JournalBroken for a newer one."""
    if not found.isdigit():
        raise JournalBroken(
            f"the schema version of the database reads {found!r}",
            hint="`autoclave checkpoint restore` the newest checkpoint",
        )
    if int(found) > version:
        raise JournalBroken(
            f"the database has schema {found} and this version knows up to {version}: "
            "it was written by a newer Autoclave",
            hint="use the newer version again, or `autoclave checkpoint restore` an older one",
        )
    return int(found)
