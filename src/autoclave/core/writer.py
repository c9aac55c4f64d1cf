"""The one thread through which everything is written, as seen from the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from ..domain.errors import Conflict
from ..domain.events import Event, Head, NewEvent
from ..domain.ports import Journal

P = ParamSpec("P")
T = TypeVar("T")


class Writer:
    """Runs journal work on its own thread, one thing after the other, in the order asked.

    What has been asked for is done even when the asker is cancelled meanwhile: it may be on disk
    already, and only the journal can say.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="autoclave-writer")
        self._closed = False

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, head: Head, actor: str
    ) -> tuple[Event, ...]:
        """See `Journal.append`."""
        return await self.call(self.journal.append, stream, events, head=head, actor=actor)

    async def post(
        self, stream: str, events: Sequence[NewEvent], *, actor: str
    ) -> tuple[Event, ...]:
        """See `Journal.post`."""
        return await self.call(self.journal.post, stream, events, actor=actor)

    async def take(
        self, stream: str, events: Sequence[NewEvent], *, actor: str
    ) -> tuple[tuple[Event, ...], Head]:
        """See `Journal.take`."""
        return await self.call(self.journal.take, stream, events, actor=actor)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run any function on the writer's thread; its result or its error comes back."""
        if self._closed:
            raise Conflict("the writer is closed", hint="start the agent again")
        work = self._thread.submit(partial(function, *args, **kwargs))
        return await asyncio.shield(asyncio.wrap_future(work))

    async def close(self) -> None:
        """Finish what was asked for and end the thread. The journal stays open."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
