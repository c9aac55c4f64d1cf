"""The database part of a checkpoint: always one SQLite file, whatever the journal lives on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Table, create_engine, delete, insert, select
from sqlalchemy.pool import NullPool

from ..domain.canonical import JsonObject, canonical
from ..domain.errors import NotFound
from ..domain.events import Event, EventKind
from .anchor import Anchor
from .archive import Archives
from .checkpoint_trees import copy_file
from .durable import sync_folder
from .journal_engine import ours, sqlite_path, sqlite_url, translated
from .journal_log import Log, Transaction
from .journal_reading import Reading
from .tables import check_schema, log_head, meta, prepare_schema, projections, schema
from .upcast import UPCASTERS, Upcasts

_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """Where the log in a copy ends."""

    schema_version: int
    last_id: int
    last_mac: str


def copy_out(url: str | URL, target: Path) -> None:
    """Write one consistent copy of the journal's database while it is in use."""
    source = sqlite_path(url)
    if source is None:
        _copy_rows_out(url, target)
    elif not source.is_file():
        raise NotFound(f"there is no journal at {source}", hint="`autoclave init DIR` makes a home")
    else:
        _back_up(source, target)


def facts_of(copy: Path) -> DatabaseFacts:
    """What the copy holds. Raises JournalBroken when it is no journal, or a newer one."""
    with _plain(copy) as connection:
        found = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar()
        version = check_schema(found or "")
        head = connection.execute(select(log_head)).one()
    return DatabaseFacts(
        schema_version=version, last_id=head.last_id, last_mac=bytes(head.mac).hex()
    )


def events_in(copy: Path, stream: str, *, key: bytes, archives: Path) -> list[Event]:
    """One stream of the copy, which stays as it is. Raises JournalBroken."""
    log = Log(sqlite_url(copy), key, None, frozen=True)
    try:
        reading = Reading(log, Archives(archives), key, Upcasts(UPCASTERS))
        return reading.of_stream(stream)
    finally:
        log.close()


def copy_in(copy: Path, url: str | URL, *, key: bytes, anchor: Anchor, payload: JsonObject) -> None:
    """Put the copy in the journal's place, ending with the event that says so.

    The event is in the database before that takes effect, and the anchor steps back only then: a
    crash in between leaves a journal that refuses to open until the restore is done again.
    """
    path = sqlite_path(url)
    if path is None:
        last = _copy_rows_in(copy, url, key=key, payload=payload)
    else:
        last = _put_file_in_place(copy, path, key=key, payload=payload)
    anchor.reset(last.last_id, last.mac)


def _back_up(source: Path, target: Path) -> None:
    address = f"{source.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=30)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            # One file, without a write-ahead log beside it.
            new.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise ours(error) from error


def _put_file_in_place(copy: Path, path: Path, *, key: bytes, payload: JsonObject) -> Transaction:
    fresh = path.with_name(f".{path.name}.restored")
    _drop_database(fresh)
    copy_file(copy, fresh)
    fresh.chmod(0o600)
    log = Log(sqlite_url(fresh), key, None)
    try:
        with log.preparing() as connection:
            last = _note_restore(connection, log, key, payload)
    finally:
        log.close()
    with closing(sqlite3.connect(fresh)) as connection_:
        connection_.execute("PRAGMA journal_mode = DELETE")
    # A write-ahead log of the old database must never be read with the new one.
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    fresh.replace(path)
    sync_folder(path.parent)
    return last


def _note_restore(connection: Connection, log: Log, key: bytes, payload: JsonObject) -> Transaction:
    prepare_schema(connection)
    transaction = Transaction(connection, log.say, key)
    found = transaction.stream("agent")
    draft = {
        "kind": EventKind.CHECKPOINT_RESTORED.value,
        "version": 1,
        "payload": canonical(payload),
        "actor": "kernel",
        "at": round(payload["at"] * 1_000_000),
    }
    transaction.add("agent", [draft], found=found, epoch=found.epoch if found else 0)
    connection.execute(delete(projections))
    return transaction


def _copy_rows_out(url: str | URL, target: Path) -> None:
    log = Log(url, b"", None)
    try:
        with log.reading() as old, _plain(target) as new:
            schema.create_all(new)
            for table in schema.sorted_tables:
                _copy_rows(old, new, table)
            new.execute(delete(projections))
    finally:
        log.close()


def _copy_rows_in(copy: Path, url: str | URL, *, key: bytes, payload: JsonObject) -> Transaction:
    log = Log(url, key, None)
    try:
        with log.preparing() as new, _plain(copy) as old:
            schema.create_all(new)
            for table in schema.sorted_tables:
                new.execute(delete(table))
                _copy_rows(old, new, table)
            return _note_restore(new, log, key, payload)
    finally:
        log.close()


def _copy_rows(old: Connection, new: Connection, table: Table) -> None:
    found = old.execute(select(table).execution_options(yield_per=_BATCH))
    for batch in found.mappings().partitions():
        new.execute(insert(table), [dict(row) for row in batch])


@contextmanager
def _plain(path: Path) -> Iterator[Connection]:
    engine = create_engine(sqlite_url(path), poolclass=NullPool)
    with translated(), engine.begin() as connection:
        yield connection


def _drop_database(path: Path) -> None:
    for side in ("", "-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
