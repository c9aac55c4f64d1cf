"""The append-only log on a database: the only truth, which everything else is read from."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from ..domain.canonical import JsonObject, canonical
from ..domain.errors import Fenced, InvalidInput, JournalBroken, Stale
from ..domain.events import Event, EventKind, Head, NewEvent
from ..domain.ports import Clock, Projection
from .anchor import Anchor
from .archive import Archives, default_folder
from .audit_export import export_lines
from .chain import mac_of_note
from .journal_engine import sqlite_path
from .journal_log import Log, Transaction, stream_end
from .journal_projections import forget_projections, prepare_projections
from .journal_reading import PAGE, Reading, check_range, seq_of
from .journal_verify import Known, Verification, verify_log
from .tables import prepare_schema
from .upcast import UPCASTERS, Upcaster, Upcasts
from .vault import Vault

_DAY_SECONDS = 86_400


class SqlJournal:
    """The port `Journal` on SQLite or PostgreSQL; the same code serves both.

    Reading is safe from any thread; writing is serialised here and between processes.
    """

    def __init__(
        self,
        url: str | URL,
        key: bytes,
        anchor: Path | None = None,
        *,
        projections: Sequence[Projection] = (),
        clock: Clock = time.time,
        upcasters: Mapping[tuple[EventKind, int], Upcaster] = UPCASTERS,
        archives: Path | None = None,
        vault: Vault | None = None,
    ) -> None:
        """Open the log; make it if there is none. With a vault no secret is written to it.

        Raises JournalBroken when it is damaged, shorter than its anchor, of another key or from
        the future; ConfigurationInvalid when it cannot be written; OutOfResources; Busy.
        """
        self.url = url
        self._key = key
        self._vault = vault
        self._projections = tuple(projections)
        self._clock = clock
        self._upcasts = Upcasts(upcasters)
        self._anchor = Anchor(anchor, key) if anchor else None
        self._archives = Archives(archives or default_folder(sqlite_path(url)))
        self._log = Log(url, key, self._anchor)
        self._say = self._log.say
        self._reading = Reading(self._log, self._archives, key, self._upcasts)
        try:
            with self._log.preparing() as connection:
                prepare_schema(connection)
                self._log.check_end(connection)
                self._unserved = prepare_projections(
                    connection, self._projections, lambda: self._reading.everything(connection)
                )
        except BaseException:
            self._log.close()
            raise

    def append(
        self, stream: str, events: Sequence[NewEvent], *, head: Head, actor: str
    ) -> tuple[Event, ...]:
        """Append all or none, durable on return. Raises Fenced or Stale when `head` is not it."""
        drafts = self._drafts(stream, events, actor)
        with self._log.transaction() as transaction:
            found = transaction.stream(stream)
            _check_fence(stream, found=found, named=head)
            return self._add(transaction, stream, drafts, found=found, epoch=head.epoch)

    def post(self, stream: str, events: Sequence[NewEvent], *, actor: str) -> tuple[Event, ...]:
        """Append at whatever the end is: for facts that need no fence (a person's word)."""
        drafts = self._drafts(stream, events, actor)
        with self._log.transaction() as transaction:
            return self._post(transaction, stream, drafts)

    def take(
        self, stream: str, events: Sequence[NewEvent], *, actor: str
    ) -> tuple[tuple[Event, ...], Head]:
        """Raise the stream's epoch and append `events` under it; every older head is fenced off."""
        drafts = self._drafts(stream, events, actor)
        with self._log.transaction() as transaction:
            found = transaction.stream(stream)
            before = found or Head(epoch=0, seq=0)
            epoch = before.epoch + 1
            added = self._add(transaction, stream, drafts, found=found, epoch=epoch)
            return added, Head(epoch=epoch, seq=before.seq + len(added))

    def new_id(self, prefix: str) -> str:
        """The next free number under a prefix: `G-0001`, `P-0002`."""
        with self._log.transaction() as transaction:
            connection = transaction.connection
            last = self._say.counter.run(connection, p=prefix).scalar()
            if last is None:
                self._say.add_counter.run(connection, prefix=prefix, last=1)
            else:
                self._say.move_counter.run(connection, p=prefix, n=last + 1)
        return f"{prefix}-{(last or 0) + 1:04d}"

    def head(self, stream: str) -> Head:
        """The end of a stream; epoch 0 and seq 0 when it does not exist."""
        with self._log.reading() as connection:
            return stream_end(connection, self._say, stream) or Head(epoch=0, seq=0)

    def last_id(self) -> int:
        """Id of the newest event, 0 for an empty log."""
        with self._log.reading() as connection:
            return int(self._say.head.run(connection).one().last_id)

    def read(self, stream: str, *, after: int = 0) -> list[Event]:
        """The events of one stream with seq above `after`, upcast to today's versions.

        Raises JournalBroken for an event that was changed after it was written, or is missing.
        """
        return self._reading.of_stream(stream, after=after)

    def read_all(self, *, after: int = 0, limit: int = PAGE, stream: str = "") -> list[Event]:
        """Events with id above `after`, of every stream or of those whose name starts so."""
        return self._reading.of_all(after=after, limit=limit, stream=stream)

    def of_kind(self, kind: EventKind) -> list[Event]:
        """Every event of one kind, oldest first."""
        return self._reading.of_kind(kind)

    def save_snapshot(self, stream: str, seq: int, version: int, data: JsonObject) -> None:
        """Keep a state folded from the first `seq` events: a cache, never the truth."""
        text = _json_text(data)
        mac = self._mac_of_snapshot(stream, seq, version, text)
        row = {"stream": stream, "seq": seq, "version": version, "data": text, "mac": mac}
        with self._log.transaction() as transaction:
            self._say.drop_snapshot.run(transaction.connection, stream_=stream)
            self._say.add_snapshot.run(transaction.connection, **row)

    def latest_snapshot(self, stream: str) -> tuple[int, int, JsonObject] | None:
        """`(seq, version, data)`, or None when there is none that can be trusted."""
        with self._log.reading() as connection:
            row = self._say.snapshot.run(connection, stream_=stream).first()
            end = stream_end(connection, self._say, stream)
        if row is None or row.seq > seq_of(end):
            return None
        mac = self._mac_of_snapshot(stream, row.seq, row.version, row.data)
        if not hmac.compare_digest(mac, row.mac):
            return None
        return row.seq, row.version, json.loads(row.data)

    def archive(self, *, before_id: int | None = None, keep_days: float | None = None) -> int:
        """Move the oldest settled events to an archive file; how many were moved.

        Settled is a prefix in which every goal and proposal has come to its end. Reading,
        rebuilding and verifying go on as if the events were still here.
        """
        before_time = None if keep_days is None else self._clock() - keep_days * _DAY_SECONDS
        with self._log.transaction() as transaction:
            connection = transaction.connection
            pruned = self._archives.move_out(
                connection, before_id=before_id, before_time=before_time
            )
            if pruned is None:
                return 0
            note = NewEvent(kind=EventKind.EVENTS_PRUNED, payload=pruned.to_json())
            self._post(transaction, "agent", self._drafts("agent", [note], "kernel"))
            self._say.drop_events.run(connection, before=pruned.first_kept)
            mac = bytes.fromhex(pruned.prev)
            self._say.move_base.run(connection, id=pruned.first_kept, m=mac)
        return pruned.events

    def verify(self, *, expect: Known | None = None, since: Known | None = None) -> Verification:
        """Check the whole chain, archives included; see `verify_log`."""
        return verify_log(
            self._log,
            self._key,
            anchor=self._anchor,
            archives=self._archives,
            expect=expect,
            since=since,
        )

    def export(self, *, first: int = 1, last: int | None = None) -> Iterator[str]:
        """Lines that an outsider can check; see `audit_export`. Raises JournalBroken, InvalidInput.

        The whole journal is verified before the first line.
        """
        seen = self.verify()
        if not seen.ok:
            raise JournalBroken(seen.reason, hint="`autoclave audit verify` names the place")
        last = seen.events if last is None else last
        check_range(first, last, events=seen.events)
        return export_lines(
            self._reading.rows_to(last),
            first=first,
            last=last,
            key=self._key,
            anchored=self._anchor.read() if self._anchor else None,
            at=round(self._clock(), 3),
        )

    def close(self) -> None:
        """Let go of the database. What was appended is on disk already."""
        self._log.close()

    def _drafts(self, stream: str, events: Sequence[NewEvent], actor: str) -> list[dict[str, Any]]:
        if not (stream.isprintable() and actor.isprintable() and stream and actor):
            raise InvalidInput(f"{stream!r} by {actor!r}: a stream and an actor are plain words")
        at = round(self._clock() * 1_000_000)
        return [self._draft(stream, event, actor, at) for event in events]

    def _draft(self, stream: str, event: NewEvent, actor: str, at: int) -> dict[str, Any]:
        today = self._upcasts.today(event.kind)
        if event.version != today:
            raise InvalidInput(f"{event.kind} is written in version {today}, not {event.version}")
        return {
            "kind": event.kind.value,
            "version": event.version,
            "payload": self._without_secrets(stream, event.payload),
            "actor": actor,
            "at": at,
        }

    def _without_secrets(self, stream: str, payload: JsonObject) -> str:
        text = _json_text(payload)
        if self._vault is None or not self._vault.redaction.suspects(text):
            return text
        return _json_text(self._vault.conceal(stream, payload))

    def _post(
        self, transaction: Transaction, stream: str, drafts: list[dict[str, Any]]
    ) -> tuple[Event, ...]:
        found = transaction.stream(stream)
        epoch = found.epoch if found else 0
        return self._add(transaction, stream, drafts, found=found, epoch=epoch)

    def _add(
        self,
        transaction: Transaction,
        stream: str,
        drafts: list[dict[str, Any]],
        *,
        found: Head | None,
        epoch: int,
    ) -> tuple[Event, ...]:
        rows = transaction.add(stream, drafts, found=found, epoch=epoch)
        added = tuple([self._upcasts.event(row) for row in rows])
        if self._unserved:
            forget_projections(transaction.connection, self._unserved)
        for projection in self._projections:
            for event in added:
                projection.apply(transaction.connection, event)
        return added

    def _mac_of_snapshot(self, stream: str, seq: int, version: int, text: str) -> bytes:
        return mac_of_note(self._key, "snapshot", canonical([stream, seq, version, text]))


def _check_fence(stream: str, *, found: Head | None, named: Head) -> None:
    end = found or Head(epoch=0, seq=0)
    if end.epoch != named.epoch:
        raise Fenced(
            f"{stream} was taken up again (epoch {end.epoch}); this activation had {named.epoch}",
            hint="stop: another activation goes on with it",
        )
    if end.seq != named.seq:
        raise Stale(
            f"{stream} has moved on to {end.seq}; this append was made for {named.seq}",
            hint="read what was added, then decide again",
        )


def _json_text(data: JsonObject) -> str:
    try:
        text = canonical(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the payload is not JSON: {error}") from error
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; its JSON escape is the same text.
        return json.dumps(data, sort_keys=True, separators=(",", ":"))
    return text
