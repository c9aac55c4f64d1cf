"""Work that a signal can stop: the first one gracefully, the second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal ended the work, and its state was saved. Not an error: nobody may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_stoppable(work: Callable[[], Awaitable[T]], note: Callable[[str], None]) -> T:
    """Run `work` to its end. A signal cancels it, waits until it has saved, and raises Stopped."""
    import asyncio

    async def cancellable() -> T:
        task = asyncio.ensure_future(work())
        received = _listen(lambda: task.cancel(), note)
        try:
            return await task
        except asyncio.CancelledError:
            if received:
                raise Stopped(received[0]) from None
            raise

    return asyncio.run(cancellable())


def run_until_stopped(
    work: Callable[[asyncio.Event], Coroutine[Any, Any, T]], note: Callable[[str], None]
) -> T:
    """Run `work` until it returns; a signal sets the event that it watches."""
    import asyncio

    async def watched() -> T:
        stop = asyncio.Event()
        _listen(stop.set, note)
        return await work(stop)

    return asyncio.run(watched())


def _listen(stop: Callable[[], object], note: Callable[[str], None]) -> list[int]:
    """Call `stop` at the first signal, leave at the second; the list holds what was received."""
    import asyncio

    received: list[int] = []

    def heard(number: int) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        note("stopping, and saving where it stands; once more stops at once")
        stop()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, heard, number)
    return received
