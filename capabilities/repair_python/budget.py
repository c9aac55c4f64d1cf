"""How much time a search may still use: processor time, with the clock as the last word."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """`seconds` of processor time, ended by the clock when that runs much further."""

    def __init__(
        self, seconds: float, *, wall_seconds: float, workers: Callable[[], float]
    ) -> None:
        self.seconds = seconds
        self._wall_end = time.monotonic() + wall_seconds
        self._start = time.process_time()
        self._workers = workers

    @property
    def used(self) -> float:
        return time.process_time() - self._start + self._workers()

    @property
    def left(self) -> float:
        return min(self.seconds - self.used, self.wall_left)

    @property
    def wall_left(self) -> float:
        return self._wall_end - time.monotonic()
