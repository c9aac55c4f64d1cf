"""Notices that are to be sent: rows, so that a process that is killed forgets none of them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..domain.canonical import JsonObject, digest
from .journal_engine import WRITES, translated
from .waiting import WaitingItem

_METADATA = sa.MetaData()

NOTICES = sa.Table(
    "notices",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("channel", sa.String, primary_key=True),
    sa.Column("item", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("next", sa.Text, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", sa.Float, nullable=True),
    sa.Column("error", sa.Text, nullable=False),
)
"""One row for each item that waits and each way to tell of it; `due_at` is null once it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell in one way."""

    id: str
    """The same however often it is sent, and on every channel."""
    channel: str
    kind: str
    subject: str
    what: str
    next: str
    since: float
    attempts: int = 0

    def to_json(self) -> JsonObject:
        names = ("id", "kind", "subject", "what", "since", "next")
        return {name: getattr(self, name) for name in names}


class Outbox:
    """The rows, in the journal's database. Safe from any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._is_made = False
        self._lock = threading.Lock()

    def reconcile(
        self, items: Sequence[WaitingItem], channels: Collection[str], *, now: float
    ) -> None:
        """Add what waits and has no row; forget what waits no more, told or not."""
        wanted = {(item.key, channel): item for item in items for channel in channels}
        have = self._have()
        new = [self._row(*key, wanted[key], now) for key in wanted if key not in have]
        gone = [(id_, key[1]) for key, id_ in have.items() if key not in wanted]
        if new or gone:
            self._change(new, gone)

    def due(self, channel: str, *, now: float, most: int = 20) -> list[Notice]:
        """What is to be told now, the oldest first."""
        here = NOTICES.c.channel == channel
        query = sa.select(NOTICES).where(here, NOTICES.c.due_at <= now)
        query = query.order_by(NOTICES.c.since).limit(most)
        with self._reading() as connection:
            return [_notice(row) for row in connection.execute(query).mappings()]

    def told(self, notice: Notice) -> None:
        self._update(notice, due_at=None, error="", attempts=notice.attempts + 1)

    def failed(self, notice: Notice, error: str, *, again_at: float | None) -> None:
        """It did not arrive; None to give up."""
        self._update(notice, due_at=again_at, error=error[:500], attempts=notice.attempts + 1)

    def rows(self) -> list[JsonObject]:
        """Everything that waits, with how telling it went."""
        with self._reading() as connection:
            found = connection.execute(sa.select(NOTICES).order_by(NOTICES.c.since)).mappings()
            return [dict(row) for row in found]

    def _have(self) -> dict[tuple[str, str], str]:
        query = sa.select(NOTICES.c.item, NOTICES.c.channel, NOTICES.c.id)
        with self._reading() as connection:
            return {(row.item, row.channel): row.id for row in connection.execute(query)}

    def _row(self, key: str, channel: str, item: WaitingItem, now: float) -> dict[str, Any]:
        # What waits for the same again, later, is news: it gets another id.
        name = digest([key, item.since])[:32]
        return {
            "id": name,
            "channel": channel,
            "item": key,
            "kind": str(item.kind),
            "subject": item.subject,
            "what": item.what,
            "next": item.next,
            "since": item.since,
            "attempts": 0,
            "due_at": now,
            "error": "",
        }

    def _change(self, new: list[dict[str, Any]], gone: list[tuple[str, str]]) -> None:
        with self._writing() as connection:
            for name, channel in gone:
                here = sa.and_(NOTICES.c.id == name, NOTICES.c.channel == channel)
                connection.execute(NOTICES.delete().where(here))
            if new:
                connection.execute(NOTICES.insert(), new)

    def _update(self, notice: Notice, **values: Any) -> None:
        here = sa.and_(NOTICES.c.id == notice.id, NOTICES.c.channel == notice.channel)
        with self._writing() as connection:
            connection.execute(NOTICES.update().where(here).values(**values))

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with translated():
            self._make()
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with translated():
            self._make()
            with self._engine.execution_options(**{WRITES: True}).begin() as connection:
                yield connection

    def _make(self) -> None:
        with self._lock:
            if not self._is_made:
                _METADATA.create_all(self._engine)
                self._is_made = True


def _notice(row: Any) -> Notice:
    names = ("id", "channel", "kind", "subject", "what", "next", "since", "attempts")
    return Notice(**{name: row[name] for name in names})
