"""What monitors ask: alive, ready, metrics. None of it needs more than plain ASGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError

T = TypeVar("T")
CHECKS_KEPT_SECONDS = 5.0
METRICS_KEPT_SECONDS = 2.0
_JOURNAL_SECONDS = 5.0
METRICS_MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Probed(Protocol):
    """What is looked at: a part of Control."""

    async def newest_event(self) -> int: ...
    async def doctor(self) -> JsonObject: ...
    async def export(self, what: str, form: str) -> str: ...


class Kept(Generic[T]):
    """One answer for everybody who asks within a few seconds, made once."""

    def __init__(
        self,
        make: Callable[[], Awaitable[T]],
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._made: tuple[float, T] | None = None
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        async with self._turn:
            if self._made is None or self._clock() - self._made[0] >= self._seconds:
                made = await self._make()
                self._made = (self._clock(), made)
            return self._made[1]


class Probes:
    """Over one control; `is_working` says whether the loop still turns."""

    def __init__(self, control: Probed, *, is_working: Callable[[], bool]) -> None:
        self._control = control
        self._is_working = is_working
        self._checks = Kept(control.doctor, CHECKS_KEPT_SECONDS)
        self._metrics = Kept(lambda: control.export("metrics", "prom"), METRICS_KEPT_SECONDS)

    async def ready(self) -> JsonObject:
        """Whether it works and its journal answers; cheap enough to be asked every second."""
        missing = [] if self._is_working() else ["the loop does not run"]
        try:
            async with asyncio.timeout(_JOURNAL_SECONDS):
                await self._control.newest_event()
        except (AutoclaveError, TimeoutError):
            missing.append("the journal does not answer")
        return {"ready": not missing, "missing": missing}

    async def ready_in_full(self) -> JsonObject:
        """The same with everything that `autoclave doctor` checks."""
        short, checks = await self.ready(), await self._checks.get()
        return {**short, **checks, "ready": bool(short["ready"] and checks["ok"])}

    async def metrics(self) -> str:
        return await self._metrics.get()
