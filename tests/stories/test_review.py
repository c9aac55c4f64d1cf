"""The review with the real agent behind it: what is pressed is what is applied."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.fakes_owner import Person
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from autoclave.dashboard.review.asking import TypedOnly
from autoclave.dashboard.review.screen import ReviewScreen
from autoclave.domain.approval import Approval, Sheet
from autoclave.service.control import Control
from autoclave.service.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
OWNER = Person()


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Desk(App[None]):
    """Nothing but the review of P-0001."""

    def __init__(self, control: Control, clock: Clock) -> None:
        super().__init__()
        self.signed: list[Sheet] = []
        self.review = ReviewScreen(
            "P-0001", door=control, sign=self._sign, clock=clock, by=OWNER.by
        )

    async def _sign(self, sheet: Sheet) -> Approval:
        self.signed.append(sheet)
        return OWNER.sign(sheet)

    def on_mount(self) -> None:
        self.push_screen(self.review)


@pytest.fixture
async def control(waiting: Home, open_home: Any) -> AsyncIterator[Control]:
    """A door to the home that waits with P-0001, whose owner is at the desk."""
    async with open_home(waiting) as control:
        await OWNER.own(control)
        yield control


async def _settle(app: Desk, pilot: Pilot[None]) -> None:
    await app.workers.wait_for_complete([each for each in app.workers if each.group == "decide"])
    await pilot.pause()


async def _opened(app: Desk, pilot: Pilot[None]) -> None:
    await app.workers.wait_for_complete()
    await pilot.pause()


async def test_what_is_approved_on_the_screen_is_applied(control: Control) -> None:
    """After all of it was looked at, its id typed, another key pressed and the time run out."""
    clock = Clock()
    app = Desk(control, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await _opened(app, pilot)
        for _ in range(4):
            app.review.tick()
        assert app.review.diff.unseen() == []
        assert "$0.0000" in app.review.evidence.text

        clock.ahead += 1
        await pilot.press("a")
        clock.ahead += 1
        assert app.screen.query(TypedOnly)
        await pilot.press(*"P-0001")
        clock.ahead += 1
        await pilot.press("y")
        assert app.signed == []
        clock.ahead += 6
        app.review.tick()
        await _settle(app, pilot)

        said = str(app.review.query_one("#review-said", Static).render())
        assert said.startswith("approved and applied"), said
        assert [sheet.subject for sheet in app.signed] == ["P-0001"]
    found = await control.proposal("P-0001")
    assert (found["status"], found["decided_by"]) == ("applied", OWNER.by)
    assert found["looked_seconds"] is not None


async def test_what_is_sent_back_is_taken_up_again_with_its_comments(control: Control) -> None:
    """Without a model the new run says that it takes one; the words are kept."""
    clock = Clock()
    app = Desk(control, clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await _opened(app, pilot)
        await pilot.press("n", "down", "c", *"why", "ctrl+s")
        clock.ahead += 1
        await pilot.press("b")
        clock.ahead += 1
        await pilot.press("ctrl+s")
        await _settle(app, pilot)
    returned = await control.proposal("P-0001")
    assert returned["status"] == "returned"
    (comment,) = returned["comments"]
    assert comment.endswith(": why")

    await control.improve()

    goals = await control.goals()
    newest = max((g for g in goals if g["kind"] == "improvement"), key=lambda g: str(g["id"]))
    events = await control.history(0, 10_000, f"goal/{newest['id']}")
    assert [e["payload"]["facts"]["comments"] for e in events if e["kind"] == "GoalAdded"] == [
        [comment]
    ]
    assert newest["status"] == "failed"
    assert "a language model" in str((await control.goal(newest["id"]))["outcome"])


async def test_two_reviews_of_the_same_proposal(control: Control) -> None:
    """The second one is told what the first one did."""
    clock = Clock()
    app = Desk(control, clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await _opened(app, pilot)
        await control.reject_proposal("P-0001", "no", by="person:alex")

        await app.review.look()

        assert app.review.standing.status == "rejected"
        assert app.review.standing.why_not(app.review.given)
