"""Tells people what waits for them: once for each item, however often the process is killed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from ..core.outbox import Notice, Outbox
from ..core.waiting import WaitingItem, WaitingKind
from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, JournalBroken, NotFound
from ..domain.ports import Clock
from ..domain.text import show_line
from .channels import Channel

_log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_FIRST_WAIT_SECONDS = 2.0
_LONGEST_WAIT_SECONDS = 300.0


class Notifier:
    """Rows for what waits, and a worker for each channel that tells of them."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        waiting: Callable[[], list[WaitingItem]],
        *,
        kinds: Collection[WaitingKind],
        clock: Clock,
        look_every: float = _LOOK_EVERY_SECONDS,
    ) -> None:
        self._outbox = outbox
        self._channels = {each.name: each for each in channels}
        self._waiting = waiting
        self._kinds = frozenset(kinds)
        self._clock = clock
        self._look_every = look_every

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """As long as this lasts, what waits is told of. Without a channel nothing is done."""
        tasks = [asyncio.create_task(self._work(each)) for each in self._channels.values()]
        if tasks:
            tasks.append(asyncio.create_task(self._watch()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> None:
        """Write down what waits now; for what waits no more nobody is bothered."""
        await asyncio.to_thread(self._reconcile)

    async def tell_due(self, channel: Channel) -> None:
        """Tell everything that is due, the oldest first."""
        for notice in await asyncio.to_thread(self._due, channel.name):
            await self._tell(channel, notice)

    async def rows(self) -> list[JsonObject]:
        """What waits and how telling went."""
        return await asyncio.to_thread(self._outbox.rows)

    async def test(self) -> list[JsonObject]:
        """Send a notice of no importance on every channel, now; what came of each.

        Raises NotFound when there is no channel.
        """
        if not self._channels:
            raise NotFound(
                "nothing is set up that could tell you",
                hint="set notify_command or notify_url (and notify_secret); see `config show`",
            )
        return [await self._tested(each) for each in self._channels.values()]

    async def _tested(self, channel: Channel) -> JsonObject:
        notice = Notice(
            id=f"test-{self._clock():.6f}",
            channel=channel.name,
            kind="test",
            subject="nothing",
            what="nothing waits; this is a test",
            next="autoclave status",
            since=self._clock(),
        )
        try:
            await channel.tell(notice)
        except AutoclaveError as error:
            said = {"ok": False, "why": error.message, "fix": error.hint}
        else:
            said = {"ok": True, "why": "", "fix": ""}
        return {"channel": channel.name, "id": notice.id, **said}

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except JournalBroken:
                raise
            except AutoclaveError as error:
                _log.warning("what waits can't be looked at: %s", show_line(error.message))
            await asyncio.sleep(self._look_every)

    async def _work(self, channel: Channel) -> None:
        while True:
            try:
                await self.tell_due(channel)
            except JournalBroken:
                raise
            except AutoclaveError as error:
                _log.warning("notices can't be read: %s", show_line(error.message))
            await asyncio.sleep(self._look_every)

    def _reconcile(self) -> None:
        items = [each for each in self._waiting() if each.kind in self._kinds]
        self._outbox.reconcile(items, self._channels, now=self._clock())

    def _due(self, channel: str) -> list[Notice]:
        return self._outbox.due(channel, now=self._clock())

    async def _tell(self, channel: Channel, notice: Notice) -> None:
        try:
            await channel.tell(notice)
        except AutoclaveError as error:
            again = self._again_at(channel, notice)
            await asyncio.to_thread(self._outbox.failed, notice, error.message, again_at=again)
            _log.warning("notice %s did not arrive: %s", notice.id, show_line(error.message))
            return
        await asyncio.to_thread(self._outbox.told, notice)

    def _again_at(self, channel: Channel, notice: Notice) -> float | None:
        most = channel.most_attempts
        if most is not None and notice.attempts + 1 >= most:
            return None
        wait = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0**notice.attempts)
        return self._clock() + wait
