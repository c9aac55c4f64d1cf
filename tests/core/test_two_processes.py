"""One database, several processes: what one of them closes must not pull the log from another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autoclave.core.journal import SqlJournal
from autoclave.core.journal_engine import open_engine
from autoclave.domain.events import EventKind, NewEvent

KEY = b"k" * 32
POST_AND_LEAVE = """
import sys
from pathlib import Path
from autoclave.core.journal import SqlJournal
from autoclave.domain.events import EventKind, NewEvent
folder = Path(sys.argv[1])
journal = SqlJournal(f"sqlite:///{folder / 'journal.db'}", b"k" * 32, folder / "anchor")
journal.post("agent", [NewEvent(kind=EventKind.AGENT_STARTED)], actor="other")
print(journal.last_id())
journal.close()
"""


def test_a_process_that_comes_and_goes_leaves_the_log_whole(tmp_path: Path) -> None:
    """Closing any descriptor of a database drops its locks in that process.

    A second engine in the same process must therefore not open the file itself; else the visitor
    takes itself for the last user, removes the write-ahead log, and what follows is lost.
    """
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    journal = SqlJournal(url, KEY, tmp_path / "anchor")
    reader = open_engine(url)
    with reader.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    journal.post("agent", [NewEvent(kind=EventKind.AGENT_STARTED)], actor="first")

    _visit(tmp_path)
    for _ in range(3):
        journal.post("agent", [NewEvent(kind=EventKind.AGENT_STOPPED)], actor="first")

    assert _visit(tmp_path) == 6
    assert journal.verify().ok
    reader.dispose()
    journal.close()


def _visit(folder: Path) -> int:
    command = [sys.executable, "-c", POST_AND_LEAVE, str(folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
