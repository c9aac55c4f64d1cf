"""The door to a home on this machine: opened in a thread of its own, when it is first needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, Unreachable
from ..service.home import Home

if TYPE_CHECKING:
    from ..service.control import Control


class LocalDoor:
    """Port Door. The overview needs no Control; everything else waits until that is open.

    Control works in a thread with a loop of its own, so that nothing it does holds up the screen.
    """

    def __init__(self, home: Home, *, opener: Callable[[Home], Control] | None = None) -> None:
        self._home = home
        self._opener = opener or _open
        self._control: Control | None = None
        self._loop = asyncio.new_event_loop()
        self._opening = threading.Lock()
        self._thread: threading.Thread | None = None
        self._seen: tuple[object, JsonObject] | None = None

    async def overview(self) -> JsonObject:
        return await asyncio.to_thread(self._overview)

    async def aclose(self) -> None:
        if self._control is not None:
            await self._ask(self._control.aclose())
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)
        self._loop.close()

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Every other method of the port is the method of Control with that name."""
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self._call, name)

    async def _call(self, name: str, *values: Any, **named: Any) -> Any:
        try:
            control = self._control or await asyncio.to_thread(self._open)
            return await self._ask(getattr(control, name)(*values, **named))
        except AutoclaveError:
            raise
        except Exception as error:  # the edge of another thread: the screen outlives it
            raise Unreachable(f"{name} broke: {type(error).__name__}: {error}") from error

    async def _ask(self, work: Coroutine[Any, Any, Any]) -> Any:
        self._begin()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _open(self) -> Control:
        with self._opening:
            if self._control is None:
                self._control = self._opener(self._home)
            return self._control

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._thread.start()

    def _overview(self) -> JsonObject:
        """Read again only when something was written: a look each second has to cost nothing."""
        from ..service.overview import overview, written

        stamp = written(self._home)
        if self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, overview(self._home))
        return self._seen[1]


def _open(home: Home) -> Control:
    from ..wiring import open_control

    return open_control(home)
