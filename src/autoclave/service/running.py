"""Running goals in this process: one now, improvements now, or everything until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from ..core.engine import Board, Engine
from ..core.escalating import check_working, escalate
from ..core.opportunities import raise_opportunities
from ..core.parts import Parts
from ..core.proposals import Proposals
from ..domain.canonical import JsonObject
from ..domain.errors import CredentialMissing
from ..domain.events import Event, EventKind, NewEvent
from ..domain.proposal_record import ProposalRecord
from ..domain.run import Run, RunKind, RunStatus
from .goal_desk import Asker, GoalDesk
from .goals import GoalSpec, question_to_json
from .history import event_to_json
from .lesson_desk import LessonDesk, LessonWish
from .proposal_view import proposal_to_json
from .reports import report_of

Listener = Callable[[JsonObject], None]
AgentLock = Callable[[], AbstractContextManager[object]]


class Attendance:
    """Whether somebody is there to answer."""

    is_attended = False


class Running:
    """Everything that needs to be the one agent process of the home."""

    def __init__(
        self,
        parts: Parts,
        board: Board,
        goals: GoalDesk,
        *,
        lock: AgentLock,
        at_once: int,
        attendance: Attendance,
        day_limits: Callable[[], JsonObject],
        let_go: Callable[[], Awaitable[None]],
    ) -> None:
        self._parts = parts
        self._board = board
        self._goals = goals
        self._lock = lock
        self._at_once = at_once
        self._attendance = attendance
        self._day_limits = day_limits
        self._let_go = let_go
        """Of the connections to models, which belong to the event loop that opened them."""

    async def run_goal(
        self, spec: GoalSpec, *, by: str, ask: Asker | None, listener: Listener | None
    ) -> JsonObject:
        """Reach one goal now; its report. With `ask`, questions are put to a person at once."""
        with self._lock(), self._heard_by(listener), self._attended(ask is not None):
            await self._start("run")
            goal = (await self._goals.add(spec, by=by))["id"]
            engine = Engine(self._parts, self._only(lambda row: row["id"] == goal))
            try:
                run = await self._until_settled(engine, goal, ask)
            finally:
                await self._stop("run")
        return report_of(run, parked_code=await self._parked_code(run))

    async def run_again(self, goals: list[str], *, listener: Listener | None = None) -> list[Run]:
        """Drive these goals as far as they go."""
        with self._lock(), self._heard_by(listener):
            check_working(self._parts.standing())
            wanted = frozenset(goals)
            engine = Engine(self._parts, self._only(lambda row: row["id"] in wanted))
            try:
                await engine.run_until_idle()
            finally:
                await self._let_go()
        return [await self._parts.ledger.load(goal) for goal in goals]

    async def improve(self, *, listener: Listener | None) -> JsonObject:
        """Look for opportunities and work on them until each is a proposal or given up."""
        with self._lock(), self._heard_by(listener):
            await self._start("improve")
            await raise_opportunities(self._parts)
            waiting = [r["id"] for r in self._board(()) if _is_open_improvement(r)]
            is_improvement = RunKind.IMPROVEMENT.value
            engine = Engine(self._parts, self._only(lambda row: row["kind"] == is_improvement))
            try:
                await engine.run_until_idle()
            finally:
                await self._stop("improve")
        runs = [await self._parts.ledger.load(goal) for goal in waiting]
        made = [each for each in await Proposals(self._parts).every() if each.run in set(waiting)]
        return {
            "opportunities": [_opportunity(run) for run in runs],
            "proposals": [_proposal(each) for each in made],
            "tried": [{"goal": r.id, "status": str(r.status), "reason": r.reason} for r in runs],
        }

    async def consolidate(self, wish: LessonWish, *, listener: Listener | None) -> JsonObject:
        """Collect what is answered and ask for lessons that are wanted; what came of it."""
        with self._lock(), self._heard_by(listener):
            check_working(self._parts.standing())
            try:
                return await LessonDesk(self._parts).work(wish)
            finally:
                await self._let_go()

    async def serve(self, stop: asyncio.Event, *, listener: Listener | None) -> None:
        """Work on everything until `stop` is set."""
        with self._lock(), self._heard_by(listener):
            await self._start("serve", may_be_paused=True)
            try:
                await Engine(self._parts, self._board, at_once=self._at_once).serve(stop)
            finally:
                await self._stop("serve")

    async def _until_settled(self, engine: Engine, goal: str, ask: Asker | None) -> Run:
        while True:
            await engine.run_until_idle()
            run = await self._parts.ledger.load(goal)
            asked = question_to_json(run)
            if ask is None or asked is None:
                return run
            if asked["must_sign"]:
                with suppress(CredentialMissing):  # a no can still be said
                    asked = {**asked, "sheet": await self._goals.sheet(goal)}
            answer = await ask(asked)
            if await self._goals.answer(goal, answer, digest=asked["digest"]):
                return await self._parts.ledger.load(goal)

    def _only(self, fits: Callable[[dict[str, Any]], bool]) -> Board:
        return lambda statuses: [row for row in self._board(statuses) if fits(row)]

    async def _parked_code(self, run: Run) -> str:
        if run.status is not RunStatus.PARKED:
            return ""
        events = await self._parts.ledger.events(run.stream)
        parked = [each for each in events if each.kind is EventKind.GOAL_PARKED]
        return str(parked[-1].payload.get("code", ""))

    @contextmanager
    def _heard_by(self, listener: Listener | None) -> Iterator[None]:
        if listener is None:
            yield
            return

        def hear(event: Event) -> None:
            listener(event_to_json(event))

        self._parts.ledger.listeners.append(hear)
        try:
            yield
        finally:
            self._parts.ledger.listeners.remove(hear)

    @contextmanager
    def _attended(self, is_attended: bool) -> Iterator[None]:
        self._attendance.is_attended = is_attended
        try:
            yield
        finally:
            self._attendance.is_attended = False

    async def _start(self, doing: str, *, may_be_paused: bool = False) -> None:
        """Prove the sandbox, begin the history and write down what will run.

        Raises NeedsPerson while the agent is paused; a sandbox that leaks pauses it.
        """
        if not may_be_paused:
            check_working(self._parts.standing())
        self._parts.workshop.begin()
        test = await self._parts.sandbox.self_test()
        started = {
            "doing": doing,
            "mind": self._parts.mind.tree,
            "rules": self._parts.gate.digest,
            "per_day": self._day_limits(),
        }
        probes = {probe.name: probe.passed for probe in test.probes}
        tested = {"tier": str(test.tier), "ok": test.ok, "probes": probes, "facts": test.facts}
        await self._parts.ledger.post(
            "agent",
            NewEvent(kind=EventKind.AGENT_STARTED, payload=started),
            NewEvent(kind=EventKind.SANDBOX_TESTED, payload=tested),
            actor="kernel",
        )
        if not test.ok:
            leaks = ", ".join(name for name, passed in probes.items() if not passed)
            await escalate(self._parts, f"the sandbox's self-test fails: {leaks}")
            if not may_be_paused:
                check_working(self._parts.standing())

    async def _stop(self, doing: str) -> None:
        await self._let_go()
        event = NewEvent(kind=EventKind.AGENT_STOPPED, payload={"doing": doing})
        await self._parts.ledger.post("agent", event, actor="kernel")


def _is_open_improvement(row: dict[str, Any]) -> bool:
    return row["kind"] == RunKind.IMPROVEMENT and row["status"] in ("queued", "running", "waiting")


def _opportunity(run: Run) -> JsonObject:
    facts = run.facts
    return {
        "key": facts.get("key"),
        "title": facts.get("title"),
        "capability": facts.get("capability"),
        "confirmations": facts.get("confirmations"),
        "goal": run.id,
    }


def _proposal(record: ProposalRecord) -> JsonObject:
    seen = proposal_to_json(record)
    return {name: seen[name] for name in ("id", "title", "status", "risk", "digest")}
