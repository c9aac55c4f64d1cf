"""One look at the end of the journal for everybody who follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..domain.errors import AutoclaveError

LOOK_EVERY_SECONDS = 0.3


class Tail:
    """Looks only while somebody follows. Other processes write too, so it has to look."""

    def __init__(self, newest: Callable[[], Awaitable[int]]) -> None:
        self._newest = newest
        self._news = asyncio.Condition()
        self._last = 0
        self._followers = 0
        self._looking: asyncio.Task[None] | None = None

    async def beyond(self, after: int, *, seconds: float) -> int | None:
        """Wait until the journal goes on after that event: to which one; None for in vain."""
        self._followers += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: self._last > after)
                return self._last
        except TimeoutError:
            return None
        finally:
            self._followers -= 1

    async def _look(self) -> None:
        try:
            while self._followers:
                await self._look_once()
                await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            self._looking = None

    async def _look_once(self) -> None:
        try:
            last = await self._newest()
        except AutoclaveError:
            return  # a journal that does not answer now may answer at the next look
        async with self._news:
            self._last = last
            self._news.notify_all()
