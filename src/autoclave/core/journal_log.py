"""The log as rows: one writing transaction at a time, every row chained to the one before."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, func, select

from ..domain.errors import JournalBroken
from ..domain.events import Head
from .anchor import Anchor
from .chain import Row, is_authentic, mac_of
from .journal_engine import WRITES, consistent_reader, open_engine, sqlite_path, translated
from .journal_statements import Statements

_RESTORE = "`autoclave audit verify` says more; `autoclave checkpoint restore` goes back to a copy"
_PREPARING = 0x6175746F636C6176  # names our lock among those of other programs on the server


class Transaction:
    """What is written before the next commit. It holds the log's write lock."""

    def __init__(self, connection: Connection, say: Statements, key: bytes) -> None:
        head = say.lock_head.run(connection).first()
        if head is None:
            raise JournalBroken("the journal has lost its head row", hint=_RESTORE)
        self.connection = connection
        self.say = say
        self.last_id: int = head.last_id
        self.mac = bytes(head.mac)
        self._key = key

    def stream(self, name: str) -> Head | None:
        """The end of a stream, None when it does not exist."""
        return stream_end(self.connection, self.say, name)

    def add(
        self,
        stream: str,
        drafts: Sequence[Mapping[str, Any]],
        *,
        found: Head | None,
        epoch: int,
    ) -> list[Row]:
        """Insert one row for each draft (kind, version, payload, actor, at) and move the ends."""
        if not drafts and found is not None and epoch == found.epoch:
            return []
        seq = found.seq if found else 0
        rows = [self._chain(stream, seq + n, epoch, draft) for n, draft in enumerate(drafts, 1)]
        if len(rows) == 1:
            self.say.add_event.run(self.connection, **rows[0]._asdict())
        elif rows:
            self.say.add_event.run_many(self.connection, [row._asdict() for row in rows])
        end = seq + len(rows)
        if found is None:
            self.say.add_stream.run(self.connection, stream=stream, epoch=epoch, seq=end)
        else:
            self.say.move_stream.run(self.connection, stream_=stream, e=epoch, s=end)
        self.say.move_head.run(self.connection, id=self.last_id, m=self.mac)
        return rows

    def _chain(self, stream: str, seq: int, epoch: int, draft: Mapping[str, Any]) -> Row:
        self.last_id += 1
        row = Row(
            id=self.last_id, stream=stream, seq=seq, epoch=epoch, prev=self.mac, mac=b"", **draft
        )
        self.mac = mac_of(self._key, row)
        return row._replace(mac=self.mac)


class Log:
    """The database and the anchor beside it, kept in step."""

    def __init__(
        self, url: str | URL, key: bytes, anchor: Anchor | None, *, frozen: bool = False
    ) -> None:
        _check_file_is_there(url, anchor)
        self._key = key
        self._anchor = anchor
        self._lock = threading.RLock()
        self._engine = open_engine(url, frozen=frozen)
        self._connection: Connection | None = None
        self._reader = consistent_reader(self._engine)
        self.say = Statements(self._engine.dialect)

    @contextmanager
    def preparing(self) -> Iterator[Connection]:
        """A writing transaction before the tables can be relied on; one process at a time."""
        with self._lock, translated(), self._begun() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_PREPARING)))
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All or nothing, durable when the block has ended."""
        with self._lock:
            with translated(), self._begun() as connection:
                transaction = Transaction(connection, self.say, self._key)
                start = transaction.last_id
                yield transaction
            if self._anchor is not None and transaction.last_id > start:
                # The events are durable: that the anchor could not follow must not look as if
                # they were not. It follows with the next append; `verify` says how far behind.
                with contextlib.suppress(OSError):
                    self._anchor.move(transaction.last_id, transaction.mac)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the log, in any thread."""
        with translated(), self._reader.connect() as connection:
            yield connection

    def check_end(self, connection: Connection) -> None:
        """The quick check on opening: the newest event, the head and the anchor must agree."""
        # The anchor first: what another process appends meanwhile only makes the log longer.
        anchored = self._anchor.read() if self._anchor else None
        head = self.say.lock_head.run(connection).first()
        if head is None:
            raise JournalBroken("the journal has lost its head row", hint=_RESTORE)
        if head.last_id >= head.base_id:
            self._check_event(connection, head.last_id, bytes(head.mac))
        if self._anchor and anchored is None:
            _start_anchor(self._anchor, head.last_id)
        if anchored is None or anchored.id < head.base_id:
            return
        if anchored.id > head.last_id:
            raise JournalBroken(
                f"the journal ends at event {head.last_id} but event {anchored.id} was written: "
                "it was truncated or rolled back to an older copy",
                hint=_RESTORE,
            )
        self._check_event(connection, anchored.id, anchored.mac)

    def close(self) -> None:
        """Let go of the database. What was appended is on disk already."""
        with self._lock, translated():
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._engine.dispose()
            if self._anchor:
                self._anchor.close()

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(**{WRITES: True})
        try:
            with self._connection.begin():
                yield self._connection
        except BaseException:
            # What broke may be the connection itself: the next append starts with a new one.
            connection, self._connection = self._connection, None
            connection.close()
            raise

    def _check_event(self, connection: Connection, id_: int, mac: bytes) -> None:
        found = self.say.event.run(connection, id=id_).first()
        row = Row._make(found) if found else None
        if row is None or row.mac != mac or not is_authentic(self._key, row):
            raise JournalBroken(
                f"event {id_} of the journal is missing, was changed, or has another key's MAC",
                hint=_RESTORE,
            )


def stream_end(connection: Connection, say: Statements, name: str) -> Head | None:
    """The end of a stream, None when it does not exist."""
    row = say.stream.run(connection, stream_=name).first()
    return Head(epoch=row.epoch, seq=row.seq) if row else None


def _start_anchor(anchor: Anchor, last_id: int) -> None:
    if last_id:
        raise JournalBroken(
            f"the anchor {anchor.path} is missing", hint=f"put it back, or: {_RESTORE}"
        )
    # It is there before the first event, so that its absence always means something.
    anchor.start()


def _check_file_is_there(url: str | URL, anchor: Anchor | None) -> None:
    path = sqlite_path(url)
    if path is None or anchor is None or path.exists():
        return
    anchored = anchor.read()
    if anchored is not None and anchored.id:
        raise JournalBroken(
            f"the database {path} is gone, and it held {anchored.id} events", hint=_RESTORE
        )
