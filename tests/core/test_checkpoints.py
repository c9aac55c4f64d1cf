"""Snapshots: whole or not there, checked before use, and never silent about going back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.core.checkpoints import Checkpoints, to_keep
from autoclave.core.home_lock import HomeLock
from autoclave.core.redaction import Redaction
from autoclave.core.vault import Vault
from autoclave.domain.errors import Busy, InvalidInput, JournalBroken, NotFound
from autoclave.domain.events import EventKind, NewEvent

Note = Callable[..., NewEvent]
DAY = 86_400.0


class Home:
    """A home with a journal, a mind and a capability."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.mind = place.folder / "mind"
        self.mind.mkdir()
        (self.mind / "plan.py").write_text("VERSION = 1\n")
        self.journal = place.open()
        ticks = itertools.count(1_700_000_000)
        self.checkpoints = self.open(clock=lambda: float(next(ticks)))

    def open(self, **changes: Any) -> Checkpoints:
        given: dict[str, Any] = {
            "url": self.place.url,
            "key": self.place.key,
            "anchor": self.place.anchor,
            "lock": self.place.folder / "lock",
            "bodies": {"mind": self.mind},
            "archives": self.place.archives,
        }
        return Checkpoints(self.place.folder / "checkpoints", **{**given, **changes})

    def restart(self) -> Any:
        self.journal.close()
        self.journal = self.place.open()
        return self.journal


@pytest.fixture
def home(place: Any, note: Note) -> Home:
    home = Home(place)
    home.journal.post("goal/G-0001", [note("a"), note("b")], actor="kernel")
    return home


def test_a_secret_in_the_note_is_not_written_down(home: Home) -> None:
    """Neither in the description of the checkpoint nor in the log; a mark stands in its place."""
    redaction = Redaction(home.place.key, known=["correct horse battery"])
    vault = Vault(home.place.folder / "vault", redaction)
    checkpoints = home.open(conceal=vault.conceal)

    made = checkpoints.create("before correct horse battery", journal=home.journal)

    told = home.journal.read("agent")[-1].payload
    written = (home.place.folder / "checkpoints" / made.id / "checkpoint.json").read_text()
    assert made.note.startswith("before <redacted:")
    assert (told["note"], checkpoints.list()[0].note) == (made.note, made.note)
    assert "horse" not in written


def test_a_checkpoint_is_taken_while_the_journal_is_in_use(home: Home, note: Note) -> None:
    """It holds what was there, is listed, verifies, and is recorded in the log."""
    made = home.checkpoints.create("before the move", journal=home.journal)
    home.journal.post("goal/G-0001", [note("c")], actor="kernel")

    assert (made.last_id, made.note) == (2, "before the move")
    assert [each.id for each in home.checkpoints.list()] == [made.id]
    assert home.checkpoints.verify(made.id) == made
    assert home.journal.read("agent")[0].payload["checkpoint"] == made.id


def test_restoring_brings_back_the_log_and_the_body(home: Home, note: Note) -> None:
    """Events, ids and files are those of the checkpoint, and work goes on from there."""
    home.journal.new_id("G")
    made = home.checkpoints.create("", journal=home.journal)
    home.journal.post("goal/G-0001", [note("lost")], actor="kernel")
    home.journal.new_id("G")
    (home.mind / "plan.py").write_text("VERSION = 2\n")
    (home.mind / "more.py").write_text("")
    home.journal.close()

    home.checkpoints.restore(made.id)

    journal = home.restart()
    assert [e.payload["text"] for e in journal.read("goal/G-0001")] == ["a", "b"]
    assert journal.new_id("G") == "G-0002"
    assert {path.name: path.read_text() for path in home.mind.iterdir()} == {
        "plan.py": "VERSION = 1\n"
    }


def test_going_back_is_recorded_and_verifies(home: Home, note: Note) -> None:
    """The audit names the head that was lost, and the anchor follows only because of that."""
    made = home.checkpoints.create("", journal=home.journal)
    (lost,) = home.journal.post("goal/G-0001", [note("lost")], actor="kernel")
    home.journal.close()

    home.checkpoints.restore(made.id, by="person:maria")

    journal = home.restart()
    (event,) = journal.read("agent")
    assert event.kind is EventKind.CHECKPOINT_RESTORED
    assert (event.id, event.payload["by"]) == (3, "person:maria")
    assert event.payload["lost"]["id"] == lost.id == 4
    assert event.payload["restored"]["id"] == 2
    assert (journal.verify().ok, journal.verify().anchor) == (True, "agrees")


def test_what_was_there_becomes_a_checkpoint_first(home: Home, note: Note) -> None:
    """Going back can itself be taken back."""
    made = home.checkpoints.create("", journal=home.journal)
    home.journal.post("goal/G-0001", [note("c")], actor="kernel")
    home.journal.close()
    home.checkpoints.restore(made.id)
    newest = home.checkpoints.list()[0]

    home.checkpoints.restore(newest.id)

    journal = home.restart()
    assert made.id in newest.note
    assert [e.payload["text"] for e in journal.read("goal/G-0001")] == ["a", "b", "c"]
    assert journal.verify().ok


def test_nothing_is_restored_under_a_running_agent(home: Home) -> None:
    """The home's lock is asked first."""
    made = home.checkpoints.create("", journal=home.journal)

    with HomeLock(home.place.folder / "lock"), pytest.raises(Busy):
        home.checkpoints.restore(made.id)

    assert len(home.checkpoints.list()) == 1


@pytest.mark.parametrize(
    "part", ["journal/journal.db", "body/mind/plan.py", "checkpoint.json", "body/mind/new.py"]
)
def test_a_changed_checkpoint_is_not_restored(home: Home, part: str) -> None:
    """One byte anywhere is enough, and nothing is touched."""
    made = home.checkpoints.create("", journal=home.journal)
    home.journal.close()
    path = home.place.folder / "checkpoints" / made.id / part
    content = path.read_bytes() if path.exists() else b""
    path.write_bytes(content[:-3] + b"x" + content[-2:])

    with pytest.raises(JournalBroken) as refused:
        home.checkpoints.restore(made.id)

    assert refused.value.hint
    assert home.restart().verify().ok
    assert home.journal.last_id() == 3


def test_an_unknown_checkpoint_is_not_found(home: Home) -> None:
    """A name that is none at all is told apart."""
    with pytest.raises(NotFound):
        home.checkpoints.restore("C-20200101-000000")
    with pytest.raises(InvalidInput):
        home.checkpoints.verify("../../etc")


def test_projections_are_rebuilt_after_a_restore(home: Home, note: Note) -> None:
    """A reading of the log follows it back."""

    class Seen:
        name = "seen"
        version = 1

        def __init__(self) -> None:
            self.ids: list[int] = []

        def create(self, connection: Any) -> None:
            pass

        def clear(self, connection: Any) -> None:
            self.ids = []

        def apply(self, connection: Any, event: Any) -> None:
            self.ids.append(event.id)

    home.journal.close()
    journal = home.place.open(projections=[Seen()])
    made = home.checkpoints.create("", journal=journal)
    journal.post("agent", [note(), note()], actor="kernel")
    journal.close()
    home.checkpoints.restore(made.id)
    seen = Seen()

    home.place.open(projections=[seen])

    assert seen.ids == [1, 2, 3]


def test_archives_belong_to_the_checkpoint(home: Home) -> None:
    """A log whose beginning was archived comes back whole."""
    home.journal.post("goal/G-0001", [NewEvent(kind=EventKind.GOAL_ENDED)], actor="kernel")
    home.journal.archive()
    made = home.checkpoints.create("", journal=home.journal)
    home.journal.close()
    for path in home.place.archives.iterdir():
        path.unlink()

    home.checkpoints.restore(made.id)

    journal = home.restart()
    assert [e.seq for e in journal.read("goal/G-0001")] == [1, 2, 3]
    assert journal.verify().ok


def test_a_damaged_journal_is_set_aside_and_replaced(sqlite_place: Any, note: Note) -> None:
    """A checkpoint is the way out of a broken database."""
    home = Home(sqlite_place)
    home.journal.post("agent", [note("a")], actor="kernel")
    made = home.checkpoints.create("", journal=home.journal)
    home.journal.close()
    sqlite_place.database.write_bytes(b"noise" * 5_000)

    home.checkpoints.restore(made.id)

    journal = home.restart()
    assert journal.verify().ok
    aside = journal.read("agent")[-1].payload["set_aside"]
    kept = home.place.folder / "checkpoints" / aside / sqlite_place.database.name
    assert kept.read_bytes().startswith(b"noise")


def test_a_checkpoint_moves_from_one_database_to_the_other(
    folder: Path, postgres_schema: str, note: Note
) -> None:
    """What was taken from PostgreSQL runs on SQLite, and the chain holds."""
    from autoclave.core.journal import SqlJournal

    place = {"key": b"k" * 32, "anchor": folder / "anchor"}
    rest: dict[str, Any] = {**place, "lock": folder / "lock"}
    journal = SqlJournal(postgres_schema, **place, archives=folder / "archive")  # type: ignore[arg-type]
    journal.post("agent", [note("a")], actor="kernel")
    made = Checkpoints(folder / "c", url=postgres_schema, **rest).create("", journal=journal)
    journal.close()
    url = f"sqlite:///{folder / 'journal.db'}"

    Checkpoints(folder / "c", url=url, **rest).restore(made.id)

    moved = SqlJournal(url, **place)  # type: ignore[arg-type]
    assert [e.kind for e in moved.read("agent")] == [
        EventKind.TIMER_SET,
        EventKind.CHECKPOINT_RESTORED,
    ]
    assert moved.verify().ok
    moved.close()


def test_old_checkpoints_are_thinned_out(home: Home) -> None:
    """The folder does not grow for ever."""
    checkpoints = home.open(
        clock=lambda: 1_700_000_000.0 + len(list(home.mind.parent.glob("c*/*")))
    )
    for _ in range(13):
        checkpoints.create("", journal=home.journal)

    kept = checkpoints.list()

    assert 10 <= len(kept) <= 11


@given(st.lists(st.floats(0, 400 * DAY), unique=True, max_size=80))
def test_thinning_keeps_the_newest_and_a_trace_of_the_rest(made_at: list[float]) -> None:
    """The last ten always stay; later rounds remove nothing that the first one kept."""
    now = 400 * DAY

    kept = to_keep(made_at, now=now)

    assert set(sorted(made_at)[-10:]) <= kept <= set(made_at)
    assert to_keep(sorted(kept), now=now) == kept
    assert len(kept) <= 10 + 15 + 58
