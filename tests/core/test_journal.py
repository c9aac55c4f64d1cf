"""What every journal promises, on every database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, delete, insert, select

from autoclave.core.journal import SqlJournal
from autoclave.domain.errors import Fenced, InvalidInput, JournalBroken, Stale
from autoclave.domain.events import Event, EventKind, Head, NewEvent

Note = Callable[..., NewEvent]
NEW = Head(epoch=0, seq=0)


def test_appended_events_are_read_back_as_they_were_given(place: Any, note: Note) -> None:
    """What append returns and what a new process reads are the same events."""
    journal = place.open(clock=lambda: 1_700_000_000.123456)
    payload = {"text": "größe \ud800 \0", "list": [1, 2.5, None, True], "big": 2**80}

    given = [note(), NewEvent(kind=EventKind.GOAL_ADDED, payload=payload)]
    appended = journal.append("goal/G-0001", given, head=NEW, actor="cli")
    journal.close()

    assert tuple(place.open().read("goal/G-0001")) == appended
    assert appended[1].payload == payload
    assert [(e.id, e.seq, e.actor) for e in appended] == [(1, 1, "cli"), (2, 2, "cli")]
    assert appended[0].at == 1_700_000_000.123456


def test_tuples_come_back_as_lists_at_once(place: Any) -> None:
    """A fold sees the same values now and after a restart."""
    event = NewEvent(kind=EventKind.GOAL_ADDED, payload={"done": ("a", "b")})

    (appended,) = place.open().post("goal/G-0001", [event], actor="cli")

    assert appended.payload == {"done": ["a", "b"]}


def test_append_at_an_old_place_is_stale(place: Any, note: Note) -> None:
    """Whoever has not seen the newest event must look again."""
    journal = place.open()
    journal.append("goal/G-0001", [note()], head=NEW, actor="kernel")

    with pytest.raises(Stale):
        journal.append("goal/G-0001", [note()], head=NEW, actor="kernel")

    assert journal.last_id() == 1


def test_an_activation_that_wakes_up_after_another_took_over_is_fenced(
    place: Any, note: Note
) -> None:
    """The head of an older epoch is worthless for ever, even at the right seq."""
    frozen, other = place.open(), place.open()
    _, old = frozen.take("goal/G-0001", [note()], actor="kernel")
    taken, new = other.take("goal/G-0001", [], actor="kernel")

    with pytest.raises(Fenced):
        frozen.append("goal/G-0001", [note()], head=old, actor="kernel")

    assert (taken, new) == ((), Head(epoch=2, seq=1))
    assert other.append("goal/G-0001", [note()], head=new, actor="kernel")[0].epoch == 2


def test_post_needs_no_head_and_keeps_the_epoch(place: Any, note: Note) -> None:
    """A person's word is added at the end without fencing anybody off."""
    journal = place.open()
    _, head = journal.take("goal/G-0001", [note()], actor="kernel")

    (posted,) = journal.post("goal/G-0001", [note("yes")], actor="person:maria")

    assert (posted.epoch, posted.seq) == (1, 2)
    assert journal.head("goal/G-0001") == Head(epoch=head.epoch, seq=2)


def test_a_refused_append_leaves_no_trace(place: Any, note: Note) -> None:
    """All or none: ids stay without gaps after a payload that is not JSON."""
    journal = place.open()
    bad = NewEvent(kind=EventKind.TIMER_SET, payload={"when": float("nan")})

    with pytest.raises(InvalidInput):
        journal.post("agent", [note(), bad], actor="kernel")
    (event,) = journal.post("agent", [note()], actor="kernel")

    assert (event.id, event.seq) == (1, 1)


@pytest.mark.parametrize(("stream", "actor"), [("", "cli"), ("goal/\n", "cli"), ("agent", "\0")])
def test_names_are_plain_words(place: Any, note: Note, stream: str, actor: str) -> None:
    """A stream or actor with control characters is refused."""
    with pytest.raises(InvalidInput):
        place.open().post(stream, [note()], actor=actor)


def test_read_goes_on_after_a_seq(place: Any, note: Note) -> None:
    """A reader that has seen a part asks for the rest."""
    journal = place.open()
    journal.post("goal/G-0001", [note(str(n)) for n in range(5)], actor="kernel")
    journal.post("goal/G-0002", [note()], actor="kernel")

    assert [e.payload["text"] for e in journal.read("goal/G-0001", after=3)] == ["3", "4"]
    assert journal.read("goal/G-0001", after=5) == []
    assert journal.read("goal/G-0003") == []


def test_read_all_pages_through_the_streams_that_start_so(place: Any, note: Note) -> None:
    """Letters and wildcards of a prefix mean themselves."""
    journal = place.open()
    for stream in ("goal/G-1", "Goal/G-1", "goal_x", "goal/G-2"):
        journal.post(stream, [note()], actor="kernel")

    assert [e.stream for e in journal.read_all(stream="goal/")] == ["goal/G-1", "goal/G-2"]
    assert [e.id for e in journal.read_all(after=1, limit=2)] == [2, 3]
    assert journal.read_all(after=4) == []


def test_ids_under_a_prefix_never_repeat(place: Any) -> None:
    """Numbers go on after a restart, each prefix for itself."""
    journal = place.open()
    given = [journal.new_id("G"), journal.new_id("G"), journal.new_id("P")]
    journal.close()

    assert [*given, place.open().new_id("G")] == ["G-0001", "G-0002", "P-0001", "G-0003"]


def test_two_journals_on_one_database_share_one_chain(place: Any, note: Note) -> None:
    """Ids have no gaps and the chain holds when writers take turns."""
    one, two = place.open(), place.open()

    for _ in range(5):
        one.post("agent", [note("one")], actor="kernel")
        two.post("agent", [note("two")], actor="cli")

    assert [e.id for e in one.read_all()] == list(range(1, 11))
    assert two.verify().ok


def test_threads_may_share_one_journal(place: Any, note: Note) -> None:
    """Writers in several threads are put in a row."""
    journal = place.open()

    def work(stream: str) -> None:
        for _ in range(10):
            journal.post(stream, [note()], actor="kernel")
            journal.read(stream)

    threads = [threading.Thread(target=work, args=(f"goal/G-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert journal.last_id() == 40
    assert journal.verify().ok


def test_a_snapshot_is_kept_and_replaced(place: Any, note: Note) -> None:
    """The newest snapshot of a stream is given back."""
    journal = place.open()
    journal.post("goal/G-0001", [note(), note()], actor="kernel")

    journal.save_snapshot("goal/G-0001", 1, 7, {"state": "a"})
    journal.save_snapshot("goal/G-0001", 2, 7, {"state": "b"})

    assert journal.latest_snapshot("goal/G-0001") == (2, 7, {"state": "b"})
    assert journal.latest_snapshot("goal/G-0002") is None


def test_a_snapshot_ahead_of_its_stream_is_ignored(place: Any, note: Note) -> None:
    """A cache never wins over the log."""
    journal = place.open()
    journal.post("goal/G-0001", [note()], actor="kernel")

    journal.save_snapshot("goal/G-0001", 2, 1, {"state": "from the future"})

    assert journal.latest_snapshot("goal/G-0001") is None


def test_a_snapshot_of_another_key_is_ignored(place: Any, note: Note) -> None:
    """What cannot be trusted is folded anew."""
    journal = place.open(anchor=None)
    journal.post("goal/G-0001", [note()], actor="kernel")
    journal.save_snapshot("goal/G-0001", 1, 1, {"state": "a"})
    from sqlalchemy import create_engine, update

    from autoclave.core.tables import snapshots

    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(update(snapshots).values(data='{"state":"b"}'))
    engine.dispose()

    assert journal.latest_snapshot("goal/G-0001") is None


class Count:
    """A projection: how many events each stream has."""

    name = "count"
    table = Table(
        "counts", MetaData(), Column("stream", Text, primary_key=True), Column("n", Integer)
    )

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def create(self, connection: Any) -> None:
        self.table.create(connection, checkfirst=True)

    def clear(self, connection: Any) -> None:
        connection.execute(delete(self.table))

    def apply(self, connection: Any, event: Event) -> None:
        if event.payload.get("text") == "fail":
            raise RuntimeError("a bug in a projection")
        if event.seq == 1:
            connection.execute(insert(self.table).values(stream=event.stream, n=0))
        table = self.table
        more = table.update().where(table.c.stream == event.stream).values(n=table.c.n + 1)
        connection.execute(more)

    def rows(self, journal: SqlJournal) -> dict[str, int]:
        from sqlalchemy import create_engine

        engine = create_engine(journal.url)
        with engine.connect() as connection:
            found = {row.stream: row.n for row in connection.execute(select(self.table))}
        engine.dispose()
        return found


def test_projections_follow_in_the_same_transaction(place: Any, note: Note) -> None:
    """When a projection breaks, its event is not there either."""
    count = Count()
    journal = place.open(projections=[count])
    journal.post("agent", [note(), note()], actor="kernel")

    with pytest.raises(RuntimeError):
        journal.post("agent", [note("fail")], actor="kernel")

    assert count.rows(journal) == {"agent": 2}
    assert journal.last_id() == 2


def test_a_projection_that_is_new_or_changed_is_rebuilt(place: Any, note: Note) -> None:
    """Raising the version is all that a changed projection has to do."""
    first = place.open()
    first.post("agent", [note(), note()], actor="kernel")
    first.close()

    place.open(projections=[Count(1)]).close()
    changed = place.open(projections=[Count(2)])

    assert Count().rows(changed) == {"agent": 2}


def test_a_projection_that_missed_events_is_rebuilt(place: Any, note: Note) -> None:
    """A process without the projection may write; the next one with it catches up."""
    place.open(projections=[Count()]).close()
    place.open().post("agent", [note()], actor="cli")

    journal = place.open(projections=[Count()])

    assert Count().rows(journal) == {"agent": 1}


def test_old_payloads_are_lifted_when_they_are_read(place: Any) -> None:
    """Every reader sees today's version, step by step."""
    old = NewEvent(kind=EventKind.TIMER_SET, payload={"at": 1})
    place.open().post("agent", [old], actor="kernel")
    lifts: dict[tuple[EventKind, int], Callable[[Any], Any]] = {
        (EventKind.TIMER_SET, 1): lambda payload: {"wake_at": payload["at"]},
        (EventKind.TIMER_SET, 2): lambda payload: {**payload, "reason": ""},
    }

    journal = place.open(upcasters=lifts)

    (event,) = journal.read("agent")
    assert (event.version, event.payload) == (3, {"wake_at": 1, "reason": ""})
    with pytest.raises(InvalidInput):
        journal.post("agent", [old], actor="kernel")


def test_an_event_from_a_newer_version_is_refused(place: Any) -> None:
    """An unknown version stops the reader instead of being guessed at."""
    newer = place.open(upcasters={(EventKind.TIMER_SET, 1): lambda payload: payload})
    newer.post("agent", [NewEvent(kind=EventKind.TIMER_SET, version=2)], actor="kernel")

    with pytest.raises(JournalBroken, match="newer Autoclave") as refused:
        place.open().read("agent")

    assert refused.value.hint
