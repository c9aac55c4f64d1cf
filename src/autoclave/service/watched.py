"""The journal and the sandbox of a process that says how they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ..core.journal import SqlJournal
from ..domain.events import Event, Head, NewEvent
from ..domain.sealed import Ended, SealedResult, SealedRun, Tier
from ..sandbox.sealed import SealedSandbox


class WatchedJournal(SqlJournal):
    """Tells how long each append took until it was durable."""

    def __init__(self, *given: Any, seen: Callable[[float], None], **named: Any) -> None:
        self._seen = seen
        super().__init__(*given, **named)

    def append(
        self, stream: str, events: Sequence[NewEvent], *, head: Head, actor: str
    ) -> tuple[Event, ...]:
        began = time.perf_counter()
        appended = super().append(stream, events, head=head, actor=actor)
        self._seen(time.perf_counter() - began)
        return appended

    def post(self, stream: str, events: Sequence[NewEvent], *, actor: str) -> tuple[Event, ...]:
        began = time.perf_counter()
        appended = super().post(stream, events, actor=actor)
        self._seen(time.perf_counter() - began)
        return appended


class WatchedSandbox(SealedSandbox):
    """Tells the tier, the end and the time of each run."""

    def __init__(self, *, seen: Callable[[Tier, Ended, float], None], **named: Any) -> None:
        self._seen = seen
        super().__init__(**named)

    async def run(self, run: SealedRun) -> SealedResult:
        result = await super().run(run)
        self._seen(result.tier, result.ended, result.wall_seconds)
        return result
