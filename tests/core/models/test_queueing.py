"""The queue before a model, on a clock that the test moves: its limits hold, and it is fair."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoclave.core.models.queueing import Queued
from autoclave.core.quota import most_tokens
from autoclave.domain.errors import ModelUnavailable
from autoclave.domain.model import (
    Hear,
    ModelAnswer,
    ModelEvent,
    ModelLimits,
    ModelRequest,
    Quota,
    StopReason,
    Tokens,
)

MINUTE = 60.0


class Time:
    """A clock and a sleep: time goes on only when nothing else can happen."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._number = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._number), woken))
        await woken

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def pass_until(self, *tasks: asyncio.Task[Any]) -> None:
        """Let time go on until these are done. Fails when nothing would ever happen again."""
        await self.settle()
        while not all(task.done() for task in tasks):
            assert self._sleepers, "somebody waits for ever"
            when, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            self.now = max(self.now, when)
            woken.set_result(None)
            await self.settle()


@dataclass
class SlowModel:
    """Port LanguageModel: takes as long and uses as much as the key of a request says."""

    time: Time
    name: str = "slow"
    limits: ModelLimits = field(default_factory=ModelLimits)
    left: Quota = field(default_factory=Quota)
    in_flight: int = 0
    most_in_flight: int = 0
    started: list[tuple[str, float, int]] = field(default_factory=list)
    """Key, time and tokens of every call that was let through."""

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        key, seconds, used = request.key.split("/")
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.started.append((key, self.time.now, int(used)))
        try:
            await self.time.sleep(float(seconds))
        finally:
            self.in_flight -= 1
        return ModelAnswer(
            blocks=(), stop=StopReason.END_TURN, tokens=Tokens(output=int(used)), usd=0.0
        )

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return 0.0

    async def count(self, request: ModelRequest) -> int | None:
        return None

    def quota(self) -> Quota:
        return self.left


def request(key: object, seconds: float = 1.0, used: int = 10, most: int = 100) -> ModelRequest:
    said = ({"role": "user", "content": "x"},)
    return ModelRequest(
        purpose="work", messages=said, key=f"{key}/{seconds}/{used}", most_tokens=most
    )


def queued(time: Time, model: SlowModel, **limits: Any) -> Queued:
    return Queued(model, clock=time, sleep=time.sleep, **{"at_once": 4, **limits})


call_strategy = st.fixed_dictionaries(
    {
        "after": st.sampled_from([0.0, 0.0, 0.5, 3.0, 40.0]),
        "seconds": st.sampled_from([0.1, 1.0, 7.0, 70.0]),
        "used": st.integers(1, 90),
        "cancel_after": st.sampled_from([None, None, None, 0.0, 0.4, 2.0, 65.0]),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    calls=st.lists(call_strategy, max_size=16),
    at_once=st.integers(1, 4),
    requests=st.sampled_from([0, 1, 3]),
    tokens=st.sampled_from([0, 150, 600]),
)
def test_limits_hold_and_everybody_has_their_turn(
    calls: list[dict[str, Any]], at_once: int, requests: int, tokens: int
) -> None:
    """Whoever comes and goes: never too many, in any minute, in order, and nothing is lost."""
    asyncio.run(_check(calls, at_once=at_once, requests=requests, tokens=tokens))


async def _check(calls: list[dict[str, Any]], *, at_once: int, requests: int, tokens: int) -> None:
    time = Time()
    model = SlowModel(time)
    queue = queued(
        time, model, at_once=at_once, requests_per_minute=requests, tokens_per_minute=tokens
    )

    async def ask(number: int, call: dict[str, Any]) -> None:
        working = asyncio.create_task(
            queue.complete(request(number, call["seconds"], call["used"]))
        )
        if call["cancel_after"] is not None:
            await time.sleep(call["cancel_after"])
            working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    async def come() -> None:
        asking = []
        for number, call in enumerate(calls):
            if call["after"]:
                await time.sleep(call["after"])
            asking.append(asyncio.create_task(ask(number, call)))
            await time.settle()
        await asyncio.gather(*asking)

    await time.pass_until(asyncio.create_task(come()))

    assert model.most_in_flight <= at_once
    order = [int(key) for key, _, _ in model.started]
    assert order == sorted(order)
    patient = {number for number, call in enumerate(calls) if call["cancel_after"] is None}
    assert patient <= set(order)
    _check_minutes(model, requests=requests, tokens=tokens)
    await _check_all_free(time, model, at_once)


def _check_minutes(model: SlowModel, *, requests: int, tokens: int) -> None:
    for _, begin, _ in model.started:
        within = [used for _, at, used in model.started if begin <= at < begin + MINUTE - 1e-6]
        assert not requests or len(within) <= requests
        assert not tokens or len(within) == 1 or sum(within) <= tokens


async def _check_all_free(time: Time, model: SlowModel, at_once: int) -> None:
    """As many as may go at once do, after all that."""
    assert model.in_flight == 0
    fresh = SlowModel(time)
    queue = queued(time, fresh, at_once=at_once)
    rest = [asyncio.create_task(queue.complete(request(n))) for n in range(at_once)]
    await time.settle()
    assert fresh.in_flight == at_once
    await time.pass_until(*rest)


async def test_places_are_free_again_after_cancellations() -> None:
    """Of those who wait and of those whose call is under way."""
    time = Time()
    model = SlowModel(time)
    queue = queued(time, model, at_once=2)
    under_way = [asyncio.create_task(queue.complete(request(n))) for n in range(2)]
    waiting = [asyncio.create_task(queue.complete(request(n))) for n in range(2, 5)]
    await time.settle()

    for task in (*under_way, *waiting):
        task.cancel()
    await time.settle()
    later = [asyncio.create_task(queue.complete(request(n))) for n in (7, 8)]
    await time.settle()

    assert [key for key, _, _ in model.started] == ["0", "1", "7", "8"]
    assert model.in_flight == 2
    await time.pass_until(*later)


async def test_what_was_used_counts_and_not_what_was_reckoned() -> None:
    """As soon as the answer is there."""
    time = Time()
    model = SlowModel(time)
    reckoned = most_tokens(request(0))
    queue = queued(time, model, tokens_per_minute=reckoned + 20)

    first = asyncio.create_task(queue.complete(request(0, used=10)))
    await time.pass_until(first)
    second = asyncio.create_task(queue.complete(request(1, used=10)))
    third = asyncio.create_task(queue.complete(request(2, used=10)))
    await time.pass_until(second, third)

    begun = [at - model.started[0][1] for _, at, _ in model.started]
    assert begun == [0.0, 1.0, 2.0]


async def test_a_call_larger_than_a_minute_goes_alone() -> None:
    """It would never fit, so it waits only until nothing else is in the minute."""
    time = Time()
    model = SlowModel(time)
    queue = queued(time, model, tokens_per_minute=50)

    both = [asyncio.create_task(queue.complete(request(n, used=40))) for n in range(2)]
    await time.pass_until(*both)

    assert model.started[1][1] - model.started[0][1] == pytest.approx(MINUTE)


async def test_near_the_end_of_the_quota_it_waits_for_the_reset_and_says_so() -> None:
    """What went out since the interface spoke is taken off."""
    time = Time()
    model = SlowModel(time, left=Quota(requests_left=1, resets_at=time.now + 30))
    queue = queued(time, model)
    heard: list[ModelEvent] = []

    both = [asyncio.create_task(queue.complete(request(n), hear=heard.append)) for n in range(2)]
    await time.pass_until(*both)

    assert model.started[1][1] - model.started[0][1] == pytest.approx(30.0)
    assert [each.kind for each in heard] == ["wait"]
    assert "no request is left" in heard[0].text


async def test_a_long_wait_for_the_quota_is_for_a_row_and_not_for_a_task() -> None:
    """Nothing is asked, and the place is free again."""
    time = Time()
    model = SlowModel(time, left=Quota(requests_left=0, resets_at=time.now + 3600))
    queue = queued(time, model, at_once=1)

    with pytest.raises(ModelUnavailable) as raised:
        await queue.complete(request(0))

    assert raised.value.retry_after == pytest.approx(3600)
    model.left = Quota()
    await time.pass_until(asyncio.create_task(queue.complete(request(1))))
    assert [key for key, _, _ in model.started] == ["1"]


async def test_a_clock_that_is_put_back_holds_nobody_up_for_longer() -> None:
    """The minute begins anew at most."""
    time = Time()
    model = SlowModel(time)
    queue = queued(time, model, requests_per_minute=1)
    await time.pass_until(asyncio.create_task(queue.complete(request(0))))

    time.now -= 86_400
    before = time.now
    await time.pass_until(asyncio.create_task(queue.complete(request(1, seconds=0.1))))

    assert time.now - before <= MINUTE + 1
