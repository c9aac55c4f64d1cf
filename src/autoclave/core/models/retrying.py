"""Asking again after a fault that passes: a few times, not at once, and never what was paid for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from ...domain.errors import ModelUnavailable

T = TypeVar("T")

MOST_TRIES = 5
LONGEST_WAIT_SECONDS = 60.0
"""Whoever asks for more patience is waited for by the kernel, as a row and not as a task."""
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_OWN_WAIT_SECONDS = 8.0

Sleep = Callable[[float], Awaitable[None]]
Lot = Callable[[], float]
"""A number from 0 to 1, so that those who failed together do not come back together."""
Told = Callable[[str], None]


async def retried(attempt: Callable[[], Awaitable[T]], *, sleep: Sleep, lot: Lot, told: Told) -> T:
    """What `attempt` gives. Raises ModelUnavailable when it is still away after the last try.

    A try that may have cost something is not repeated here: the budget has to be asked first.
    """
    for number in range(MOST_TRIES):
        try:
            return await attempt()
        except ModelUnavailable as away:
            wait = _wait_seconds(away, number, lot)
            if away.usd or wait > LONGEST_WAIT_SECONDS or number == MOST_TRIES - 1:
                raise
            told(f"{away.message}; asking again in {wait:.1f} s")
        await sleep(wait)
    raise AssertionError("the last try returns or raises")


def _wait_seconds(away: ModelUnavailable, number: int, lot: Lot) -> float:
    own = min(_LONGEST_OWN_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0**number)
    own *= 0.5 + lot() / 2
    return max(own, away.retry_after or 0.0)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds, as the header says; a date is of no use without a common clock."""
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
