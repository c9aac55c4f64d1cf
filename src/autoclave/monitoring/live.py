"""What only the process itself sees: sealed runs, how long writing takes, that the loop lives."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ..domain.ports import Clock
from ..domain.sealed import Ended, Tier
from .counted import Counted
from .metrics import Family


class Live:
    """Counts from any thread; gone with the process."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._counted = Counted()
        self._lock = threading.Lock()
        self.went_round_at = 0.0
        """When the loop went round last; 0 where none runs."""

    def appended(self, seconds: float) -> None:
        with self._lock:
            self._counted.observe("journal_append_seconds", seconds)

    def sealed(self, tier: Tier, end: Ended, seconds: float) -> None:
        with self._lock:
            self._counted.add("sandbox_runs_total", tier=tier, end=end)
            self._counted.observe("sandbox_run_seconds", seconds, tier=tier)

    def went_round(self) -> None:
        self.went_round_at = self._clock()

    def families(self) -> Iterator[Family]:
        with self._lock:
            found = list(self._counted.families())
        return (each for each in found if each.metric.source == "process")
