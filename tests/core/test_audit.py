"""The journal as evidence: holes, older copies, exports that others can check, the watch on it."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoclave.core.audit_export import check_lines, write_new
from autoclave.core.chain_watch import ChainWatch
from autoclave.core.journal_verify import Known
from autoclave.domain.errors import Conflict, InvalidInput, JournalBroken
from autoclave.domain.events import EventKind, NewEvent

OTHER_KEY = b"o" * 32


def _fill(journal: Any, count: int = 9, stream: str = "goal/G-1") -> None:
    for number in range(count):
        payload = {"n": number, "text": "ü «x» \x00 \ud800", "f": 0.1}
        event = NewEvent(kind=EventKind.TIMER_SET, payload=payload)
        journal.post(stream, [event], actor="kernel")


def _sql(place: Any, *statements: str) -> None:
    with closing(sqlite3.connect(place.database)) as link, link:
        for statement in statements:
            link.execute(statement)


def _exported(place: Any, **bounds: int) -> list[str]:
    return list(place.open().export(**bounds))


# Holes


@pytest.mark.parametrize("missing", [1, 4, 9])
def test_reading_a_stream_names_a_missing_event(sqlite_place: Any, missing: int) -> None:
    """Decisions rest on what is read, so that a hole must not be read over."""
    journal = sqlite_place.open()
    _fill(journal)

    _sql(sqlite_place, f"DELETE FROM events WHERE seq = {missing}")  # noqa: S608

    with pytest.raises(JournalBroken, match=f"event {missing} of goal/G-1 is missing"):
        journal.read("goal/G-1")
    with pytest.raises(JournalBroken, match=f"event {missing} of the journal is missing"):
        journal.read_all()


def test_a_hole_before_what_is_asked_for_does_not_matter(place: Any) -> None:
    """Only what is read has to be whole; an empty answer is whole too."""
    journal = place.open()
    _fill(journal)
    _fill(journal, 2, "agent")

    assert [event.seq for event in journal.read("goal/G-1", after=7)] == [8, 9]
    assert journal.read("goal/G-1", after=9) == []
    assert journal.read("goal/G-2") == []
    assert [event.id for event in journal.read_all(after=8, limit=2)] == [9, 10]
    assert journal.read_all(after=11) == []


def test_a_stream_that_was_archived_in_part_is_whole(place: Any) -> None:
    """The events in the archive count."""
    journal = place.open()
    _fill(journal)
    journal.post("goal/G-1", [NewEvent(kind=EventKind.GOAL_CANCELLED)], actor="kernel")

    assert journal.archive(before_id=6) == 5

    assert [event.seq for event in journal.read("goal/G-1", after=2)] == list(range(3, 11))
    assert len(journal.read_all(after=2)) == 9
    assert len(journal.of_kind(EventKind.TIMER_SET)) == 9


# Older copies


def test_a_head_that_was_kept_gives_an_older_copy_away(sqlite_place: Any, tmp_path: Path) -> None:
    """Journal and anchor together were replaced by copies: nothing inside the home shows it."""
    journal = sqlite_place.open()
    _fill(journal)
    journal.close()
    shutil.copytree(sqlite_place.folder, tmp_path / "copy")
    journal = sqlite_place.open()
    _fill(journal, 3)
    head = Known.parse(journal.verify().head)
    assert journal.verify(expect=head).ok
    journal.close()

    shutil.rmtree(sqlite_place.folder)
    shutil.copytree(tmp_path / "copy", sqlite_place.folder)

    rolled_back = sqlite_place.open()
    assert rolled_back.verify().ok
    seen = rolled_back.verify(expect=head)
    assert (seen.ok, seen.first_bad) == (False, 10)
    assert "rolled back" in seen.reason
    _fill(rolled_back, 5)
    seen = rolled_back.verify(expect=head)
    assert (seen.ok, seen.first_bad) == (False, 12)
    assert "went on another way" in seen.reason


def test_a_head_of_an_archived_event_is_found(place: Any) -> None:
    """It is in the archive now."""
    journal = place.open()
    _fill(journal, 4)
    head = Known.parse(journal.verify().head)
    journal.post("goal/G-1", [NewEvent(kind=EventKind.GOAL_CANCELLED)], actor="kernel")
    journal.archive()

    assert journal.verify(expect=head).ok
    assert not journal.verify(expect=Known(4, "0" * 32)).ok


@pytest.mark.parametrize("text", ["", "12", "12:", "x:0123456789abcdef", "12:0123", "12:xyz" * 9])
def test_what_is_no_head_is_refused(text: str) -> None:
    """A part that is too short to say anything too."""
    with pytest.raises(InvalidInput):
        Known.parse(text)


# The watch


def test_the_watch_looks_at_what_is_new(sqlite_place: Any) -> None:
    """And at all of it again after a day: what was verified may be changed later."""
    journal = sqlite_place.open()
    _fill(journal)
    now = [0.0]
    watch = ChainWatch(journal, clock=lambda: now[0])
    assert watch() == ""
    _fill(journal, 3)
    _sql(sqlite_place, "UPDATE events SET actor = 'mind' WHERE id = 2")

    now[0] = 3600.0
    assert watch() == ""
    now[0] = 90_000.0

    assert watch() == "event 2 was edited or forged"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE events SET actor = 'mind' WHERE id = 11", "event 11 was edited or forged"),
        ("DELETE FROM events WHERE id = 11", "event 11 is missing"),
        ("DELETE FROM events WHERE id = 12", "truncated"),
        ("DELETE FROM events WHERE id = 9", "event 9 was verified before"),
        ("UPDATE streams SET seq = 3", "the end that is kept for goal/G-1"),
        ("UPDATE log_head SET last_id = 11", "truncated"),
    ],
)
def test_the_watch_finds_a_gap_and_writes_it_down_once(
    sqlite_place: Any, damage: str, said: str
) -> None:
    """A running agent notices, and the incident is in the journal, however broken that is."""
    journal = sqlite_place.open()
    _fill(journal)
    watch = ChainWatch(journal, clock=lambda: 0.0)
    assert watch() == ""
    _fill(journal, 3)

    _sql(sqlite_place, damage)

    assert said in watch()
    assert watch() != ""
    with closing(sqlite3.connect(sqlite_place.database)) as link:
        written = "SELECT count(*) FROM events WHERE kind = 'IncidentRecorded'"
        assert link.execute(written).fetchone()[0] <= 2


def test_the_watch_goes_on_after_an_archive(place: Any) -> None:
    """What it knew last may have been moved out."""
    journal = place.open()
    _fill(journal)
    journal.post("goal/G-1", [NewEvent(kind=EventKind.GOAL_CANCELLED)], actor="kernel")
    watch = ChainWatch(journal)
    assert watch() == ""

    journal.archive()
    _fill(journal, 2, "agent")

    assert watch() == ""
    assert watch() == ""


def test_the_watch_on_an_empty_journal(place: Any) -> None:
    """There is nothing to say."""
    watch = ChainWatch(place.open())

    assert watch() == ""
    assert watch() == ""


# Exports


def test_an_export_is_checked_by_anybody(place: Any) -> None:
    """With nothing but SHA-256 over what stands in the line."""
    _fill(place.open())
    lines = _exported(place)

    previous = "0" * 64
    for line in lines[:-1]:
        text = line[len('{"previous":"') + 64 + len('","event":') : -len(',"hash":"') - 66]
        given = json.loads(line)
        digest = hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
        assert (given["previous"], given["hash"]) == (previous, digest)
        assert json.loads(text) == given["event"]
        previous = digest
    assert check_lines(lines, key=None).mac == "not checked"
    assert check_lines(lines, key=place.key).mac == "agrees"
    assert check_lines(lines, key=place.key).events == 9
    closing_line = json.loads(lines[-1])["closing"]
    assert closing_line["head"]["hash"] == previous
    assert closing_line["anchor"]["id"] == 9


def test_an_export_by_another_home_is_not_ours(place: Any) -> None:
    """Whoever rewrites the whole chain still lacks the key."""
    _fill(place.open())

    seen = check_lines(_exported(place), key=OTHER_KEY)

    assert (seen.ok, seen.mac, seen.first_bad) == (False, "disagrees", 10)


def test_a_part_has_the_hashes_of_the_whole(place: Any) -> None:
    """So that exports can be laid side by side, archives included."""
    journal = place.open()
    _fill(journal)
    journal.post("goal/G-1", [NewEvent(kind=EventKind.GOAL_CANCELLED)], actor="kernel")
    whole = _exported(place, last=10)
    journal.archive(before_id=6)

    part = _exported(place, first=4, last=8)

    assert part[:-1] == whole[3:8]
    assert check_lines(part, key=place.key).ok
    assert _exported(place, last=10)[:-1] == whole[:-1]


@pytest.mark.parametrize(("first", "last"), [(0, 3), (2, 11), (7, 4)])
def test_events_that_are_not_there_are_not_exported(place: Any, first: int, last: int) -> None:
    """Neither is nothing at all, quietly."""
    _fill(place.open())

    with pytest.raises(InvalidInput):
        _exported(place, first=first, last=last)


def test_a_journal_that_does_not_verify_is_not_exported(sqlite_place: Any) -> None:
    """An export would make it look whole."""
    journal = sqlite_place.open()
    _fill(journal)
    _sql(sqlite_place, "UPDATE events SET payload = '{}' WHERE id = 3")

    with pytest.raises(JournalBroken, match="event 3"):
        journal.export()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An export of nine events."""
    from autoclave.core.journal import SqlJournal

    folder = tmp_path_factory.mktemp("exported")
    journal = SqlJournal(f"sqlite:///{folder / 'journal.db'}", b"k" * 32, folder / "anchor")
    _fill(journal)
    found = list(journal.export())
    journal.close()
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_changed_byte_is_found_and_its_line_named(
    lines: list[str], data: st.DataObject
) -> None:
    """Without the key up to the closing line, with it there as well."""
    number = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[number]) - 1))
    other = data.draw(st.characters(codec="utf-8", exclude_characters=lines[number][place] + "\n"))
    changed = lines[number][:place] + other + lines[number][place + 1 :]

    seen = check_lines([*lines[:number], changed, *lines[number + 1 :]], key=b"k" * 32)

    assert not seen.ok
    assert seen.first_bad == number + 1


@pytest.mark.parametrize(
    ("change", "bad"),
    [
        (lambda lines: lines[:-1], 10),
        (lambda lines: lines[:4], 5),
        (lambda lines: [*lines[:3], *lines[4:]], 4),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], 4),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
        (lambda lines: [*lines, lines[0]], 11),
        (lambda lines: lines[1:], 9),
        (lambda lines: [*lines[:7], lines[-1]], 8),
        (lambda lines: [], 1),
    ],
)
def test_cutting_and_reordering_is_found(lines: list[str], change: Any, bad: int) -> None:
    """The chain and the closing line leave no way, even without the key."""
    seen = check_lines(change(lines), key=None)

    assert (seen.ok, seen.first_bad) == (False, bad)


def test_a_file_is_written_whole_and_never_over_another(tmp_path: Path, lines: list[str]) -> None:
    """Private, and with nothing left beside it."""
    path = tmp_path / "audit.jsonl"
    write_new(path, lines)

    assert path.read_text().splitlines() == lines
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Conflict, match="is there already"):
        write_new(path, ["x"])
    with pytest.raises(InvalidInput, match="is not a folder"):
        write_new(tmp_path / "none" / "x", lines)

    def breaks() -> Any:
        yield lines[0]
        raise JournalBroken("half way")

    with pytest.raises(JournalBroken):
        write_new(tmp_path / "half", breaks())
    assert [each.name for each in tmp_path.iterdir()] == ["audit.jsonl"]
