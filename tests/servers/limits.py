"""Rate limits: the headers that tell them, and the refusal when they are reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

_WINDOW_SECONDS = 60.0
_DEFAULT = {"requests": 4_000, "input-tokens": 2_000_000, "output-tokens": 400_000}


class RateLimits:
    """Counts per minute. They refuse only when the script names them."""

    def __init__(self, clock: Callable[[], float], named: Mapping[str, int] | None = None) -> None:
        self._clock = clock
        self._enforced = {key.replace("_", "-") for key in named or {}}
        self._limit = _DEFAULT | {k.replace("_", "-"): v for k, v in (named or {}).items()}
        self._began = clock()
        self._used = dict.fromkeys(self._limit, 0)

    def exceeded(self) -> str | None:
        """The limit that is used up in this minute."""
        self._turn_the_window()
        return next(
            (name for name in self._enforced if self._used[name] >= self._limit[name]), None
        )

    def count(self, *, read: int, written: int) -> None:
        """One request; tokens read from the cache do not count."""
        self._turn_the_window()
        for name, amount in (("requests", 1), ("input-tokens", read), ("output-tokens", written)):
            self._used[name] += amount

    def seconds_left(self) -> int:
        return max(1, round(self._began + _WINDOW_SECONDS - self._clock()))

    def headers(self) -> dict[str, str]:
        self._turn_the_window()
        reset = datetime.fromtimestamp(self._began + _WINDOW_SECONDS, UTC)
        found: dict[str, str] = {}
        for name, limit in self._limit.items():
            start = f"anthropic-ratelimit-{name}"
            found[f"{start}-limit"] = str(limit)
            found[f"{start}-remaining"] = str(max(limit - self._used[name], 0))
            found[f"{start}-reset"] = reset.strftime("%Y-%m-%dT%H:%M:%SZ")
        return found

    def _turn_the_window(self) -> None:
        if self._clock() >= self._began + _WINDOW_SECONDS:
            self._began = self._clock()
            self._used = dict.fromkeys(self._limit, 0)
