"""Driving one run: see, decide, check the way, perform; until it ends or has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..domain.canonical import JsonObject
from ..domain.errors import (
    AutoclaveError,
    BudgetSpent,
    ConfigurationInvalid,
    Fatal,
    Fenced,
    InvalidInput,
    JournalBroken,
    ModelUnusable,
    SandboxUnavailable,
    Stale,
)
from ..domain.events import EventKind, NewEvent
from ..domain.ports import LanguageModel
from ..domain.run import ESCALATED, SHORT, SPENT, Run, RunStatus
from ..domain.state import State, check_transition
from .escalating import escalate
from .golden import offered_digest
from .incidents import note_interruption
from .mind_answer import MindAnswer, read_answer
from .parts import Parts
from .performer import Performer, check_budget
from .plan_trust import PlanTrust, trust_of
from .rollback import roll_back
from .view import build_view

_MOST_IDLE_ACTIVATIONS = 5
CANARY = "canary"
"""Stands among the denials of a run in which a secret came to light that nothing may read."""


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
                reason = f"{spent.message}; {_ways_out(run, spent)}"
                run = await self._park(run, reason, code=SPENT, until=spent.until)
            except ModelUnusable as fault:
                reason = f"{fault.message} ({fault.hint})" if fault.hint else fault.message
                run = await self._park(run, reason, code="model")
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
            run = await self._park(run, reason, code=ESCALATED)
            if CANARY in run.denials:  # a secret that came to light is no matter of one run
                await escalate(self._parts, f"{run.id}: {reason}")
            return run
        if reason := self._parts.overload():
            return await self._set_aside(run, reason)
        return await self._step(run)

    async def _take(self, run: Run) -> Run:
        offered = offered_digest(self._parts.toolbox.manifests())
        run = await self._parts.ledger.take(
            run, mind=self._parts.mind.tree, offered=offered, model=self._model_name(run)
        )
        run = await note_interruption(self._parts, run)
        if run.depth > run.budget.depth:
            reason = f"it came from other goals {run.depth} times over; {run.budget.depth} may be"
            return await self._park(run, reason, code="depth")
        if run.idle_activations > _MOST_IDLE_ACTIVATIONS:
            reason = f"taken up {_MOST_IDLE_ACTIVATIONS} times and nothing came of it"
            return await self._park(run, reason, code="poison")
        if run.state is State.PAUSED and run.paused_from is not None:
            back = _transition(run.state, run.paused_from)
            run = await self._parts.ledger.insist(run, back)
        return run

    async def _step(self, run: Run) -> Run:
        check_budget(run)
        await self._parts.day.check()
        if run.open_intent is not None:
            return await self._performer.resume(run)
        answer = await self._decide(run)
        if run.applied and answer.plan is not None:
            # A new plan starts from what the workspace was.
            run = await roll_back(self._parts, run)
        trust = None
        if answer.plan is not None:
            trust = await trust_of(self._parts, run, answer.plan)
        run = await self._parts.ledger.record(run, *_way(run, answer, trust))
        return await self._performer.perform(run, answer.intent)

    def _model_of(self, run: Run) -> LanguageModel | None:
        try:
            return self._parts.model_for(run)
        except (ConfigurationInvalid, InvalidInput) as error:
            raise ModelUnusable(error.message, hint=error.hint) from error

    def _model_name(self, run: Run) -> str:
        """For the record; one that can't be used sets the run aside when it is needed."""
        try:
            model = self._model_of(run)
        except ModelUnusable:
            return ""
        return model.name if model else ""

    async def _decide(self, run: Run) -> MindAnswer:
        view = build_view(run, self._parts.toolbox.manifests(), self._model_of(run))
        try:
            answer = await self._parts.mind.decide(view)
        except InvalidInput as error:  # the mind may be changed code: its bugs are data here
            raise InvalidInput(
                f"the mind failed in {run.state}: {error.message}",
                hint="undo its last change: `autoclave proposal list`",
            ) from error
        return read_answer(self._parts.conceal(run.stream, answer))

    async def _park(self, run: Run, reason: str, *, code: str, until: float | None = None) -> Run:
        payload: JsonObject = {"reason": reason, "code": code}
        if until is not None:
            payload["until"] = until
        return await self._parts.ledger.insist(
            run, NewEvent(kind=EventKind.GOAL_PARKED, payload=payload)
        )

    async def _set_aside(self, run: Run, reason: str) -> Run:
        """Until the machine is well again; the engine lets it go on."""
        payload = {"reason": reason, "code": SHORT}
        return await self._parts.ledger.insist(
            run, NewEvent(kind=EventKind.GOAL_PAUSED, payload=payload)
        )

    async def _mark_paused(self, run: Run) -> Run:
        """PAUSED as a state of the loop, when the run was working."""
        try:
            check_transition(run.state, State.PAUSED)
        except AutoclaveError:
            return run
        return await self._parts.ledger.insist(run, _transition(run.state, State.PAUSED))


def _ways_out(run: Run, spent: BudgetSpent) -> str:
    """What people can do: add, wait where that helps, or end it."""
    end = f"end it: autoclave goal cancel {run.id}"
    if spent.until is None:
        return f"add: autoclave goal budget {run.id} --add-usd 0.5 (--add-steps 50), or {end}"
    return f"wait, or add: raise budgets.per_day in safety_rules.yaml and resume it, or {end}"


def _code_of(fatal: Fatal) -> str:
    """A sandbox or a journal that cannot be trusted is for a person to look at."""
    return ESCALATED if isinstance(fatal, SandboxUnavailable | JournalBroken) else "fatal"


def _way(run: Run, answer: MindAnswer, trust: PlanTrust | None) -> Sequence[NewEvent]:
    """The transitions and the plan that the mind's answer brings, checked against the table."""
    events: list[NewEvent] = []
    state = run.state
    for following in answer.path:
        check_transition(state, following, paused_from=run.paused_from)
        remedy = "" if events else answer.remedy
        events.append(_transition(state, following, why=answer.why, remedy=remedy))
        state = following
    if trust is not None:
        payload = {"plan": answer.plan, "trusted": trust.trusted, "by_model": trust.by_model}
        events.append(NewEvent(kind=EventKind.PLAN_MADE, payload=payload))
    return events


def _transition(before: State, after: State, *, why: str = "", remedy: str = "") -> NewEvent:
    payload: JsonObject = {"from": str(before), "to": str(after), "reason": why}
    if remedy:
        payload["remedy"] = remedy
    return NewEvent(kind=EventKind.STATE_CHANGED, payload=payload)
