"""The day's account over a real journal: nothing is promised twice, and a crash forgets nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeClock, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.core.engine import Engine
from autoclave.core.mind_loader import LoadedMind
from autoclave.core.scripted_model import ScriptedModel
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import BudgetSpent, NotAllowed
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.model import Quota
from autoclave.domain.run import Run, RunStatus
from autoclave.domain.usage import Budget, Spend
from autoclave.governance.budgets import DayBudget
from autoclave.governance.policy import DAY, DayLimits
from autoclave.service.goal_desk import GoalDesk
from autoclave.service.spending import Spending, booked

ME = "person:test"
NOON = 20_000 * DAY + DAY / 2
Open = Callable[..., Loop]


def ask_the_model(view: Any) -> JsonObject:
    """A mind that asks one question and then says that it is done with it."""
    if view["run"]["state"] == "IDLE":
        return {"path": ["PLANNING"], "intent": {"kind": "Recall", "query": "x"}}
    asked = [each for each in view["replies"] if each["intent"]["kind"] == "Think"]
    if asked:
        intent = {"kind": "GiveUp", "reason": "asked", "needs": "", "unserved": True}
        return {"path": ["ERROR", "RECOVERING"], "intent": intent}
    messages = [{"role": "user", "content": "how?"}]
    return {"intent": {"kind": "Think", "purpose": "plan", "messages": messages}}


class LimitedModel(ScriptedModel):
    """A script whose interface says what is left."""

    left = Quota()

    def quota(self) -> Quota:
        return self.left


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def opened(fast_tmp_path: Path, clock: FakeClock) -> Iterator[Open]:
    """Opens the loop over the one journal; again stands for a restart."""
    loops: list[Loop] = []

    def again(model: Any = None, limits: DayLimits | None = None, **parts: Any) -> Loop:
        loop = open_loop(
            fast_tmp_path, FakeToolbox(), clock=clock, decide=ask_the_model, model=model
        )
        terms = limits or DayLimits(usd=1.0)
        day = Spending(loop.parts.ledger, loop.board, lambda: terms, clock=clock)
        loop.parts = replace(loop.parts, day=day, **parts)
        loops.append(loop)
        return loop

    yield again
    for loop in loops:
        loop.close()


async def drive(loop: Loop, goal: str) -> Run:
    return await Driver(loop.parts).drive(goal)


async def test_goal_that_does_not_fit_into_the_day_waits_for_the_next(
    opened: Open, clock: FakeClock
) -> None:
    """It says when the day turns and what people can do, and goes on by itself."""
    loop = opened(ScriptedModel("a", "b", usd=0.6))
    await drive(loop, await loop.add("first", budget={"usd": 9.0}))
    goal = await loop.add("second", budget={"usd": 9.0})

    run = await drive(loop, goal)
    assert (run.status, run.parked_by) == (RunStatus.PARKED, "budget")
    assert "the day turns at 2024-10-05 00:00 UTC" in run.reason
    assert all(word in run.reason for word in ("wait", "add", f"goal cancel {goal}"))

    await Engine(loop.parts, loop.board).run_until_idle()
    assert (await loop.parts.ledger.load(goal)).status is RunStatus.PARKED
    clock.now += DAY / 2
    await Engine(loop.parts, loop.board).run_until_idle()
    assert (await loop.parts.ledger.load(goal)).spend.usd == 0.6


async def test_a_restart_remembers_what_was_spent_today_and_not_yesterday(
    opened: Open, clock: FakeClock
) -> None:
    """It is read from the journal."""
    loop = opened(ScriptedModel("a", usd=0.7))
    await drive(loop, await loop.add("first"))

    with pytest.raises(BudgetSpent, match=r"1\.1 would be needed"):
        await opened().parts.day.reserve("k", Spend(usd=0.4), purpose="plan")

    clock.now += DAY
    await opened().parts.day.reserve("k", Spend(usd=0.4), purpose="plan")


async def test_a_call_that_a_crash_cut_off_counts_at_its_full_price(
    opened: Open, clock: FakeClock
) -> None:
    """Also when it was begun the day before: nobody knows what it came to."""
    loop = opened()
    goal = await loop.add("first")
    begun = {"key": f"{goal}-1", "intent": {"kind": "Think", "purpose": "plan"}, "effect": "once"}
    priced = NewEvent(kind=EventKind.INTENT_RECORDED, payload={**begun, "price": 0.8, "tokens": 10})
    await loop.parts.ledger.post(f"goal/{goal}", priced, actor="kernel")

    for _ in range(2):
        with pytest.raises(BudgetSpent):
            await opened().parts.day.reserve("k", Spend(usd=0.4), purpose="plan")
        clock.now += DAY


async def test_many_goals_at_once_never_hold_more_than_the_day_has(opened: Open) -> None:
    """Each reserves in one step, before anything is sent."""
    loop = opened()
    day = loop.parts.day

    async def reserve(number: int) -> bool:
        try:
            await day.reserve(f"G-{number}-1", Spend(usd=0.3), purpose="plan")
        except BudgetSpent:
            return False
        return True

    assert sum(await asyncio.gather(*map(reserve, range(10)))) == 3


async def test_what_was_held_for_a_call_that_was_never_made_is_free_again(opened: Open) -> None:
    """A person wrote to the run at that moment, say."""
    day = opened().parts.day
    await day.reserve("a", Spend(usd=0.9), purpose="plan")

    day.release("a")

    await day.reserve("b", Spend(usd=0.9), purpose="plan")


async def test_a_limit_of_steps_holds_for_every_goal(opened: Open) -> None:
    """Where the file gives one."""
    loop = opened(ScriptedModel("a"), DayLimits(steps=1))

    run = await drive(loop, await loop.add("first"))

    assert run.parked_by == "budget"
    assert "1 steps" in run.reason


async def test_work_waits_for_the_reset_of_the_interface(opened: Open, clock: FakeClock) -> None:
    """Instead of running into its limit; then it goes on by itself."""
    model = LimitedModel("a")
    model.left = Quota(requests_left=0, resets_at=clock.now + 60)
    loop = opened(model)
    goal = await loop.add("first")

    run = await drive(loop, goal)
    assert (run.status, run.wake_at) == (RunStatus.WAITING, clock.now + 60)
    assert "no request is left" in run.reason
    assert not model.requests

    clock.now += 61
    await Engine(loop.parts, loop.board).run_until_idle()
    assert len(model.requests) == 1


async def test_more_budget_lets_a_goal_that_was_parked_for_it_go_on(opened: Open) -> None:
    """The reason names the command."""
    loop = opened(ScriptedModel("a", usd=0.2))
    goal = await loop.add("first", budget={"usd": 0.1})
    run = await drive(loop, goal)
    assert f"goal budget {goal}" in run.reason
    desk = GoalDesk(loop.parts, loop.board, budget=Budget())

    await desk.add_budget(goal, {"usd": 0.5}, by=ME)
    run = await drive(loop, goal)

    assert (run.spend.usd, run.budget.usd) == (0.2, 0.6)
    with pytest.raises(NotAllowed):
        await desk.add_budget((await loop.add("x")), {"usd": 0.5}, by="mind")


async def test_nobody_there_and_headless_deny_refuses_the_question_of_a_mind(opened: Open) -> None:
    """At once, as a result that the mind can plan around."""

    def refuse(ruling: object) -> None:
        raise NotAllowed("nobody is there to ask")

    def ask(view: Any) -> JsonObject:
        if view["replies"]:
            intent = {"kind": "GiveUp", "reason": "no", "needs": "", "unserved": True}
            return {"path": ["PLANNING", "ERROR", "RECOVERING"], "intent": intent}
        return {"intent": {"kind": "Ask", "question": "may I?"}}

    loop = opened(may_ask=refuse)
    loop.parts = replace(loop.parts, mind=LoadedMind("tree", ask))

    run = await drive(loop, await loop.add("first"))

    assert run.replies[0]["result"]["failure"]["message"] == "nobody is there to ask"
    assert run.question is None


# The law: whatever comes in whatever order, what is counted stays within the limits.


@dataclass
class Life:
    """Calls of many goals over one journal, with crashes in between."""

    now: float = NOON
    log: list[Event] = field(default_factory=list)
    open: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    budget: DayBudget = field(
        default_factory=lambda: DayBudget(limits=DayLimits(usd=1.0), day=int(NOON // DAY))
    )

    def write(self, kind: EventKind, payload: JsonObject) -> None:
        event = Event(
            id=len(self.log) + 1,
            stream="goal/G-0001",
            seq=1,
            epoch=1,
            kind=kind,
            version=1,
            payload=payload,
            actor="kernel",
            at=self.now,
        )
        self.log.append(event)
        self.budget = booked(self.budget, event)

    def reserve(self, amount: float) -> None:
        self.calls += 1
        key = f"G-0001-{self.calls}"
        try:
            most = Spend(usd=amount, model_calls=1)
            self.budget = self.budget.reserve(key, most, now=self.now, purpose="plan")
        except BudgetSpent:
            return
        intent = {"kind": "Think", "purpose": "plan"}
        self.write(EventKind.INTENT_RECORDED, {"key": key, "intent": intent, "price": amount})
        self.open[key] = amount

    def settle(self, share: float) -> None:
        if self.open:
            key, amount = self.open.popitem()
            self.result(key, amount * share)

    def result(self, key: str, usd: float) -> None:
        intent = {"kind": "Think", "purpose": "plan"}
        payload = {"key": key, "intent": intent, "spend": {"usd": usd, "model_calls": 1}}
        self.write(EventKind.RESULT_RECORDED, payload)

    def crash(self, _: float) -> None:
        """Everything but the journal is gone; what was open is found in it."""
        today = self.now // DAY
        budget = DayBudget(limits=DayLimits(usd=1.0), day=int(today))
        for event in self.log:
            is_open = event.payload["key"] in self.open and "price" in event.payload
            if is_open or event.at // DAY == today:
                budget = booked(budget, replace(event, at=max(event.at, today * DAY)))
        self.budget = budget

    def midnight(self, _: float) -> None:
        self.now = (self.now // DAY + 1) * DAY


steps = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "crash", "midnight"]), st.floats(0, 1)),
    max_size=30,
)


@given(steps)
def test_no_order_of_calls_and_crashes_counts_more_than_the_limit(
    moves: list[tuple[str, float]],
) -> None:
    """Nor does a crash forget anything that was counted before it."""
    life = Life()
    for move, amount in moves:
        before = life.budget.at(life.now).committed.usd
        getattr(life, move)(amount)
        counted = life.budget.at(life.now).committed.usd
        assert counted <= 1.0 + 1e-9
        if move == "crash":
            assert counted == pytest.approx(before)
