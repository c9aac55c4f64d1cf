"""Reading the log and its archives as one, every event checked on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ..domain.errors import InvalidInput, JournalBroken
from ..domain.events import Event, EventKind, Head
from .archive import Archives
from .chain import Row, is_authentic
from .journal_log import Log, stream_end
from .upcast import Upcasts

PAGE = 1_000


class Reading:
    """Safe from any thread. What is given out is what was written, upcast to today's versions."""

    def __init__(self, log: Log, archives: Archives, key: bytes, upcasts: Upcasts) -> None:
        self._log = log
        self._say = log.say
        self._archives = archives
        self._key = key
        self._upcasts = upcasts

    def of_stream(self, stream: str, *, after: int = 0) -> list[Event]:
        """The events of one stream with seq above `after`. Raises JournalBroken."""
        with self._log.reading() as connection:
            found = self._say.events_of.run(connection, stream_=stream, after=after)
            rows: list[Any] = list(found)
            end = seq_of(stream_end(connection, self._say, stream))
            if (rows[0].seq - 1 if rows else end) > after:
                base = self._say.head.run(connection).one().base_id
                archived = self._archives.rows(before=base)
                rows = [*(r for r in archived if r.stream == stream and r.seq > after), *rows]
        _check_whole(stream, [row.seq for row in rows], after=after, end=end)
        return self._events(rows)

    def of_all(self, *, after: int = 0, limit: int = PAGE, stream: str = "") -> list[Event]:
        """Events with id above `after`, of every stream or of those whose name starts so."""
        with self._log.reading() as connection:
            rows = self._page(connection, after=after, limit=limit, stream=stream)
            head = self._say.head.run(connection).one()
        base = head.base_id
        if after + 1 < base:
            archived = self._archives.rows(after=after, before=base)
            wanted = (row for row in archived if row.stream.startswith(stream))
            rows = [*islice(wanted, limit), *rows][:limit]
        if not stream:
            end = min(head.last_id, max(after, 0) + limit)
            _check_whole("the journal", [row.id for row in rows], after=max(after, 0), end=end)
        return self._events(rows)

    def of_kind(self, kind: EventKind) -> list[Event]:
        """Every event of one kind, oldest first."""
        with self._log.reading() as connection:
            rows: list[Any] = list(self._say.of_kind.run(connection, kind_=kind.value))
            base = self._say.head.run(connection).one().base_id
            archived = (r for r in self._archives.rows(before=base) if r.kind == kind)
            rows = [*archived, *rows]
        return self._events(rows)

    def everything(self, connection: Connection) -> Iterator[Event]:
        """Page by page, inside a transaction that is open."""
        base = self._say.head.run(connection).one().base_id
        for row in self._archives.rows(before=base):
            yield self._event(row)
        last = base - 1
        while page := self._page(connection, after=last, limit=PAGE, stream=""):
            yield from self._events(page)
            last = page[-1].id

    def rows_to(self, last: int) -> Iterator[Row]:
        """Every row from the first on, up to `last`, as it was written: for who checks it."""
        with self._log.reading() as connection:
            base = self._say.head.run(connection).one().base_id
            yield from self._archives.rows(before=base)
            after = base - 1
            while after < last:
                page = self._page(connection, after=after, limit=PAGE, stream="")
                yield from (Row._make(row) for row in page)
                after = page[-1].id if page else last

    def _page(self, connection: Connection, *, after: int, limit: int, stream: str) -> list[Any]:
        if not stream:
            return list(self._say.page.run(connection, after=after, most=limit))
        return list(
            self._say.page_of.run(
                connection, after=after, most=limit, prefix=stream, length=len(stream)
            )
        )

    def _events(self, rows: Iterable[Any]) -> list[Event]:
        return [self._event(Row._make(row)) for row in rows]

    def _event(self, row: Row) -> Event:
        if not is_authentic(self._key, row):
            raise JournalBroken(
                f"event {row.id} was changed after it was written, or the key is not its key",
                hint="`autoclave audit verify`, then `autoclave checkpoint restore`",
            )
        return self._upcasts.event(row)


def seq_of(head: Head | None) -> int:
    """How many events a stream has."""
    return head.seq if head else 0


def check_range(first: int, last: int, *, events: int) -> None:
    """Raise InvalidInput for what is no part of a journal with so many events."""
    if not 1 <= first <= last + 1 or last > events:
        raise InvalidInput(f"there are no events {first} to {last}: the journal has {events}")


def _check_whole(name: str, found: list[int], *, after: int, end: int) -> None:
    """What decisions rest on must not have a hole: a missing event is named."""
    if len(found) == max(0, end - after) and (not found or found[-1] == end):
        return
    there = frozenset(found)
    missing = next((n for n in range(after + 1, end + 1) if n not in there), None)
    if missing is None:
        return  # longer than its end says: `verify` tells which of the two was changed
    raise JournalBroken(
        f"event {missing} of {name} is missing: it was deleted",
        hint="`autoclave audit verify`, then `autoclave checkpoint restore`",
    )
