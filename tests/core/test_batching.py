"""Batches over a real journal: paid once and never forgotten, wherever the process dies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeClock, FakeKnowledge, FakeToolbox, Loop, open_loop
from tests.fakes_batches import FakeProvider, Killed, Killer, pattern

from autoclave.core.batching import Asking, Batching
from autoclave.core.consolidating import Consolidation
from autoclave.core.engine import Engine
from autoclave.domain.batch import Batch, BatchState
from autoclave.domain.errors import BudgetSpent, CredentialMissing, ModelUnavailable
from autoclave.domain.events import EventKind
from autoclave.domain.knowledge import Pattern
from autoclave.domain.model import ModelRequest
from autoclave.domain.usage import Spend
from autoclave.governance.policy import DAY, DayLimits
from autoclave.service.spending import Spending

Open = Callable[..., Loop]


class KnowsPatterns(FakeKnowledge):
    """Port Knowledge with patterns."""

    def __init__(self, *known: Pattern) -> None:
        super().__init__()
        self.known = list(known)

    def patterns(self, *, kind: Any = None) -> list[Pattern]:
        return self.known


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(20_000 * DAY + DAY / 2)


@pytest.fixture
def provider(clock: FakeClock) -> FakeProvider:
    return FakeProvider(clock=clock)


@pytest.fixture
def opened(fast_tmp_path: Path, clock: FakeClock, provider: FakeProvider) -> Iterator[Open]:
    """Opens the loop over one journal of a name; again stands for a restart."""
    loops: list[Loop] = []

    def again(name: str = "one", *, limits: DayLimits | None = None, **parts: Any) -> Loop:
        folder = fast_tmp_path / name
        folder.mkdir(exist_ok=True)
        loop = open_loop(
            folder, FakeToolbox(), clock=clock, knowledge=KnowsPatterns(pattern(1), pattern(2))
        )
        terms = limits or DayLimits(usd=1.0)
        day = Spending(loop.parts.ledger, loop.board, lambda: terms, clock=clock)
        given = {
            "batches": lambda asked: provider,
            "prompts": lambda: {"consolidate": "write a lesson"},
            "day": day,
            **parts,
        }
        loop.parts = replace(loop.parts, **given)
        loops.append(loop)
        return loop

    yield again
    for loop in loops:
        loop.close()


async def finish(loop: Loop, clock: FakeClock) -> list[Batch]:
    """What a process that stays does: looks when it is time, until nothing is open."""
    batching = Consolidation(loop.parts).batching
    while (due := await batching.look()) is not None:
        clock.now = max(clock.now, due)
    return await batching.every()


async def kinds(loop: Loop) -> list[EventKind]:
    events = await loop.parts.ledger.events_below("batch/")
    return [each.kind for each in events if each.kind is not EventKind.TIMER_SET]


async def test_a_batch_is_written_down_sent_looked_at_and_collected(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """With the lessons right before the word that it is collected, in one step."""
    loop = opened()

    batch = await Consolidation(loop.parts).start()
    assert batch is not None
    assert (batch.state, batch.provider_id) == (BatchState.UNDER_WAY, "theirs-1")
    assert batch.most.usd == pytest.approx(0.02)
    [ended] = await finish(loop, clock)

    assert await kinds(loop) == [
        EventKind.BATCH_SUBMITTED,
        EventKind.BATCH_ACCEPTED,
        EventKind.LESSON_WRITTEN,
        EventKind.LESSON_WRITTEN,
        EventKind.BATCH_COLLECTED,
    ]
    assert ended.state is BatchState.COLLECTED
    assert ended.spend.usd == pytest.approx(0.008)
    assert clock.now - batch.submitted_at == pytest.approx(20.0)


@pytest.mark.slow
async def test_killed_at_any_point_it_is_paid_once_and_not_forgotten(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """Before and after every write and every call, and after that once more a little later."""
    for first, second in ((first, second) for first in itertools.count(1) for second in (1, 4)):
        provider.sent.clear()
        name = f"killed-{first}-{second}"
        was_killed = await _killed(opened(name), Killer(first), clock)
        await _killed(opened(name), Killer(second), clock)

        loop = opened(name)
        await finish(loop, clock)
        if not await kinds(loop):  # killed before a word was written: nothing was bought
            assert not provider.sent
            continue

        assert len(provider.sent) == 1
        written = await kinds(loop)
        assert written.count(EventKind.BATCH_COLLECTED) == 1
        assert written.count(EventKind.LESSON_WRITTEN) == 2
        [batch] = await Consolidation(loop.parts).batching.every()
        assert batch.spend.usd == pytest.approx(provider.charged)
        if not was_killed:
            assert first > 10
            return


async def _killed(loop: Loop, killer: Killer, clock: FakeClock) -> bool:
    """Everything from the first question to the last answer, up to where it dies."""
    parts = killer.parts(loop.parts)
    loop.parts = parts
    try:
        if not await Consolidation(parts).batching.every():
            await Consolidation(parts).start()
        await finish(loop, clock)
    except Killed:
        return True
    return False


async def test_what_may_have_arrived_is_looked_for_and_not_sent_again(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """The connection broke after the last byte; the batch shows its names when it has ended."""
    provider.faults = [ModelUnavailable("the connection broke")]
    provider.arrives_all_the_same = True
    loop = opened()

    batch = await Consolidation(loop.parts).start()
    assert batch is not None
    assert (batch.state, batch.reason) == (BatchState.IN_DOUBT, "the connection broke")
    [ended] = await finish(loop, clock)

    assert len(provider.sent) == 1
    assert ended.state is BatchState.COLLECTED


async def test_nothing_is_looked_for_while_it_may_be_on_its_way(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """Not even by somebody in a hurry; after that it is sent again."""
    provider.faults = [ModelUnavailable("overloaded")]
    loop = opened()
    batching = Consolidation(loop.parts).batching
    await Consolidation(loop.parts).start()

    await batching.look(only_due=False)
    assert not provider.sent
    clock.now += 61
    await batching.look()

    assert len(provider.sent) == 1
    assert (await batching.every())[0].state is BatchState.UNDER_WAY


async def test_what_is_refused_has_failed_and_costs_nothing(
    opened: Open, provider: FakeProvider
) -> None:
    """A bad key: the price is free again at once."""
    provider.faults = [CredentialMissing("the key is wrong")]
    loop = opened(limits=DayLimits(usd=0.025))

    batch = await Consolidation(loop.parts).start()

    assert batch is not None
    assert (batch.state, batch.reason) == (BatchState.FAILED, "the key is wrong")
    await loop.parts.day.reserve("k", Spend(usd=0.02), purpose="plan")


async def test_what_could_not_be_sent_for_a_day_is_given_up(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """After it was looked for once more."""
    provider.faults = [ModelUnavailable("away") for _ in range(5_000)]
    loop = opened()
    await Consolidation(loop.parts).start()
    clock.now += DAY + 1

    await Consolidation(loop.parts).batching.look()

    [batch] = await Consolidation(loop.parts).batching.every()
    assert batch.state is BatchState.FAILED
    assert not provider.sent


async def test_looks_come_less_and_less_often(opened: Open, clock: FakeClock) -> None:
    """From ten seconds to ten minutes."""
    never = _NeverEnds(clock=clock)
    loop = opened(batches=lambda asked: never)
    batching = Consolidation(loop.parts).batching
    await Consolidation(loop.parts).start()

    waits = []
    for _ in range(9):
        due = (await batching.every())[0].wake_at
        waits.append(round(due - clock.now))
        clock.now = due
        await batching.look()

    assert waits == [10, 10, 20, 40, 80, 160, 320, 600, 600]


class _NeverEnds(FakeProvider):
    async def has_ended(self, batch: str) -> bool:
        return False


async def test_the_day_holds_the_price_until_the_answers_are_there(
    opened: Open, clock: FakeClock
) -> None:
    """Over a restart and over midnight as well; then only what it cost counts."""
    limits = DayLimits(usd=0.025)
    await Consolidation(opened(limits=limits).parts).start()

    with pytest.raises(BudgetSpent):
        await opened(limits=limits).parts.day.reserve("k", Spend(usd=0.01), purpose="plan")
    clock.now += DAY
    with pytest.raises(BudgetSpent):
        await opened(limits=limits).parts.day.reserve("k", Spend(usd=0.01), purpose="plan")

    await finish(opened(limits=limits), clock)
    await opened(limits=limits).parts.day.reserve("k", Spend(usd=0.015), purpose="plan")


async def test_a_batch_that_does_not_fit_into_the_day_is_not_even_written_down(
    opened: Open, provider: FakeProvider
) -> None:
    """And so not sent."""
    loop = opened(limits=DayLimits(usd=0.015))

    with pytest.raises(BudgetSpent):
        await Consolidation(loop.parts).start()

    assert await kinds(loop) == []
    assert not provider.sent


async def test_the_engine_collects_what_another_process_sent(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """It looks when it is due, beside the runs."""
    batch = await Consolidation(opened().parts).start()
    assert batch is not None
    provider.sent[batch.provider_id].looks = 5
    clock.now = batch.wake_at
    loop = opened()

    await Engine(loop.parts, loop.board).run_until_idle()

    assert EventKind.BATCH_COLLECTED in await kinds(loop)


async def test_a_cancelled_batch_is_collected_as_far_as_it_came(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """What is answered is paid."""
    loop = opened()
    batch = await Consolidation(loop.parts).start()
    assert batch is not None

    await Consolidation(loop.parts).batching.cancel(batch.id)
    [ended] = await finish(loop, clock)

    assert provider.sent[batch.provider_id].is_cancelled
    assert ended.state is BatchState.COLLECTED


async def test_a_purpose_that_nobody_reads_is_collected_all_the_same(
    opened: Open, clock: FakeClock, provider: FakeProvider
) -> None:
    """Its answers stand in the journal."""
    loop = opened()
    request = ModelRequest(purpose="survey", messages=({"role": "user", "content": "x"},))
    asking = [Asking(about="x", uses=0, request=request)]

    await Batching(loop.parts, {}).submit(provider, "claude", "survey", asking)
    [ended] = await finish(loop, clock)

    assert len(ended.answered) == 1
