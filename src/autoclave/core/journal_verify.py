"""The whole chain checked, event by event, with the first bad one named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, select, text
from sqlalchemy.exc import DBAPIError

from ..domain.errors import InvalidInput, JournalBroken, NotFound
from ..domain.events import EventKind, Head
from .anchor import Anchor, Anchored
from .archive import Archives, default_folder
from .chain import GENESIS, Row, is_authentic
from .journal_engine import is_damage_to_text, sqlite_path
from .journal_log import Log
from .tables import check_schema, events, meta, streams

_PAGE = 1_000
_MOST_TRIED = 100_000
_HEAD_DIGITS = 32
_LEAST_DIGITS = 16


class Known(NamedTuple):
    """An event that somebody knows: its id, and how its MAC begins, in hex."""

    id: int
    mac: str

    @classmethod
    def parse(cls, text: str) -> Known:
        """Of the form `1234:9f3c…`, as `audit verify` prints the head. Raises InvalidInput."""
        number, _, digits = text.strip().partition(":")
        is_hex = set(digits.lower()) <= set("0123456789abcdef")
        if not (number.isascii() and number.isdigit() and is_hex) or len(digits) < _LEAST_DIGITS:
            raise InvalidInput(
                f"{text!r} is not the head of a journal",
                hint="give it as `autoclave audit verify` printed it, such as 1234:9f3c…",
            )
        return cls(int(number), digits.lower())

    def __str__(self) -> str:
        return f"{self.id}:{self.mac[:_HEAD_DIGITS]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What checking the whole journal came to."""

    ok: bool
    events: int
    """How many were found good, from the oldest on, archives included."""
    first_bad: int | None
    """Id of the first event that is not what was written; None when no event can be named."""
    reason: str
    """Why it is not ok; empty when it is."""
    anchor: str
    """How the head kept outside the database compares."""
    head: str = ""
    """Names the newest event; whoever keeps it notices that an older copy was put back."""

    @property
    def newest(self) -> Known | None:
        """The newest event, None for an empty log."""
        return Known.parse(self.head) if self.events else None


class _Bad(Exception):
    def __init__(self, id_: int | None, reason: str) -> None:
        super().__init__(reason)
        self.id = id_
        self.reason = reason


def verify_journal(
    url: str | URL,
    key: bytes,
    *,
    anchor: Path | None = None,
    archives: Path | None = None,
    frozen: bool = False,
    expect: Known | None = None,
) -> Verification:
    """Check a journal without opening it for work: for one that refuses to open.

    `frozen` is for a copy that nobody writes to: it stays as it is, to the byte.

    Raises NotFound when there is no database and none is known to have been there.
    """
    path = sqlite_path(url)
    outside = Anchor(anchor, key) if anchor else None
    if path is not None and not path.exists() and not (anchor and anchor.exists()):
        raise NotFound(f"there is no journal at {path}", hint="`autoclave init DIR` makes a home")
    try:
        log = Log(url, key, outside, frozen=frozen)
    except JournalBroken as error:
        return _verdict(_Walk(key=key), "", _Bad(1, error.message))
    try:
        folder = Archives(archives or default_folder(path))
        return verify_log(log, key, anchor=outside, archives=folder, expect=expect)
    finally:
        log.close()


def verify_log(
    log: Log,
    key: bytes,
    *,
    anchor: Anchor | None,
    archives: Archives,
    expect: Known | None = None,
    since: Known | None = None,
) -> Verification:
    """Check the whole chain, archives included, or only what came `since` an event was found good.

    With `expect` the log must hold that event: a copy of the log and its anchor that are both
    older than it are not enough.
    """
    walk = _Walk(key=key, noted={expect.id: ""} if expect else {})
    told = "not checked"
    try:
        # The anchor is read first: what is appended meanwhile only makes the log longer than it.
        anchored = anchor.read() if anchor else None
        if anchored:
            walk.noted[anchored.id] = ""
            walk.is_anchored = True
        with log.reading() as connection:
            if since is not None and _goes_on(connection, log, walk, since):
                _check_rest(connection, log, walk)
            else:
                _check_all(connection, log, walk, archives)
        told = _compare(walk, anchor, anchored)
        if expect:
            _check_expected(walk, expect)
    except _Bad as bad:
        return _verdict(walk, told, bad)
    except JournalBroken as error:
        return _verdict(walk, told, _Bad(None, error.message))
    return _verdict(walk, told, None)


@dataclass(slots=True, kw_only=True)
class _Walk:
    """How far the chain was followed."""

    key: bytes
    last_id: int = 0
    mac: bytes = GENESIS
    is_anchored: bool = False
    noted: dict[int, str] = field(default_factory=dict)
    """By id of the events that somebody outside knows: the MACs that they have here, in hex."""
    pruned: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, Head] = field(default_factory=dict)

    def follow(self, row: Row) -> None:
        """One more row. Raises _Bad when it is not the one that was written next."""
        due = self.last_id + 1
        if row.id > due:
            raise _Bad(due, f"event {due} is missing: it was deleted")
        if row.id < due:
            raise _Bad(row.id, f"event {row.id} was put back after it had been archived")
        if not is_authentic(self.key, row):
            raise _Bad(row.id, "")
        if row.prev != self.mac:
            raise _Bad(row.id, f"event {row.id} belongs to another history of this log")
        self.last_id, self.mac = row.id, row.mac
        if row.id in self.noted:
            self.noted[row.id] = row.mac.hex()
        if row.kind == EventKind.EVENTS_PRUNED:
            self.pruned = json.loads(row.payload)
        before = self.ends.get(row.stream)
        epoch = max(row.epoch, before.epoch if before else 0)
        self.ends[row.stream] = Head(epoch=epoch, seq=row.seq)


def _check_all(connection: Connection, log: Log, walk: _Walk, archives: Archives) -> None:
    found = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar()
    check_schema(found or "")
    head = log.say.head.run(connection).first()
    if head is None:
        raise _Bad(None, "the journal has lost its head row")
    for row in archives.rows(before=head.base_id):
        _follow(connection, log, walk, row)
    if walk.mac != head.base_mac:
        raise _Bad(head.base_id, f"the archives do not lead up to event {head.base_id}")
    for row in _rows(connection, log, after=0):
        _follow(connection, log, walk, row)
    _check_head(connection, log, walk)
    if head.base_id > 1 and walk.pruned.get("first_kept") != head.base_id:
        raise _Bad(1, f"events up to {head.base_id - 1} are gone and no event says why")
    _check_ends(connection, walk)
    _check_database(connection)


def _goes_on(connection: Connection, log: Log, walk: _Walk, since: Known) -> bool:
    """Begin after an event that was found good before. Not when it has been archived since."""
    found = log.say.event.run(connection, id=since.id).first()
    base = log.say.head.run(connection).one().base_id
    if any(0 < id_ < base for id_ in (since.id, *walk.noted)):
        return False
    row = Row._make(found) if found else None
    if row is None or not row.mac.hex().startswith(since.mac):
        raise _Bad(since.id, f"event {since.id} was verified before, and is another one now")
    _follow(connection, log, walk, row, alone=True)
    for id_ in walk.noted:
        if id_ < since.id and (noted := log.say.event.run(connection, id=id_).first()):
            walk.noted[id_] = noted.mac.hex()
    return True


def _check_rest(connection: Connection, log: Log, walk: _Walk) -> None:
    for row in _rows(connection, log, after=walk.last_id):
        _follow(connection, log, walk, row)
    _check_head(connection, log, walk)
    _check_ends(connection, walk)


def _check_head(connection: Connection, log: Log, walk: _Walk) -> None:
    head = log.say.head.run(connection).one()
    if walk.last_id != head.last_id or walk.mac != head.mac:
        raise _Bad(
            walk.last_id + 1,
            f"the log was truncated: it ends at event {walk.last_id}, its head is {head.last_id}",
        )


def _follow(
    connection: Connection, log: Log, walk: _Walk, row: Row, *, alone: bool = False
) -> None:
    if alone:
        walk.last_id, walk.mac = row.id - 1, row.prev
    try:
        walk.follow(row)
    except _Bad as bad:
        if bad.reason:
            raise
        raise _Bad(row.id, _explain(connection, log, walk, row)) from None


def _explain(connection: Connection, log: Log, walk: _Walk, row: Row) -> str:
    """What was done to a row whose MAC does not fit."""
    last: int = log.say.head.run(connection).one().last_id
    if walk.last_id == 0 and not _any_authentic(connection, log, walk.key, last):
        return "no event carries this key's MAC: the key file is not the one of this journal"
    for id_ in range(1, min(last, _MOST_TRIED) + 1):
        if is_authentic(walk.key, row._replace(id=id_)):
            original = log.say.event.run(connection, id=id_).first()
            if id_ <= walk.last_id or (original and original.mac == row.mac):
                return f"event {row.id} is a duplicate of event {id_}"
            return f"event {row.id} is out of order: it was written as event {id_}"
    return f"event {row.id} was edited or forged"


def _any_authentic(connection: Connection, log: Log, key: bytes, last: int) -> bool:
    rows = (log.say.event.run(connection, id=id_).first() for id_ in (2, last // 2, last))
    return any(is_authentic(key, Row._make(row)) for row in rows if row)


def _rows(connection: Connection, log: Log, *, after: int) -> Iterator[Row]:
    size = _PAGE
    while True:
        try:
            page = log.say.page.run(connection, after=after, most=size).fetchall()
        except DBAPIError as error:
            if not is_damage_to_text(error):
                raise
            if size == 1:
                ids = select(events.c.id).where(events.c.id > after).order_by(events.c.id)
                bad = connection.execute(ids.limit(1)).scalar_one()
                raise _Bad(bad, f"event {bad} was edited: it is no text any more") from error
            size = 1  # go on one by one, to name the row
            continue
        if not page:
            return
        for found in page:
            yield Row._make(found)
        after = page[-1].id


def _check_ends(connection: Connection, walk: _Walk) -> None:
    query = select(streams.c.stream, streams.c.epoch, streams.c.seq)
    found = {name: Head(epoch=epoch, seq=seq) for name, epoch, seq in connection.execute(query)}
    for name, end in walk.ends.items():
        kept = found.get(name)
        if kept is None or kept.seq != end.seq or kept.epoch < end.epoch:
            raise _Bad(None, f"the end that is kept for {name} is not the one in its events")


def _check_database(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    said = connection.execute(text("PRAGMA integrity_check(1)")).scalar()
    if said != "ok":
        raise _Bad(None, f"the events are whole but the database file is damaged: {said}")


def _compare(walk: _Walk, anchor: Anchor | None, anchored: Anchored | None) -> str:
    if anchor is None:
        return "none is kept"
    if anchored is None:
        if walk.last_id:
            raise _Bad(None, f"the anchor {anchor.path} is missing")
        return "agrees"
    if anchored.id > walk.last_id:
        raise _Bad(
            walk.last_id + 1,
            f"the log ends at event {walk.last_id} but event {anchored.id} was written: it was "
            "rolled back to an older copy, or truncated",
        )
    if anchored.id and walk.noted[anchored.id] != anchored.mac.hex():
        raise _Bad(anchored.id, f"event {anchored.id} is not the one that the anchor knows")
    behind = walk.last_id - anchored.id
    return f"{behind} events behind" if behind else "agrees"


def _check_expected(walk: _Walk, expect: Known) -> None:
    if expect.id > walk.last_id:
        raise _Bad(
            walk.last_id + 1,
            f"the log ends at event {walk.last_id} but event {expect.id} was written: it was "
            "rolled back to an older copy, together with its anchor",
        )
    if expect.id and not walk.noted[expect.id].startswith(expect.mac):
        raise _Bad(
            expect.id,
            f"event {expect.id} is not the one that was expected: the log was rolled back before "
            "it, and went on another way",
        )


def _verdict(walk: _Walk, told: str, bad: _Bad | None) -> Verification:
    return Verification(
        ok=bad is None,
        events=walk.last_id,
        first_bad=bad.id if bad else None,
        reason=bad.reason if bad else "",
        anchor="disagrees" if bad and told == "not checked" and walk.is_anchored else told,
        head=str(Known(walk.last_id, walk.mac.hex())),
    )
