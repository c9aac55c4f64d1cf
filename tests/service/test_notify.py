"""One notice for each thing that waits, told until it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import FakeClock

from autoclave.core.journal_engine import open_engine, sqlite_url
from autoclave.core.outbox import Notice, Outbox
from autoclave.core.waiting import WaitingItem, WaitingKind
from autoclave.domain.errors import NotFound
from autoclave.service.channels import NotTold
from autoclave.service.notify import Notifier


class FakeChannel:
    """Port Channel: keeps what it is told; fails as often as it was told to."""

    name = "fake"

    def __init__(self, *, failures: int = 0, most_attempts: int | None = None) -> None:
        self.failures = failures
        self.most_attempts = most_attempts
        self.told: list[Notice] = []

    async def tell(self, notice: Notice) -> None:
        if self.failures:
            self.failures -= 1
            raise NotTold("nobody there")
        self.told.append(notice)


class Desk:
    """A notifier over a list of what waits and a clock that is moved by hand."""

    def __init__(self, outbox: Outbox, channel: FakeChannel, *kinds: WaitingKind) -> None:
        self.waiting: list[WaitingItem] = []
        self.clock = FakeClock()
        self.channel = channel
        self.notifier = Notifier(
            outbox,
            [channel],
            lambda: list(self.waiting),
            kinds=kinds or list(WaitingKind),
            clock=self.clock,
        )

    async def turn(self, *, seconds: float = 0.0) -> list[str]:
        """Look and tell once; ids of what was told so far."""
        self.clock.now += seconds
        await self.notifier.look()
        await self.notifier.tell_due(self.channel)
        return [notice.id for notice in self.channel.told]


@pytest.fixture
def outbox(fast_tmp_path: Path) -> Iterator[Outbox]:
    engine = open_engine(sqlite_url(fast_tmp_path / "journal.db"))
    yield Outbox(engine)
    engine.dispose()


def _question(subject: str = "G-0001", *, version: str = "1", since: float = 5.0) -> WaitingItem:
    return WaitingItem(
        kind=WaitingKind.QUESTION,
        subject=subject,
        what="may it?",
        since=since,
        next=f"autoclave goal show {subject}",
        version=version,
    )


async def test_what_waits_is_told_once(outbox: Outbox) -> None:
    """However often it is looked at."""
    desk = Desk(outbox, FakeChannel())
    desk.waiting = [_question()]

    for _ in range(3):
        told = await desk.turn(seconds=60)

    assert len(told) == 1


async def test_another_question_of_the_same_goal_is_news(outbox: Outbox) -> None:
    """Also when nobody looked in between."""
    desk = Desk(outbox, FakeChannel())
    desk.waiting = [_question(version="1")]
    await desk.turn()

    desk.waiting = [_question(version="2", since=9.0)]

    assert len(set(await desk.turn())) == 2


async def test_what_did_not_arrive_is_told_again_later_with_the_same_id(outbox: Outbox) -> None:
    """Less and less often, and not before it is time."""
    desk = Desk(outbox, FakeChannel(failures=2))
    desk.waiting = [_question()]

    assert await desk.turn() == []
    assert await desk.turn(seconds=1) == []
    assert desk.channel.failures == 1  # it was too early
    assert await desk.turn(seconds=1) == []
    assert len(await desk.turn(seconds=4)) == 1


async def test_another_process_goes_on_with_the_same_rows(outbox: Outbox) -> None:
    """What the one before could not tell keeps its id; what it told is not told again."""
    first = Desk(outbox, FakeChannel(failures=1))
    first.waiting = [_question(), _question("G-0002")]
    told_first = await first.turn()

    second = Desk(outbox, FakeChannel())
    second.waiting = first.waiting
    told_second = await second.turn(seconds=60)

    ids = {row["id"] for row in outbox.rows()}
    assert set(told_first) | set(told_second) == ids
    assert not set(told_first) & set(told_second)


async def test_nobody_is_told_of_what_waits_no_more(outbox: Outbox) -> None:
    """A question that was answered meanwhile is off the list."""
    desk = Desk(outbox, FakeChannel(failures=1))
    desk.waiting = [_question()]
    await desk.turn()

    desk.waiting = []

    assert await desk.turn(seconds=60) == []
    assert outbox.rows() == []


async def test_a_channel_gives_up_after_its_most_attempts(outbox: Outbox) -> None:
    """A desktop that is not there will not be there in an hour."""
    desk = Desk(outbox, FakeChannel(failures=9, most_attempts=2))
    desk.waiting = [_question()]

    for _ in range(4):
        await desk.turn(seconds=600)

    assert desk.channel.failures == 7
    assert (await desk.notifier.rows())[0]["due_at"] is None


async def test_kinds_that_are_switched_off_are_not_told(outbox: Outbox) -> None:
    """Each kind by itself."""
    desk = Desk(outbox, FakeChannel(), WaitingKind.PROPOSAL)
    desk.waiting = [_question()]

    assert await desk.turn() == []


async def test_a_slow_channel_does_not_hold_up_the_loop(outbox: Outbox) -> None:
    """Telling is a task of its own, and ends with what it is beside."""

    reached = asyncio.Event()

    class Stuck(FakeChannel):
        async def tell(self, notice: Notice) -> None:
            self.told.append(notice)
            reached.set()
            await asyncio.Event().wait()

    stuck = Stuck()
    desk = Desk(outbox, stuck)
    desk.waiting = [_question()]
    await desk.notifier.look()

    async with desk.notifier.working():
        await reached.wait()

    assert len(stuck.told) == 1


async def test_a_test_needs_a_channel(outbox: Outbox) -> None:
    """And says what to set."""
    notifier = Notifier(outbox, [], list, kinds=[], clock=FakeClock())

    with pytest.raises(NotFound, match="nothing is set up"):
        await notifier.test()


async def test_a_test_says_what_came_of_each_channel(outbox: Outbox) -> None:
    """One that fails is an answer, not an error."""
    notifier = Notifier(outbox, [FakeChannel(failures=1)], list, kinds=[], clock=FakeClock())

    (found,) = await notifier.test()

    assert (found["ok"], found["why"]) == (False, "nobody there")
