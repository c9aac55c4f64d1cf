"""The database connection: how it is opened, and what its errors mean to us."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ..domain.errors import (
    AutoclaveError,
    Busy,
    ConfigurationInvalid,
    JournalBroken,
    OutOfResources,
)

WRITES = "autoclave_writes"
"""Execution option of the one connection whose transactions begin by taking the write lock."""

_BUSY_SECONDS = 30
_WAL_PAGES = 1000
_WAL_BYTES_KEPT = 16 << 20

_RESTORE = "`autoclave audit verify` says more; `autoclave checkpoint restore` goes back to a copy"
_SPACE = "free some space on the disk of the home, then try again"
_ACCESS = "give this user write access to the home, or name another one with --home"
_SERVER = "check AUTOCLAVE_DATABASE_URL and that the database server runs"


def open_engine(url: str | URL, *, frozen: bool = False) -> Engine:
    """An engine for SQLite or PostgreSQL. Makes the SQLite file, mode 0600, if it is missing.

    `frozen` is for a file that nobody writes: it is read without leaving a trace.
    """
    with translated():
        parsed = _parse(url)
        if frozen:
            return _open_frozen(Path(parsed.database or ""))
        if parsed.get_backend_name() == "sqlite":
            return _open_sqlite(parsed)
        engine = create_engine(parsed, pool_pre_ping=False)
        event.listen(engine, "connect", _prepare_postgres)
        return engine


def consistent_reader(engine: Engine) -> Engine:
    """The same engine, for transactions in which every statement sees the same moment."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")


def sqlite_url(path: Path) -> URL:
    """The URL of a database file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path.absolute()))


def sqlite_path(url: str | URL) -> Path | None:
    """The database file, None when the journal is on a server."""
    parsed = _parse(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def is_damage_to_text(error: SQLAlchemyError) -> bool:
    """Whether a value could not even be read as text, as after a flipped bit."""
    return "decode" in str(getattr(error, "orig", "")).lower()


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the database library into ours."""
    try:
        yield
    except SQLAlchemyError as error:
        raise ours(error) from error
    except ModuleNotFoundError as error:
        raise ConfigurationInvalid(
            f"the database driver {error.name} is not installed",
            hint="pip install 'autoclave[postgres]'",
        ) from error


def ours(error: SQLAlchemyError | sqlite3.Error) -> AutoclaveError:
    """Our error for one of the database library's."""
    if isinstance(error, NoSuchModuleError):
        return ConfigurationInvalid(f"no database driver: {error}", hint=_SERVER)
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        # Python itself raises the error without a name, for text that is not UTF-8.
        return _of_sqlite(getattr(cause, "sqlite_errorname", "SQLITE_CORRUPT"), str(cause))
    if isinstance(error, DBAPIError):
        return _of_postgres(getattr(cause, "sqlstate", None), str(cause).strip())
    return JournalBroken(f"the database answered in an unexpected way: {error}", hint=_RESTORE)


def _parse(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationInvalid("the database URL cannot be read", hint=_SERVER) from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ConfigurationInvalid(
            f"the journal can be on SQLite or PostgreSQL, not on {backend}",
            hint="sqlite:////path/journal.db or postgresql+psycopg://user@host/name",
        )
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ConfigurationInvalid("the journal needs a database file, not memory", hint=_SERVER)
    return parsed


def _open_sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create_private(path)
    except OSError as error:
        raise ConfigurationInvalid(
            f"the database {path} cannot be opened for writing: {error.strerror}", hint=_ACCESS
        ) from error
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: Path) -> None:
    """Make the file with mode 0600 if it is missing; SQLite gives its side files the same mode.

    A file that exists is not opened, not even to look: closing it would drop the locks of every
    connection that this process has to it, and another process would take the log from under us.
    """
    if not path.exists():
        with suppress(FileExistsError):  # another process was faster
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    elif not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _open_frozen(path: Path) -> Engine:
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, check_same_thread=False)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite` alone
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # Counts for a new file only. On the usual 4 KB, an event of 2 KB would waste half a page.
    cursor.execute("PRAGMA page_size = 8192")
    _use_write_ahead_log(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    cursor.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}")
    cursor.close()


def _use_write_ahead_log(cursor: Any) -> None:
    # Two processes that open a new database at once may deadlock here, and SQLite then reports
    # busy without waiting: the loser looks again.
    for pause in (0.01, 0.05, 0.25, 1.0):
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            time.sleep(pause)
    cursor.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgres(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute(f"SET lock_timeout TO '{_BUSY_SECONDS}s'")
        # A process that is frozen in a transaction loses it before others give up waiting.
        cursor.execute(f"SET idle_in_transaction_session_timeout TO '{_BUSY_SECONDS // 2}s'")
    connection.commit()


def _of_sqlite(name: str, said: str) -> AutoclaveError:
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Busy(
            f"another process held the journal for {_BUSY_SECONDS} s",
            hint="look for a process that hangs with the database open",
        )
    if name in ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_NOMEM"):
        return OutOfResources(f"the journal could not be written: {said}", hint=_SPACE)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return ConfigurationInvalid(f"the journal cannot be written: {said}", hint=_ACCESS)
    if name.startswith("SQLITE_IOERR"):
        return OutOfResources(f"the disk of the journal does not answer: {said}", hint=_SPACE)
    return JournalBroken(f"the database of the journal is damaged: {said}", hint=_RESTORE)


def _of_postgres(state: str | None, said: str) -> AutoclaveError:
    if state is None or state.startswith(("08", "57P")):
        return OutOfResources(f"the database server does not answer: {said}", hint=_SERVER)
    if state.startswith("53"):
        return OutOfResources(f"the database server ran short: {said}", hint=_SPACE)
    if state in ("40001", "40P01", "55P03"):
        return Busy(f"the journal is held by another process: {said}", hint="try again")
    if state.startswith("28") or state in ("25006", "3D000", "42501"):
        return ConfigurationInvalid(f"the database server refuses: {said}", hint=_SERVER)
    return JournalBroken(f"the database of the journal is damaged: {said}", hint=_RESTORE)
