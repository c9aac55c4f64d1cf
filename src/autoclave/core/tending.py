"""What is done beside the runs: batches are moved on, and lessons asked for once a day."""

from __future__ import annotations

import asyncio
import logging

from ..domain.errors import AutoclaveError, JournalBroken, OutOfResources
from ..domain.text import show_line
from .consolidating import PURPOSE, Consolidation
from .parts import Parts

_log = logging.getLogger(__name__)

_DAY = 86_400.0
_HOUR = 3_600.0


class Tending:
    """One short task at a time. What waits between two of them is a row in the journal."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lessons = Consolidation(parts)
        self._task: asyncio.Task[None] | None = None
        self._look_at: float | None = 0.0
        """When a batch is due; None while there is none. At first nobody knows."""
        self._consolidate_at = 0.0

    def tend(self, *, is_idle: bool) -> None:
        """Begin what is due, unless something is under way. Raises what broke the last task."""
        if self._task is not None:
            if not self._task.done():
                return
            done, self._task = self._task, None
            _note(done)
        now = self._parts.clock()
        if self._look_at is not None and self._look_at <= now:
            self._task = asyncio.create_task(self._look())
        elif is_idle and self._parts.consolidates and self._consolidate_at <= now:
            self._task = asyncio.create_task(self._consolidate())

    async def stop(self, *, grace: float) -> None:
        """What does not end in time is cut off; the journal knows how it stood."""
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=grace)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task, self._look_at = None, 0.0

    async def _look(self) -> None:
        # Should it fail, it is tried again, but not at once.
        self._look_at = self._parts.clock() + _HOUR
        self._look_at = await self._lessons.batching.look()

    async def _consolidate(self) -> None:
        now = self._parts.clock()
        self._consolidate_at = now + _DAY
        batches = await self._lessons.batching.every()
        last = max((e.submitted_at for e in batches if e.purpose == PURPOSE), default=0.0)
        if now - last < _DAY:
            self._consolidate_at = last + _DAY
            return
        batch = await self._lessons.start()
        if batch is None:
            self._consolidate_at = now + _HOUR
        elif batch.is_open:
            self._look_at = batch.wake_at


def _note(done: asyncio.Task[None]) -> None:
    """What went wrong beside the runs must not end them, unless nothing can be written down."""
    error = None if done.cancelled() else done.exception()
    if error is None:
        return
    if isinstance(error, AutoclaveError) and not isinstance(error, JournalBroken | OutOfResources):
        _log.warning("%s", show_line(error.message))
        return
    raise error
