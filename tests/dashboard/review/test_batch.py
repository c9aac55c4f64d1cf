"""Several at once: only what is harmless, only what is marked, and the first trouble ends it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from autoclave.dashboard.review.asking import ApproveAsk
from autoclave.dashboard.review.batch import BatchScreen
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import AutoclaveError, Stale

pytestmark = pytest.mark.slow


class Desk(App[None]):
    def __init__(self, screen: BatchScreen) -> None:
        super().__init__()
        self.batch = screen
        self.ended: list[int | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.batch, self.ended.append)


@pytest.fixture
def low(proposal: JsonObject) -> Any:
    """Makes a harmless proposal that changes a file of its own."""

    def make(name: str, **changes: Any) -> JsonObject:
        made = copy.deepcopy(proposal) | {"id": name, "risk": "R1", "files": [f"{name}.md"]}
        return made | changes

    return make


@pytest.fixture
def batch(desk: Any, clock: Any, proposal: JsonObject) -> Any:
    """Makes the list for some proposals, and the door behind it."""

    def make(*proposals: JsonObject) -> tuple[Desk, Any]:
        app, door = desk(proposal)
        door.found = {each["id"]: each for each in proposals}
        sign = app.review._sign
        return Desk(BatchScreen(door=door, sign=sign, clock=clock, by="person:maria")), door

    return make


def said(app: Desk) -> str:
    return str(app.batch.query_one("#review-said", Static).render())


async def approve(app: Desk, pilot: Pilot[None], clock: Any) -> None:
    clock.pass_()
    await pilot.press("a")
    clock.pass_()
    await pilot.press("y")
    clock.pass_(6)
    app.batch.tick()
    await app.workers.wait_for_complete([w for w in app.workers if w.group == "decide"])
    await pilot.pause()


async def test_what_is_marked_is_approved_one_by_one(batch: Any, low: Any, clock: Any) -> None:
    """Each with a signature of its own; the others stay."""
    app, door = batch(low("P-0001"), low("P-0002"), low("P-0003"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space", "down", "down", "space")
        await approve(app, pilot, clock)

        assert [each[:2] for each in door.decisions] == [
            ("approve", "P-0001"),
            ("approve", "P-0003"),
        ]
        assert "2 approved and applied" in said(app)
        assert [each["id"] for each in app.batch.rows.found] == ["P-0002"]


async def test_nothing_is_marked_by_itself(batch: Any, low: Any, clock: Any) -> None:
    """A yes to nothing is none."""
    app, _ = batch(low("P-0001"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("a")

        assert app.screen is app.batch
        assert "mark some first" in said(app)


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"risk": "R4"}, "one by one"), ({"gates": []}, "no gate"), ({"judged_at": 0.0}, "older")],
)
async def test_what_needs_eyes_of_its_own_can_not_be_marked(
    batch: Any, low: Any, changes: JsonObject, why: str
) -> None:
    """And says why."""
    app, _ = batch(low("P-0001", **changes))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space")

        assert app.batch.rows.marked == set()
        assert why in said(app)


async def test_two_that_change_the_same_file_do_not_go_together(batch: Any, low: Any) -> None:
    """The second one was measured without the first."""
    app, _ = batch(low("P-0001", files=["x"]), low("P-0002", files=["x"]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space", "down", "space")

        assert app.batch.rows.marked == {"P-0001"}
        assert "changes x as well" in said(app)


async def test_the_first_trouble_ends_it(batch: Any, low: Any, clock: Any) -> None:
    """What was approved before it is said."""
    app, door = batch(low("P-0001"), low("P-0002"), low("P-0003"))

    async def sheet(proposal: str) -> Any:
        if proposal == "P-0002":
            raise Stale("the body changed")
        return await type(door).proposal_sheet(door, proposal)

    door.proposal_sheet = sheet
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space", "down", "space", "down", "space")
        await approve(app, pilot, clock)

        assert [each[1] for each in door.decisions] == ["P-0001"]
        assert "1 approved, then P-0002 ended it: the body changed" in said(app)


async def test_it_can_be_taken_back_and_left(batch: Any, low: Any, clock: Any) -> None:
    """Esc first takes the yes back."""
    app, door = batch(low("P-0001"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space")
        clock.pass_()
        await pilot.press("a")
        assert isinstance(app.screen, ApproveAsk)
        clock.pass_()
        await pilot.press("y", "escape")
        clock.pass_(60)
        app.batch.tick()
        await pilot.press("escape")
    assert (door.decisions, app.ended) == ([], [None])


async def test_a_home_that_does_not_answer_is_said(batch: Any, low: Any) -> None:
    """And nothing can be marked."""
    app, door = batch(low("P-0001"))

    async def fails(status: str | None = None) -> list[JsonObject]:
        raise AutoclaveError("nobody answers")

    door.proposals = fails
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space", "a")

        assert "nobody answers" in said(app)
