"""A damaged, foreign, newer, full or read-only home gives one clear error, with a way out."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, select

from autoclave.core.journal import SqlJournal
from autoclave.core.tables import MIGRATIONS, SCHEMA_VERSION, meta, prepare_schema
from autoclave.domain.errors import (
    AutoclaveError,
    JournalBroken,
    OutOfResources,
)
from autoclave.domain.events import NewEvent

Note = Callable[..., NewEvent]


def test_a_file_that_is_no_database_is_refused(sqlite_place: Any) -> None:
    """Somebody else's file is neither used nor changed."""
    sqlite_place.database.write_text("This is a letter, not a database. " * 100)
    before = sqlite_place.database.read_bytes()

    with pytest.raises(JournalBroken) as refused:
        sqlite_place.open()

    assert refused.value.hint
    assert sqlite_place.database.read_bytes() == before


def test_a_torn_database_is_refused_or_found(sqlite_place: Any, note: Note) -> None:
    """Pages of noise in the middle of the file never become events."""
    journal = sqlite_place.open()
    journal.post("agent", [note("x" * 500) for _ in range(200)], actor="kernel")
    journal.close()
    with sqlite_place.database.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(32_768))

    with pytest.raises(JournalBroken) as refused:
        sqlite_place.open().read_all()

    assert refused.value.hint


def test_a_newer_database_is_refused(place: Any) -> None:
    """An older program does not touch what it does not understand."""
    place.open().close()
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(meta.update().values(value=str(SCHEMA_VERSION + 1)))
    engine.dispose()

    with pytest.raises(JournalBroken, match="newer Autoclave") as refused:
        place.open()

    assert refused.value.hint


def test_an_older_database_is_lifted_step_by_step(place: Any, note: Note) -> None:
    """Each migration runs once, in order, and the events stay."""
    place.open().post("agent", [note()], actor="kernel")
    steps: list[int] = []

    def migration(step: int) -> Callable[[Connection], None]:
        return lambda connection: steps.append(step)

    newest = SCHEMA_VERSION + 2
    migrations = {**MIGRATIONS, **{n: migration(n) for n in range(SCHEMA_VERSION, newest)}}
    engine = create_engine(place.url)
    for _ in range(2):
        with engine.begin() as connection:
            prepare_schema(connection, migrations=migrations, version=newest)
            found = connection.execute(select(meta.c.value)).scalar_one()
    engine.dispose()

    assert (steps, found) == ([SCHEMA_VERSION, SCHEMA_VERSION + 1], str(newest))


@pytest.mark.parametrize(
    "url",
    [
        "no url",
        "mysql://localhost/x",
        "sqlite://",
        "postgresql+psycopg://postgres@/postgres?host=/nowhere",
        "postgresql+nodriver://localhost/x",
    ],
)
def test_a_database_url_that_cannot_work_is_explained(url: str) -> None:
    """The reason and the next step, never an error of a library."""
    with pytest.raises(AutoclaveError) as refused:
        SqlJournal(url, b"k" * 32)

    assert refused.value.hint


def test_a_folder_that_may_not_be_written_is_explained(tmp_path: Path) -> None:
    """A read-only home is a matter of configuration."""
    result = _as_nobody(tmp_path, "SqlJournal('sqlite:////nowhere/journal.db', b'k' * 32)")

    assert result == "ConfigurationInvalid"


def test_a_database_that_may_not_be_written_is_explained(sqlite_place: Any, note: Note) -> None:
    """Also when the file can be read."""
    sqlite_place.open().post("agent", [note()], actor="kernel")
    sqlite_place.opened[0].close()
    sqlite_place.database.chmod(0o444)

    code = f"SqlJournal({sqlite_place.url!r}, b'k' * 32)"

    assert _as_nobody(sqlite_place.folder, code) == "ConfigurationInvalid"


@pytest.mark.slow
def test_a_disk_that_is_full_is_told_and_survived(tmp_path: Path, note: Note) -> None:
    """What was acknowledged stays, and work goes on when there is space again."""
    with _tiny_disk(tmp_path / "disk") as disk:
        url = f"sqlite:///{disk / 'journal.db'}"
        journal = SqlJournal(url, b"k" * 32, disk / "anchor")
        filler = disk / "filler"
        filler.write_bytes(b"x" * 600_000)
        kept: list[int] = []

        def fill() -> None:
            while True:
                kept.extend(e.id for e in journal.post("agent", [note("x" * 20_000)], actor="cli"))

        with pytest.raises(OutOfResources) as refused:
            fill()

        filler.unlink()
        journal.post("agent", [note("after")], actor="kernel")

        assert refused.value.hint
        assert kept
        assert journal.last_id() == len(kept) + 1
        assert journal.verify().ok
        journal.close()


@contextlib.contextmanager
def _tiny_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_write_over_the_size_limit_is_told(tmp_path: Path) -> None:
    """Whatever refuses to let the file grow, the error is ours and the log is whole."""
    code = """
import resource
journal = SqlJournal(URL, b'k' * 32)
event = NewEvent(kind=EventKind.TIMER_SET, payload={'text': 'x' * 50_000})
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
kept = 0
try:
    while True:
        journal.post('agent', [event], actor='kernel')
        kept += 1
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    print(kept, journal.last_id(), journal.verify().ok)
"""
    said = _run_code(code, url=f"sqlite:///{tmp_path / 'journal.db'}")

    kept, last_id, ok, error = said.split()
    assert (error, ok) == ("OutOfResources", "True")
    assert int(kept) == int(last_id) > 0


_PREAMBLE = """
import os, sys
from autoclave.core.journal import SqlJournal
from autoclave.domain.errors import AutoclaveError
from autoclave.domain.events import EventKind, NewEvent
URL = sys.argv[1]
def main():
{body}
try:
    main()
except AutoclaveError as error:
    print(type(error).__name__)
    assert error.hint
"""


def _run_code(code: str, *, url: str = "") -> str:
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    done = subprocess.run(
        [sys.executable, "-c", _PREAMBLE.format(body=body), url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _as_nobody(folder: Path, code: str) -> str:
    """What the code raises for a user who may read but not write below `folder`."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for parent in (folder, *folder.parents):
        # pytest keeps its folders to the owner.
        if parent.name.startswith("pytest"):
            parent.chmod(0o755)
    folder.chmod(0o755)
    return _run_code(f"os.setgroups([]); os.setgid(65534); os.setuid(65534)\n{code}")
