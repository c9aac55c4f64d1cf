"""Projections are rebuilt from all events when they are new or have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from ..domain.events import Event
from ..domain.ports import Projection
from .tables import projections


def prepare_projections(
    connection: Connection,
    wanted: Sequence[Projection],
    everything: Callable[[], Iterable[Event]],
) -> frozenset[str]:
    """Bring the wanted projections up to date; the names of those that others keep here."""
    query = select(projections.c.name, projections.c.version)
    found: dict[str, int] = {row.name: row.version for row in connection.execute(query)}
    stale = [each for each in wanted if found.get(each.name) != each.version]
    for projection in stale:
        projection.create(connection)
        projection.clear(connection)
    if stale:
        for event in everything():
            for projection in stale:
                projection.apply(connection, event)
    for projection in stale:
        forget_projections(connection, frozenset({projection.name}))
        row = {"name": projection.name, "version": projection.version}
        connection.execute(insert(projections).values(**row))
    return frozenset(found) - {each.name for each in wanted}


def forget_projections(connection: Connection, names: frozenset[str]) -> None:
    """Have these rebuilt when they are next wanted: events are coming that they will not see."""
    connection.execute(delete(projections).where(projections.c.name.in_(names)))
