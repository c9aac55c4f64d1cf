"""The day's account over the journal: what was spent today, and every call without a result."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace

from ..core.broker_actions import PURPOSE
from ..core.broker_record import name_of
from ..core.engine import Board
from ..core.ledger import Ledger
from ..domain.batch import fold_batches
from ..domain.canonical import JsonObject
from ..domain.errors import BudgetSpent
from ..domain.events import Event, EventKind
from ..domain.ports import Clock
from ..domain.run import ENDED, RunStatus
from ..domain.usage import Spend
from ..governance.budgets import DayBudget
from ..governance.policy import DAY, DayLimits

_OPEN = tuple(status.value for status in RunStatus if status not in ENDED)
_STEP = Spend(steps=1)
_OF_BATCHES = frozenset(
    {EventKind.BATCH_SUBMITTED, EventKind.BATCH_COLLECTED, EventKind.BATCH_FAILED}
)


class Spending:
    """Port DayAccount. What it holds it would find again in the journal after a crash."""

    def __init__(
        self, ledger: Ledger, board: Board, limits: Callable[[], DayLimits], *, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._board = board
        self._limits = limits
        self._clock = clock
        self._budget: DayBudget | None = None
        self._early: list[Event] | None = None
        """What happens while the journal is being read."""
        self._lock = threading.Lock()
        self._loading = asyncio.Lock()
        ledger.listeners.append(self._hear)

    async def check(self) -> None:
        """Raise BudgetSpent when another step does not fit into the day."""
        limits = self._limits()
        if limits.steps is None and limits.seconds is None:
            return
        await self._load()
        with self._lock:
            self._today().check(_STEP, now=self._clock())

    async def reserve(self, key: str, most: Spend, *, purpose: str) -> None:
        """Hold the most that a call can cost, in one step. Raises BudgetSpent."""
        await self._load()
        with self._lock:
            today, now = self._today(), self._clock()
            try:
                self._budget = today.reserve(key, most, now=now, purpose=purpose)
            except BudgetSpent as spent:
                settled = replace(today, held={})
                with contextlib.suppress(BudgetSpent):
                    settled.reserve(key, most, now=now, purpose=purpose)
                    spent.is_held = True
                raise

    def release(self, key: str) -> None:
        with self._lock:
            if self._budget is not None:
                self._budget = self._budget.release(key)

    def _today(self) -> DayBudget:
        """With the limits in force now: the rules may be read again while the agent runs."""
        budget = self._budget or DayBudget(limits=self._limits())
        return replace(budget, limits=self._limits()).at(self._clock())

    async def _load(self) -> None:
        async with self._loading:
            if self._budget is not None:
                return
            with self._lock:
                self._early = []
            midnight = self._clock() // DAY * DAY
            events = await self._ledger.events_since(midnight)
            budget = await self._under_way(midnight)
            with self._lock:
                early, self._early = self._early, None
                last = events[-1].id if events else 0
                for event in [*events, *(each for each in early if each.id > last)]:
                    budget = booked(budget, event)
                self._budget = budget

    async def _under_way(self, midnight: float) -> DayBudget:
        """Calls that goals wait for since before today; those of today are found there."""
        budget = DayBudget(limits=self._limits(), day=int(midnight // DAY))
        for row in self._board(_OPEN):
            opened = (await self._ledger.load(row["id"])).open_intent
            if opened is not None and "price" in opened:
                budget = _hold(budget, opened, now=midnight)
        for batch in fold_batches(await self._ledger.events_below("batch/")):
            if batch.is_open and batch.submitted_at < midnight:
                most, purpose = batch.most, batch.purpose
                budget = budget.hold(batch.id, most, now=midnight, purpose=purpose)
        return budget

    def _hear(self, event: Event) -> None:
        with self._lock:
            if self._early is not None:
                self._early.append(event)
            elif self._budget is not None:
                self._budget = booked(self._budget, event)


def booked(budget: DayBudget, event: Event) -> DayBudget:
    """The account after one more event: a priced call is held, its result settles it."""
    if event.kind is EventKind.INTENT_RECORDED and "price" in event.payload:
        return _hold(budget, event.payload, now=event.at)
    if event.kind is EventKind.RESULT_RECORDED:
        given = event.payload
        purpose = given["intent"].get("purpose", "")
        actual = Spend(**given.get("spend", {}))
        return budget.settle(given["key"], actual, now=event.at, purpose=purpose)
    if event.kind in (EventKind.BROKER_CALLED, EventKind.BROKER_ANSWERED):
        return _booked_call(budget, event)
    if event.kind in _OF_BATCHES:
        return _booked_batch(budget, event)
    if event.kind is EventKind.GOAL_CANCELLED:
        return _lose(budget, event)
    return budget


def _booked_batch(budget: DayBudget, event: Event) -> DayBudget:
    """From the moment it is about to be sent until its answers are there, at its most."""
    batch, given = event.stream.removeprefix("batch/"), event.payload
    if event.kind is EventKind.BATCH_SUBMITTED:
        most = Spend(**given["most"])
        return budget.hold(batch, most, now=event.at, purpose=given["purpose"])
    held = budget.held.get(batch)
    purpose = held.purpose if held else ""
    return budget.settle(batch, Spend(**given["spend"]), now=event.at, purpose=purpose)


def _booked_call(budget: DayBudget, event: Event) -> DayBudget:
    """What a running capability asks of a model; begun anew, the one before is lost."""
    given = event.payload
    name, most = name_of(given["key"], given["ordinal"]), given.get("most")
    spend = given.get("spend", {})
    if spend:
        actual = Spend(**spend)
        budget = budget.settle(name, actual, now=event.at, purpose=PURPOSE)
    if event.kind is EventKind.BROKER_ANSWERED:
        return budget.release(name)
    return budget.hold(name, Spend(**most), now=event.at, purpose=PURPOSE) if most else budget


def _lose(budget: DayBudget, event: Event) -> DayBudget:
    """Nobody waits for the answer any more, and it may have been paid for."""
    goal = event.stream.removeprefix("goal/")
    for key in [each for each in budget.held if each.startswith(f"{goal}-")]:
        budget = budget.lose(key, now=event.at)
    return budget


def _hold(budget: DayBudget, begun: JsonObject, *, now: float) -> DayBudget:
    most = Spend(usd=begun["price"], tokens=begun.get("tokens", 0), model_calls=1)
    return budget.hold(begun["key"], most, now=now, purpose=begun["intent"].get("purpose", ""))
