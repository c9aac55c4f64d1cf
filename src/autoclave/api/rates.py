"""How often somebody may ask: token buckets, in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_KEPT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many at once, and so many each second after that."""

    burst: float
    per_second: float


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Rates:
    """One bucket for each key; those that nobody used for longest are forgotten."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one; the seconds to wait when there is none left, else 0."""
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(self._rate.burst, now))
        self._buckets.move_to_end(key)
        while len(self._buckets) > _MOST_KEPT:
            self._buckets.popitem(last=False)
        refilled = bucket.left + (now - bucket.at) * self._rate.per_second
        bucket.left, bucket.at = min(self._rate.burst, refilled), now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate.per_second
        bucket.left -= 1
        return 0.0
