"""The embedded engine: many goals at once in one process, over the same database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from ..domain.errors import Fenced, JournalBroken, OutOfResources, SandboxUnavailable
from ..domain.events import EventKind, NewEvent
from ..domain.run import RunStatus
from .driver import Driver
from .escalating import check_working
from .holding import Board as Board
from .holding import Holding
from .opportunities import raise_opportunities
from .parts import Parts
from .tending import Tending

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
_GRACE_SECONDS = 10.0
_SHORT_GRACE_SECONDS = 1.0
"""For a person who waits at the terminal; what is cut off is resumed later all the same."""
_LONG_SECONDS = 300.0
"""A process that was started for one thing waits for no longer than this."""


class Engine:
    """Takes up whatever can run: new goals, due timers, answers, and what a crash left behind."""

    def __init__(self, parts: Parts, board: Board, *, at_once: int = 2) -> None:
        self._parts = parts
        self._board = board
        self._at_once = at_once
        self._driver = Driver(parts)
        self._holding = Holding(parts, board)
        self._tending = Tending(parts)
        self._active: dict[str, asyncio.Task[Any]] = {}
        self._halt = asyncio.Event()
        self._is_serving = False

    async def serve(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; then let every step in hand end, or cut it off after 10 s.

        What is cut off is resumed by the next start. Raises what is fatal for the whole process.
        """
        self._is_serving = True
        await self._begin()
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._schedule()
                await self._wait_a_moment(stopping)
                await self._reap()
        finally:
            stopping.cancel()
            await self._drain()

    async def run_until_idle(self) -> None:
        """Drive everything that can run now or soon, and what follows from it; then return.

        What waits for long is left to whoever serves. Raises NeedsPerson while the agent is
        paused, OutOfResources while the machine is short.
        """
        await self._begin()
        try:
            while True:
                await self._schedule()
                if not self._active:
                    check_working(self._holding.standing)
                    if self._is_idle():
                        return
                    self._check_room()
                await self._wait_a_moment()
                await self._reap()
        finally:
            await self._drain(grace=_SHORT_GRACE_SECONDS)

    async def _wait_a_moment(self, *also: asyncio.Task[Any]) -> None:
        """Until a run stops, or it is time to look again."""
        watched = [*also, *self._active.values()]
        if not watched:
            await asyncio.sleep(_POLL_SECONDS)
            return
        await asyncio.wait(watched, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    async def _begin(self) -> None:
        self._halt.clear()
        await self._holding.begin()
        await raise_opportunities(self._parts)

    def _is_idle(self) -> bool:
        """Nothing is left, or nothing that goes on soon."""
        soon = self._parts.clock() + _LONG_SECONDS
        left = self._board(("queued", "running", "waiting"))
        is_later = all(
            row["status"] == RunStatus.WAITING and float(row["wake_at"]) > soon for row in left
        )
        return is_later and not self._holding.waiting_for_room()

    def _check_room(self) -> None:
        if self._holding.shortage:
            hint = "free some, or raise the limits in safety_rules.yaml"
            raise OutOfResources(self._holding.shortage, hint=hint)

    async def _schedule(self) -> None:
        """Start what can be started, the most urgent first; stop what was cancelled."""
        await self._expire_questions()
        self._stop_cancelled()
        may_begin = await self._holding.look(self._active)
        self._halt_if(self._holding.standing.is_paused)
        for goal in await self._holding.too_late(self._active):
            self._active[goal].cancel()
        if not may_begin:
            return
        self._start_ready()
        self._tending.tend(is_idle=self._is_serving and not self._active)

    def _start_ready(self) -> None:
        for row in self._board(("queued", "running", "waiting")):
            if len(self._active) >= self._at_once:
                return
            if row["id"] not in self._active and self._is_ready(row):
                driving = self._driver.drive(row["id"], stop=self._halt)
                self._active[row["id"]] = asyncio.create_task(driving, name=row["id"])

    def _halt_if(self, is_paused: bool) -> None:
        """While the agent is paused, what runs stops at its next step; it is resumed later."""
        if is_paused:
            self._halt.set()
        else:
            self._halt.clear()

    def _is_ready(self, row: Mapping[str, Any]) -> bool:
        """A row that says `running` and is not ours was left behind by a crash."""
        if row["status"] != RunStatus.WAITING:
            return True
        return float(row["wake_at"]) <= self._parts.clock()

    async def _expire_questions(self) -> None:
        """Silence is no."""
        for row in self._board(("awaiting human",)):
            if row["wake_at"] is None or row["wake_at"] > self._parts.clock():
                continue
            run = await self._parts.ledger.load(row["id"])
            if run.question is None or run.status is not RunStatus.AWAITING_HUMAN:
                continue
            payload = {
                "request": run.question["request"],
                "digest": run.question["digest"],
                "yes": False,
                "reason": "nobody answered in time",
            }
            answer = NewEvent(kind=EventKind.ANSWER_GIVEN, payload=payload)
            await self._parts.ledger.post(run.stream, answer, actor="kernel")

    def _stop_cancelled(self) -> None:
        if not self._active:
            return
        for row in self._board(("cancelled",)):
            if task := self._active.get(row["id"]):
                task.cancel()

    async def _reap(self) -> None:
        """Take note of runs that stopped."""
        ended = {goal: task for goal, task in self._active.items() if task.done()}
        for goal, task in ended.items():
            del self._active[goal]
            if task.cancelled():
                continue
            error = task.exception()
            if isinstance(error, Fenced | SandboxUnavailable):
                _log.warning("%s: %s", goal, error)
                if isinstance(error, SandboxUnavailable):
                    await self._holding.check_sandbox()
            elif error is not None:
                raise error
        if ended:
            await raise_opportunities(self._parts)

    async def _drain(self, *, grace: float = _GRACE_SECONDS) -> None:
        """End the steps in hand; whatever does not end in time is cut off."""
        self._halt.set()
        if not self._active:
            await self._tending.stop(grace=grace)
            return
        _, late = await asyncio.wait(self._active.values(), timeout=grace)
        for task in late:
            task.cancel()
        results = await asyncio.gather(*self._active.values(), return_exceptions=True)
        self._active.clear()
        await self._tending.stop(grace=_SHORT_GRACE_SECONDS)
        for result in results:
            if isinstance(result, JournalBroken | OutOfResources):
                raise result
