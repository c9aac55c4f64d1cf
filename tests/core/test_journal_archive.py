"""Old events leave the database and are still there for whoever asks."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from autoclave.domain.errors import JournalBroken
from autoclave.domain.events import EventKind, NewEvent

Note = Callable[..., NewEvent]


@pytest.fixture
def lived(place: Any, note: Note) -> Any:
    """Two goals that ended, one that lives on, and a word of the agent between them."""
    journal = place.open(clock=lambda: 1_000_000.0)
    journal.post("goal/G-0001", [note("a"), note(kind=EventKind.GOAL_ENDED)], actor="kernel")
    journal.post("agent", [note("b")], actor="kernel")
    journal.post("goal/G-0002", [note("c"), note(kind=EventKind.GOAL_CANCELLED)], actor="kernel")
    journal.post("goal/G-0003", [note("d"), note("e")], actor="kernel")
    return place


def test_only_settled_events_move(lived: Any) -> None:
    """A goal that lives keeps everything that came after its start."""
    journal = lived.opened[0]

    moved = journal.archive()

    (pruned,) = [e for e in journal.read_all() if e.kind is EventKind.EVENTS_PRUNED]
    assert (moved, pruned.payload["first_kept"], pruned.id) == (5, 6, 8)
    assert journal.archive() == 0


def test_reading_goes_on_as_if_nothing_had_moved(lived: Any) -> None:
    """Folds, pages and heads are the same before and after."""
    journal = lived.opened[0]
    before, goal = journal.read_all(), journal.read("goal/G-0002")

    journal.archive()

    assert journal.read_all()[:7] == before
    assert journal.read_all(after=3, limit=3) == before[3:6]
    assert journal.read_all(stream="goal/G-0001") == before[:2]
    assert journal.read("goal/G-0002") == goal
    assert journal.read("goal/G-0002", after=1) == goal[1:]
    assert journal.head("goal/G-0001").seq == 2


def test_the_log_and_its_archives_verify_together(lived: Any, note: Note) -> None:
    """The chain goes through both, over several archives and a restart."""
    journal = lived.opened[0]
    journal.archive(before_id=3)
    journal.archive(before_id=5)
    journal.close()
    journal = lived.open()

    found = journal.verify()

    assert (found.ok, found.events, found.reason) == (True, 9, "")


def test_young_events_stay(lived: Any) -> None:
    """Days to keep are counted from now."""
    journal = lived.opened[0]
    journal.close()

    young = lived.open(clock=lambda: 1_000_000.0 + 86_400 * 5)

    assert young.archive(keep_days=6) == 0
    assert young.archive(keep_days=4) == 5


def test_a_changed_archive_is_named(lived: Any) -> None:
    """The archives are as tamper-evident as the log."""
    journal = lived.opened[0]
    journal.archive()
    (path,) = lived.archives.iterdir()
    text = gzip.decompress(path.read_bytes()).replace(b'\\"c\\"', b'\\"C\\"')
    path.write_bytes(gzip.compress(text))

    found = journal.verify()

    assert (found.ok, found.first_bad) == (False, 4)
    with pytest.raises(JournalBroken, match="event 4"):
        journal.read_all()


@pytest.mark.parametrize("harm", [lambda p: p.unlink(), lambda p: p.write_bytes(b"torn")])
def test_a_missing_or_torn_archive_is_found(lived: Any, harm: Callable[[Any], object]) -> None:
    """History that is not there is not passed over."""
    journal = lived.opened[0]
    journal.archive()
    (path,) = lived.archives.iterdir()
    harm(path)

    assert "archive" in journal.verify().reason
    with pytest.raises(JournalBroken, match="archive"):
        journal.read_all()


def test_a_prefix_that_was_cut_off_by_hand_is_found(lived: Any) -> None:
    """Only an event of the log can say that earlier ones were moved."""
    from sqlalchemy import create_engine, delete, select, update

    from autoclave.core.tables import events, log_head

    journal = lived.opened[0]
    engine = create_engine(lived.url)
    with engine.begin() as connection:
        mac = connection.execute(select(events.c.mac).where(events.c.id == 2)).scalar_one()
        connection.execute(delete(events).where(events.c.id <= 2))
        connection.execute(update(log_head).values(base_id=3, base_mac=mac))
    engine.dispose()

    assert not journal.verify().ok


def test_an_archive_without_its_event_is_written_again(lived: Any) -> None:
    """A crash between the file and the commit leaves a file that nobody reads."""
    lived.archives.mkdir()
    orphan = lived.archives / "events-000000000001-000000000002.jsonl.gz"
    orphan.write_bytes(b"half written")
    journal = lived.opened[0]
    assert journal.verify().ok

    journal.archive()

    assert not orphan.exists()
    assert journal.verify().ok
