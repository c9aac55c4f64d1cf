"""Old payloads become today's when they are read; what is from the future is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ..domain.canonical import JsonObject
from ..domain.errors import JournalBroken
from ..domain.events import Event, EventKind
from .chain import Row

Upcaster: TypeAlias = Callable[[JsonObject], JsonObject]

UPCASTERS: Mapping[tuple[EventKind, int], Upcaster] = {}
"""By kind and version: the function that lifts a payload to the next version."""

_KINDS = {kind.value: kind for kind in EventKind}


class Upcasts:
    """Today's version of every kind, and the way there from each older one."""

    def __init__(self, upcasters: Mapping[tuple[EventKind, int], Upcaster] = UPCASTERS) -> None:
        self._upcasters = upcasters
        self._today = dict.fromkeys(EventKind, 1)
        for kind, version in upcasters:
            self._today[kind] = max(self._today[kind], version + 1)

    def today(self, kind: EventKind) -> int:
        """The version that new events of this kind must have."""
        return self._today[kind]

    def event(self, row: Row) -> Event:
        """The event that a row stands for, its payload lifted to today's version."""
        id_, stream, seq, epoch, name, version, text, actor, at, _, _ = row
        kind = _KINDS.get(name)
        if kind is None or version > self._today[kind]:
            raise _from_the_future(row)
        payload = json.loads(text)
        while version < self._today[kind]:
            payload = self._upcasters[kind, version](payload)
            version += 1
        return Event(
            id=id_,
            stream=stream,
            seq=seq,
            epoch=epoch,
            kind=kind,
            version=version,
            payload=payload,
            actor=actor,
            at=at / 1_000_000,
        )


def _from_the_future(row: Row) -> JournalBroken:
    return JournalBroken(
        f"event {row.id} is a {row.kind} of version {row.version}, which this version does not "
        "know: the journal was written by a newer Autoclave",
        hint="use the newer version again, or `autoclave checkpoint restore` an older checkpoint",
    )
