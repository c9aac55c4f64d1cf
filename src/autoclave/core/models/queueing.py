"""A queue before a language model: so many calls at once, so many a minute, each in its turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from ...domain.errors import ModelUnavailable
from ...domain.model import Hear, ModelAnswer, ModelEvent, ModelLimits, ModelRequest, Quota
from ...domain.ports import Clock, LanguageModel
from ..quota import most_tokens, wait_for_quota
from .retrying import LONGEST_WAIT_SECONDS, Sleep

_MINUTE = 60.0
_LEAST_WAIT_SECONDS = 0.001
"""So that a wait that is rounded to nothing still lets time go on."""


@dataclass(slots=True)
class Admitted:
    """One call that was let through; it weighs what it was reckoned at until its usage is told."""

    at: float
    tokens: int


@dataclass(slots=True, kw_only=True)
class Minute:
    """What was let through in the last minute, against what may be.

    A rolling minute: no 60 seconds, wherever they begin, hold more than the limits. A bucket that
    fills up again would let twice as much through in the minute after a quiet one.
    """

    requests: int = 0
    """The most in a minute; 0 for no limit."""
    tokens: int = 0
    _past: deque[Admitted] = field(default_factory=deque)

    def wait_seconds(self, tokens: int, *, now: float) -> float:
        """How long a call of so many tokens has to wait if nothing else comes; 0 when it may go.

        One that is more than a whole minute grants goes when the minute is empty.
        """
        self._forget(now)
        count, sum_of = len(self._past), sum(each.tokens for each in self._past)
        weight = min(tokens, self.tokens)
        free_at = now
        for each in self._past:
            fits_count = not self.requests or count < self.requests
            if fits_count and (not self.tokens or sum_of + weight <= self.tokens):
                break
            count, sum_of = count - 1, sum_of - each.tokens
            free_at = each.at + _MINUTE
        return free_at - now

    def admit(self, tokens: int, *, now: float) -> Admitted:
        admitted = Admitted(at=now, tokens=tokens)
        self._past.append(admitted)
        return admitted

    def _forget(self, now: float) -> None:
        while self._past and now - self._past[0].at >= _MINUTE:
            self._past.popleft()
        for each in self._past:  # a clock that is put back must not make anybody wait for hours
            each.at = min(each.at, now)


@dataclass(slots=True)
class Granted:
    """What the interface said is left, less what went out since then."""

    said: Quota = field(default_factory=Quota)
    requests: int = 0
    tokens: int = 0

    def left(self, said: Quota, *, in_flight: int) -> Quota:
        """What is left now. Calls in flight when it spoke may not have been counted by it."""
        if said != self.said:
            self.said, self.requests, self.tokens = said, in_flight, 0
        return replace(
            said,
            requests_left=_less(said.requests_left, self.requests),
            tokens_left=_less(said.tokens_left, self.tokens),
        )

    def take(self, tokens: int) -> None:
        self.requests += 1
        self.tokens += tokens


class Queued:
    """Port LanguageModel before another one.

    Whoever is first in the queue waits for a free place, for the minute and for the quota; all
    others wait for their turn. What is cancelled, waiting or under way, gives its place up.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        at_once: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = model.name
        self.limits: ModelLimits = model.limits
        self.inner = model
        self._clock, self._sleep = clock, sleep
        self._minute = Minute(requests=requests_per_minute or 0, tokens=tokens_per_minute or 0)
        self._granted = Granted()
        self._at_once = at_once
        self._places = asyncio.Semaphore(at_once)
        self._turn = asyncio.Lock()
        self._in_flight = 0
        self._ended = asyncio.Event()
        """A call ended: what it used is known now."""

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return self.inner.price(request, read=read)

    async def count(self, request: ModelRequest) -> int | None:
        return await self.inner.count(request)

    def quota(self) -> Quota:
        return self.inner.quota()

    async def aclose(self) -> None:
        close: Callable[[], Awaitable[None]] | None = getattr(self.inner, "aclose", None)
        if close is not None:
            await close()

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        """As the model behind it. Raises ModelUnavailable instead of waiting long for its quota."""
        admitted = await self._admitted(request, hear)
        self._in_flight += 1
        try:
            answer = await self.inner.complete(request, hear=hear)
        finally:
            self._in_flight -= 1
            self._places.release()
            self._ended.set()
        admitted.tokens = answer.tokens.total
        return answer

    async def _admitted(self, request: ModelRequest, hear: Hear | None) -> Admitted:
        """Leave to go, with a place taken."""
        if self._turn.locked() or self._places.locked():
            _tell(hear, f"waits for its turn: {self._at_once} calls at once")
        async with self._turn:
            await self._places.acquire()
            try:
                return await self._on_time(request, hear)
            except BaseException:  # also when it is cancelled
                self._places.release()
                raise

    async def _on_time(self, request: ModelRequest, hear: Hear | None) -> Admitted:
        tokens, told = most_tokens(request), ""
        while True:
            wait, why = self._wait(request, tokens)
            if not why:
                break
            if why != told:
                _tell(hear, f"{why}; waits up to {wait:.1f} s")
                told = why
            await self._pause(max(wait, _LEAST_WAIT_SECONDS))
        self._granted.take(tokens)
        return self._minute.admit(tokens, now=self._clock())

    async def _pause(self, seconds: float) -> None:
        """So long, or until a call ends that may have used less than it was reckoned at."""
        self._ended.clear()
        waits = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._ended.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _wait(self, request: ModelRequest, tokens: int) -> tuple[float, str]:
        """How long and why; no reason when it may go now. Raises ModelUnavailable."""
        now = self._clock()
        left = self._granted.left(self.inner.quota(), in_flight=self._in_flight)
        if due := wait_for_quota(left, request, now=now):
            wait, why = due["wake_at"] - now, str(due["reason"])
            if wait > LONGEST_WAIT_SECONDS:
                raise ModelUnavailable(why, retry_after=wait)
            return wait, why
        wait = self._minute.wait_seconds(tokens, now=now)
        return (wait, "the limit of a minute is reached") if wait > 0 else (0.0, "")


def _less(left: int | None, used: int) -> int | None:
    return None if left is None else left - used


def _tell(hear: Hear | None, text: str) -> None:
    if hear:
        hear(ModelEvent(kind="wait", text=text))
