"""Whatever is done to the log behind our back is found, named, and told apart."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from autoclave.core.chain import load_key
from autoclave.core.journal import SqlJournal
from autoclave.core.journal_verify import Verification, verify_journal
from autoclave.domain.errors import ConfigurationInvalid, JournalBroken, NotFound
from autoclave.domain.events import EventKind, Head, NewEvent

KEY = b"k" * 32
COLUMNS = ("stream", "seq", "epoch", "kind", "version", "payload", "actor", "at", "prev", "mac")


def _fill(journal: SqlJournal, count: int = 10) -> None:
    for n in range(count):
        event = NewEvent(kind=EventKind.TIMER_SET, payload={"n": n})
        journal.post(f"goal/G-{n % 3}", [event], actor="kernel")


def _tamper(place: Any, *statements: str) -> None:
    engine = create_engine(place.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def _check(place: Any, **changes: Any) -> Verification:
    given: dict[str, Any] = {"key": place.key, "anchor": place.anchor, "archives": place.archives}
    return verify_journal(place.url, **{**given, **changes})


@pytest.fixture
def filled(place: Any) -> Any:
    """Ten events, and nobody at work."""
    journal = place.open()
    _fill(journal)
    journal.close()
    return place


def test_an_untouched_log_verifies(filled: Any) -> None:
    """Every event is counted and the anchor agrees."""
    seen = _check(filled)

    assert seen == Verification(
        ok=True, events=10, first_bad=None, reason="", anchor="agrees", head=seen.head
    )
    assert seen.head.startswith("10:")


@pytest.mark.parametrize(
    "change",
    [
        "payload = '{\"n\":7}'",
        "actor = 'person:maria'",
        "at = at + 1",
        "epoch = 9",
        "stream = 'goal/G-9'",
        "kind = 'GoalEnded'",
        "version = 2",
        "seq = 77",
    ],
)
def test_an_edit_is_named(filled: Any, change: str) -> None:
    """No field of an event can be changed."""
    _tamper(filled, f"UPDATE events SET {change} WHERE id = 4")  # noqa: S608

    found = _check(filled)

    assert (found.ok, found.first_bad, found.events) == (False, 4, 3)
    assert "edited" in found.reason


def test_an_edited_event_is_not_read(filled: Any) -> None:
    """Nothing is decided on an event that was changed."""
    _tamper(filled, "UPDATE events SET actor = 'person:maria' WHERE id = 4")
    journal = filled.open()

    with pytest.raises(JournalBroken, match="event 4"):
        journal.read_all()


def test_a_deletion_is_named(filled: Any) -> None:
    """The missing event is the first bad one."""
    _tamper(filled, "DELETE FROM events WHERE id = 4")

    found = _check(filled)

    assert (found.first_bad, "deleted" in found.reason) == (4, True)


def test_a_swap_is_named(filled: Any) -> None:
    """Two events that changed places are out of order."""
    _tamper(
        filled,
        "UPDATE events SET id = 100 WHERE id = 4",
        "UPDATE events SET id = 4 WHERE id = 5",
        "UPDATE events SET id = 5 WHERE id = 100",
    )

    found = _check(filled)

    assert (found.first_bad, "out of order" in found.reason) == (4, True)


def test_a_duplicate_is_named(filled: Any) -> None:
    """The same event cannot happen twice, whatever place it is given."""
    copied = ", ".join(COLUMNS).replace("seq", "77", 1)
    _tamper(filled, f"INSERT INTO events SELECT 11, {copied} FROM events WHERE id = 3")  # noqa: S608

    found = _check(filled)

    assert (found.ok, found.first_bad) == (False, 11)


def test_a_cut_tail_is_named(filled: Any) -> None:
    """Events missing at the end are noticed although the rest is whole."""
    _tamper(filled, "DELETE FROM events WHERE id > 7")

    found = _check(filled)

    assert (found.first_bad, "truncated" in found.reason, found.events) == (8, True, 7)
    with pytest.raises(JournalBroken):
        filled.open()


def test_a_forged_event_is_named(filled: Any) -> None:
    """Without the key nobody can add to the log."""
    values = "11, 'agent', 1, 0, 'ProposalApproved', 1, '{}', 'person:maria', 1, prev, mac"
    _tamper(filled, f"INSERT INTO events SELECT {values} FROM events WHERE id = 10")  # noqa: S608

    found = _check(filled)

    assert (found.first_bad, "forged" in found.reason) == (11, True)


def test_a_changed_end_of_a_stream_is_found(filled: Any) -> None:
    """The fence cannot be lowered by hand."""
    _tamper(filled, "UPDATE streams SET seq = 1 WHERE stream = 'goal/G-0'")

    found = _check(filled)

    assert (found.ok, found.first_bad) == (False, None)
    assert "goal/G-0" in found.reason


def test_another_key_is_told_from_an_edit(filled: Any) -> None:
    """A lost key file is not reported as a forged log."""
    found = _check(filled, key=b"x" * 32, anchor=None)

    assert not found.ok
    assert "key" in found.reason
    with pytest.raises(JournalBroken, match="key"):
        filled.open(key=b"x" * 32)


def test_a_missing_anchor_is_found(filled: Any) -> None:
    """Removing the witness is noticed, too."""
    filled.anchor.unlink()

    assert "anchor" in _check(filled).reason
    with pytest.raises(JournalBroken, match="anchor"):
        filled.open()


def test_a_changed_anchor_is_found(filled: Any) -> None:
    """The anchor carries a MAC of its own."""
    filled.anchor.write_bytes(filled.anchor.read_bytes().replace(b"10 ", b"07 ", 1))

    assert "anchor" in _check(filled).reason


def test_an_anchor_that_is_behind_is_fine(filled: Any) -> None:
    """After a power cut the anchor may be older than the log, which lost nothing."""
    before = filled.anchor.read_bytes()
    journal = filled.open()
    _fill(journal, 2)
    journal.close()
    filled.anchor.write_bytes(before)

    found = _check(filled)

    assert (found.ok, found.anchor) == (True, "2 events behind")
    filled.open()


def test_an_older_copy_is_a_rollback(sqlite_place: Any) -> None:
    """A whole but older database is told by its anchor."""
    place = sqlite_place
    journal = place.open()
    _fill(journal, 5)
    journal.close()
    shutil.copy(place.database, place.folder / "old.db")
    journal = place.open()
    _fill(journal, 5)
    journal.close()

    shutil.copy(place.folder / "old.db", place.database)

    found = _check(place)
    assert (found.first_bad, "rolled back" in found.reason) == (6, True)
    with pytest.raises(JournalBroken, match="rolled back"):
        place.open()


def test_an_older_copy_that_was_written_to_is_another_history(sqlite_place: Any) -> None:
    """As many events as before, but not the same ones."""
    place = sqlite_place
    journal = place.open()
    _fill(journal, 5)
    journal.close()
    shutil.copy(place.database, place.folder / "old.db")
    journal = place.open()
    _fill(journal, 2)
    journal.close()
    shutil.copy(place.folder / "old.db", place.database)
    forked = place.open(anchor=None)
    _fill(forked, 4)
    forked.close()

    found = _check(place)

    assert (found.first_bad, "anchor" in found.reason) == (7, True)


def test_a_removed_database_is_not_replaced_by_an_empty_one(sqlite_place: Any) -> None:
    """An agent without memory does not start as if nothing had been."""
    journal = sqlite_place.open()
    _fill(journal, 2)
    journal.close()
    sqlite_place.database.unlink()

    with pytest.raises(JournalBroken, match="gone"):
        sqlite_place.open()
    assert not _check(sqlite_place).ok
    assert not sqlite_place.database.exists()


def test_nothing_to_verify_is_said(sqlite_place: Any) -> None:
    """A home that never ran has no journal to check."""
    with pytest.raises(NotFound):
        _check(sqlite_place)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    row=st.integers(1, 10),
    column=st.sampled_from(COLUMNS),
    position=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_is_named(
    folder: Path, row: int, column: str, position: int, bit: int
) -> None:
    """One bit of one field of one event is enough, and the event is the right one."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        home = Path(name)
        url = f"sqlite:///{home / 'journal.db'}"
        journal = SqlJournal(url, KEY, home / "anchor")
        _fill(journal)
        journal.close()

        engine = create_engine(url)
        with engine.begin() as connection:
            query = text(f"SELECT CAST({column} AS BLOB) FROM events WHERE id = :id")  # noqa: S608
            value = bytearray(connection.execute(query, {"id": row}).scalar_one())
            value[position % len(value)] ^= 1 << bit
            kind = {"prev": "BLOB", "mac": "BLOB"}.get(column, "TEXT")
            change = f"UPDATE events SET {column} = CAST(:value AS {kind}) WHERE id = :id"  # noqa: S608
            try:
                connection.execute(text(change), {"value": bytes(value), "id": row})
            except IntegrityError:
                reject()  # the database itself refuses a second event at that place
        engine.dispose()
        found = verify_journal(url, KEY, anchor=home / "anchor")

        assert (found.ok, found.first_bad) == (False, row)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["append", "post", "take", "reopen"]),
            st.sampled_from(["agent", "goal/G-1", "goal/G-2"]),
            st.integers(0, 3),
        ),
        max_size=25,
    )
)
def test_any_history_reads_back_and_verifies(
    folder: Path, steps: list[tuple[str, str, int]]
) -> None:
    """The log equals a plain list, whatever the order of takes, appends, posts and restarts."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        home = Path(name)
        url = f"sqlite:///{home / 'journal.db'}"
        journal = SqlJournal(url, KEY, home / "anchor")
        model: list[tuple[str, int, int, int]] = []
        heads = {stream: Head(epoch=0, seq=0) for stream in ("agent", "goal/G-1", "goal/G-2")}

        for step, stream, count in steps:
            batch = [NewEvent(kind=EventKind.TIMER_SET, payload={"n": n}) for n in range(count)]
            head = heads[stream]
            if step == "append":
                journal.append(stream, batch, head=head, actor="kernel")
            elif step == "post":
                journal.post(stream, batch, actor="cli")
            elif step == "take":
                head = journal.take(stream, batch, actor="kernel")[1]
            else:
                journal.close()
                journal = SqlJournal(url, KEY, home / "anchor")
                continue
            first = heads[stream].seq
            model += [(stream, first + n + 1, head.epoch, n) for n in range(count)]
            heads[stream] = Head(epoch=head.epoch, seq=first + count)

        found = [(e.stream, e.seq, e.epoch, e.payload["n"]) for e in journal.read_all()]
        assert found == model
        assert {stream: journal.head(stream) for stream in heads} == heads
        assert journal.verify().events == len(model)
        assert journal.verify().ok
        journal.close()


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """The same 32 bytes every time, readable by nobody else."""
    path = tmp_path / "home" / "key"

    first, again = load_key(path), load_key(path)

    assert first == again
    assert len(first) == 32
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("spoil", [lambda p: p.chmod(0o640), lambda p: p.write_bytes(b"short")])
def test_a_bad_key_file_is_refused(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    """A key that others can read, or half a key, is not used."""
    path = tmp_path / "key"
    load_key(path)
    spoil(path)

    with pytest.raises(ConfigurationInvalid) as refused:
        load_key(path)

    assert refused.value.hint
