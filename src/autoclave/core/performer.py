"""Which hand performs which intent."""

from __future__ import annotations

from ..domain.canonical import JsonObject, digest
from ..domain.errors import AutoclaveError, Fatal, NotAllowed, NotServed
from ..domain.events import EventKind, NewEvent
from ..domain.intents import (
    Act,
    Ask,
    Fetch,
    Finish,
    GiveUp,
    Intent,
    Propose,
    Recall,
    Remember,
    Search,
    Think,
    Wait,
    parse,
    to_json,
)
from ..domain.risk import Action, ActionKind, Risk, Verdict
from ..domain.run import Run
from ..domain.usage import Spend
from .acting import Acting
from .ending import Ending
from .page_reading import PageReading
from .parts import Parts
from .proposing import Proposing
from .results import bad, failure_of, good, result_event
from .thinking import Thinking


class Performer:
    """Does what the mind asks for, one intent at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._acting = Acting(parts)
        self._ending = Ending(parts)
        self._proposing = Proposing(parts)
        self._thinking = Thinking(parts)
        self._page_reading = PageReading(parts)

    async def perform(self, run: Run, intent: Intent) -> Run:
        """The run after the intent; parked when it has to wait."""
        match intent:
            case Act():
                return await self._acting.perform(run, intent)
            case Finish():
                return await self._ending.finish(run, intent)
            case GiveUp():
                return await self._ending.give_up(run, intent)
            case Propose():
                return await self._proposing.perform(run, intent)
            case Think():
                return await self._thinking.perform(run, intent)
            case Wait():
                return await self._wait(run, intent)
            case Ask():
                return await self._ask(run, intent)
            case Fetch():
                return await self._page_reading.perform(run, intent)
            case Recall() | Remember() | Search():
                return await self._look_up(run, intent)

    async def resume(self, run: Run) -> Run:
        """Finish the intent that was cut off."""
        intent = parse((run.open_intent or {})["intent"])
        match intent:
            case Act():
                return await self._acting.resume(run, intent)
            case Propose():
                return await self._proposing.perform(run, intent)
            case Ask():
                return await self._hear(run, intent)
            case Think():
                return await self._thinking.interrupted(run, intent)
            case Fetch():
                return await self._page_reading.resume(run, intent)
            case _:
                failure = {
                    "error_class": "Interrupted",
                    "message": f"{type(intent).__name__} was cut off",
                    "where": "",
                    "traceback": "",
                }
                key = (run.open_intent or {})["key"]
                event = result_event(key, to_json(intent), bad(failure))
                return await self._parts.ledger.insist(run, event)

    async def _look_up(self, run: Run, intent: Recall | Remember | Search) -> Run:
        try:
            result = good(value=self._found(run, intent))
        except Fatal:
            raise
        except AutoclaveError as error:
            result = bad(failure_of(error))
        return await self._record(run, intent, result)

    def _found(self, run: Run, intent: Recall | Remember | Search) -> JsonObject:
        match intent:
            case Recall():
                return self._parts.knowledge.recall(intent.query, limit=intent.limit)
            case Remember():
                return self._remember(run, intent)
            case Search() if self._parts.research is not None:
                return {"passages": self._parts.research.search(intent.query, limit=intent.limit)}
            case _:
                raise NotServed(
                    "no source of research is configured here",
                    hint="put documents below docs/, or wait for the web search to be set up",
                )

    def _remember(self, run: Run, intent: Remember) -> JsonObject:
        action = Action(
            kind=ActionKind.KNOWLEDGE_WRITE,
            target="lesson",
            attributes={"lesson_bytes": len(intent.lesson.encode("utf-8", "surrogatepass"))},
            goal_id=run.id,
        )
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is not Verdict.ALLOW:
            raise NotAllowed(f"the lesson may not be kept: {ruling.reason}", rules=ruling.rules)
        return {"kept": True}

    async def _wait(self, run: Run, intent: Wait) -> Run:
        """A timer is a row; the run comes back when it is due."""
        due = self._parts.clock() + intent.seconds
        payload = {"wake_at": due, "reason": intent.reason}
        timer = NewEvent(kind=EventKind.TIMER_SET, payload=payload)
        key = f"{run.id}-{run.keys + 1}"
        result = result_event(key, to_json(intent), good(value=payload), spend={"steps": 1})
        return await self._parts.ledger.record(run, result, timer)

    async def _ask(self, run: Run, intent: Ask) -> Run:
        """Ask a person. It is written down first, so that the answer finds who asked."""
        try:
            self._parts.may_ask(None)
        except NotAllowed as refused:
            return await self._record(run, intent, bad(failure_of(refused)))
        key = f"{run.id}-{run.keys + 1}"
        recorded = {"key": key, "intent": to_json(intent), "effect": "idempotent"}
        event = NewEvent(kind=EventKind.INTENT_RECORDED, payload=recorded)
        return await self._hear(await self._parts.ledger.record(run, event), intent)

    async def _hear(self, run: Run, intent: Ask) -> Run:
        """Hand the answer to the mind; without one the question waits."""
        key = (run.open_intent or {})["key"]
        request = f"{key}-ask"
        answer = run.answers.get(request)
        if answer is not None:
            said = "yes" if answer["yes"] else "no"
            value = {"answer": said, "reason": answer.get("reason", ""), "by": answer["by"]}
            done = result_event(key, to_json(intent), good(value=value), spend={"steps": 1})
            return await self._parts.ledger.insist(run, done)
        payload = {
            "request": request,
            "question": intent.question,
            "shown": "",
            "digest": digest([request, intent.question]),
            "expires_at": self._parts.clock() + self._parts.ask_seconds(Risk.R1),
        }
        event = NewEvent(kind=EventKind.QUESTION_ASKED, payload=payload)
        return await self._parts.ledger.record(run, event)

    async def _record(self, run: Run, intent: Intent, result: JsonObject) -> Run:
        key = f"{run.id}-{run.keys + 1}"
        event = result_event(key, to_json(intent), result, spend={"steps": 1})
        return await self._parts.ledger.insist(run, event)


def check_budget(run: Run) -> None:
    """Raise BudgetSpent when another step does not fit."""
    run.budget.check(run.spend, Spend(steps=1))
