"""The journal's statements, compiled once per database, then run at the driver's speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    CursorResult,
    Dialect,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from .tables import counters, events, log_head, snapshots, streams


class Statement:
    """One SQLAlchemy statement as text; compiling is most of its cost, so that is done once."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        return connection.exec_driver_sql(self._sql, self._bind(values))

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        connection.exec_driver_sql(self._sql, [self._bind(row) for row in rows])

    def _bind(self, values: Mapping[str, Any]) -> Any:
        if self._fixed:
            values = {**self._fixed, **values}
        if self._order is None:
            return values
        return tuple([values[name] for name in self._order])


class Statements:
    """Everything that the journal says to its database."""

    def __init__(self, dialect: Dialect) -> None:
        def ready(statement: Any) -> Statement:
            return Statement(statement, dialect)

        named: BindParameter[str] = bindparam("stream_")
        after: BindParameter[int] = bindparam("after")
        most: BindParameter[int] = bindparam("most")
        place = select(streams.c.epoch, streams.c.seq).where(streams.c.stream == named)
        page = select(events).where(events.c.id > after).order_by(events.c.id).limit(most)

        self.head = ready(select(log_head))
        self.lock_head = ready(select(log_head).with_for_update())
        self.move_head = ready(update(log_head).values(last_id=bindparam("id"), mac=bindparam("m")))
        self.move_base = ready(
            update(log_head).values(base_id=bindparam("id"), base_mac=bindparam("m"))
        )
        self.stream = ready(place)
        self.add_stream = ready(insert(streams))
        self.move_stream = ready(
            update(streams)
            .where(streams.c.stream == named)
            .values(epoch=bindparam("e"), seq=bindparam("s"))
        )
        self.add_event = ready(insert(events))
        self.event = ready(select(events).where(events.c.id == bindparam("id")))
        self.events_of = ready(
            select(events)
            .where(events.c.stream == named, events.c.seq > after)
            .order_by(events.c.seq)
        )
        self.of_kind = ready(
            select(events).where(events.c.kind == bindparam("kind_")).order_by(events.c.id)
        )
        self.page = ready(page)
        # LIKE ignores case on SQLite and not on PostgreSQL; a prefix compared whole does neither.
        self.page_of = ready(
            page.where(func.substr(events.c.stream, 1, bindparam("length")) == bindparam("prefix"))
        )
        self.drop_events = ready(delete(events).where(events.c.id < bindparam("before")))
        self.drop_snapshot = ready(delete(snapshots).where(snapshots.c.stream == named))
        self.add_snapshot = ready(insert(snapshots))
        self.snapshot = ready(select(snapshots).where(snapshots.c.stream == named))
        self.counter = ready(select(counters.c.last).where(counters.c.prefix == bindparam("p")))
        self.add_counter = ready(insert(counters))
        self.move_counter = ready(
            update(counters).where(counters.c.prefix == bindparam("p")).values(last=bindparam("n"))
        )
