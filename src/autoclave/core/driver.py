"""Driving one run: see, decide, check the way, perform; until it ends or has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..domain.canonical import JsonObject
from ..domain.errors import (
    AutoclaveError,
    BudgetSpent,
    Fatal,
    Fenced,
    InvalidInput,
    JournalBroken,
    SandboxUnavailable,
    Stale,
)
from ..domain.events import EventKind, NewEvent
from ..domain.run import ESCALATED, Run, RunStatus
from ..domain.state import State, check_transition
from .golden import offered_digest
from .labels import without_untrusted
from .mind_answer import MindAnswer, read_answer
from .parts import Parts
from .performer import Performer, check_budget
from .rollback import roll_back
from .view import build_view

_MOST_IDLE_ACTIVATIONS = 5


class Driver:
    """Takes a run up and drives it as far as it goes now."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._performer = Performer(parts)

    async def drive(self, run_id: str, *, stop: asyncio.Event | None = None) -> Run:
        """The run when it has ended, waits, is paused, or `stop` was set between two steps.

        Raises Fenced when another activation takes the run over, and what is Fatal.
        """
        await self._parts.refresh()
        run = await self._parts.ledger.load(run_id)
        if run.is_ended:
            return run
        mind = self._parts.mind.tree
        run = await self._take(run)
        while run.status is RunStatus.RUNNING and not (stop and stop.is_set()):
            try:
                now = self._parts.mind.tree
                run, mind = await self._advance(run, mind), now
            except Stale:
                run = await self._parts.ledger.catch_up(run)
            except (Fenced, asyncio.CancelledError):
                raise
            except BudgetSpent as spent:
                run = await self._park(run, spent.message, code="budget")
            except Fatal as fatal:
                await self._park(run, fatal.message, code=_code_of(fatal))
                raise
            except AutoclaveError as error:
                run = await self._park(run, error.message, code="error")
        if run.status is RunStatus.PAUSED and run.state is not State.PAUSED:
            run = await self._mark_paused(run)
        return run

    async def _advance(self, run: Run, mind: str) -> Run:
        if self._parts.mind.tree != mind:
            # It was changed between two decisions: an activation names the mind that decides in it.
            return await self._take(run)
        if reason := self._parts.escalation(run.denials):
            return await self._park(run, reason, code=ESCALATED)
        return await self._step(run)

    async def _take(self, run: Run) -> Run:
        model = self._parts.model.name if self._parts.model else ""
        offered = offered_digest(self._parts.toolbox.manifests())
        run = await self._parts.ledger.take(
            run, mind=self._parts.mind.tree, offered=offered, model=model
        )
        if run.idle_activations > _MOST_IDLE_ACTIVATIONS:
            reason = f"taken up {_MOST_IDLE_ACTIVATIONS} times and nothing came of it"
            return await self._park(run, reason, code="poison")
        if run.state is State.PAUSED and run.paused_from is not None:
            back = _transition(run.state, run.paused_from)
            run = await self._parts.ledger.insist(run, back)
        return run

    async def _step(self, run: Run) -> Run:
        check_budget(run)
        if run.open_intent is not None:
            return await self._performer.resume(run)
        answer = await self._decide(run)
        if run.applied and answer.plan is not None:
            # A new plan starts from what the workspace was.
            run = await roll_back(self._parts, run)
        trusted = answer.plan is not None and await self._is_trusted(run, answer.plan)
        run = await self._parts.ledger.record(run, *_way(run, answer, trusted=trusted))
        return await self._performer.perform(run, answer.intent)

    async def _decide(self, run: Run) -> MindAnswer:
        view = build_view(run, self._parts.toolbox.manifests(), self._parts.model)
        try:
            answer = await self._parts.mind.decide(view)
        except InvalidInput as error:  # the mind may be changed code: its bugs are data here
            raise InvalidInput(
                f"the mind failed in {run.state}: {error.message}",
                hint="undo its last change: `autoclave proposal list`",
            ) from error
        return read_answer(answer)

    async def _is_trusted(self, run: Run, plan: JsonObject) -> bool:
        """Whether a plan was made from nothing but what people wrote.

        After other text was read, the mind is asked again without it: being pure, it can only
        come to the same plan if nothing in that text chose it.
        """
        if not run.from_person or not run.read_untrusted:
            return run.from_person
        view = build_view(run, self._parts.toolbox.manifests(), self._parts.model)
        try:
            again = read_answer(await self._parts.mind.decide(without_untrusted(view)))
        except InvalidInput:  # the view is a thin one, and the mind may not cope with it
            return False
        return again.plan == plan

    async def _park(self, run: Run, reason: str, *, code: str) -> Run:
        payload = {"reason": reason, "code": code}
        return await self._parts.ledger.insist(
            run, NewEvent(kind=EventKind.GOAL_PARKED, payload=payload)
        )

    async def _mark_paused(self, run: Run) -> Run:
        """PAUSED as a state of the loop, when the run was working."""
        try:
            check_transition(run.state, State.PAUSED)
        except AutoclaveError:
            return run
        return await self._parts.ledger.insist(run, _transition(run.state, State.PAUSED))


def _code_of(fatal: Fatal) -> str:
    """A sandbox or a journal that cannot be trusted is for a person to look at."""
    return ESCALATED if isinstance(fatal, SandboxUnavailable | JournalBroken) else "fatal"


def _way(run: Run, answer: MindAnswer, *, trusted: bool) -> Sequence[NewEvent]:
    """The transitions and the plan that the mind's answer brings, checked against the table."""
    events: list[NewEvent] = []
    state = run.state
    for following in answer.path:
        check_transition(state, following, paused_from=run.paused_from)
        remedy = "" if events else answer.remedy
        events.append(_transition(state, following, why=answer.why, remedy=remedy))
        state = following
    if answer.plan is not None:
        events.append(
            NewEvent(kind=EventKind.PLAN_MADE, payload={"plan": answer.plan, "trusted": trusted})
        )
    return events


def _transition(before: State, after: State, *, why: str = "", remedy: str = "") -> NewEvent:
    payload: JsonObject = {"from": str(before), "to": str(after), "reason": why}
    if remedy:
        payload["remedy"] = remedy
    return NewEvent(kind=EventKind.STATE_CHANGED, payload=payload)
