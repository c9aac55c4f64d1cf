"""Lessons out of patterns: a model puts into words what was counted; the kernel checks them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from ..domain.batch import Batch, BatchAnswer, Question
from ..domain.canonical import JsonObject, canonical
from ..domain.errors import AutoclaveError, BudgetSpent, InvalidInput, NotServed
from ..domain.events import EventKind, NewEvent
from ..domain.knowledge import Pattern, PatternState
from ..domain.model import ModelAnswer, ModelRequest, StopReason
from ..domain.ports import BatchModel
from ..domain.provenance import Origin
from ..domain.risk import Action, ActionKind, Verdict
from ..domain.strict_json import read_object
from .batching import Asking, Batching, Made, names_of
from .parts import Parts

PURPOSE = "consolidate"
BUDGET_USD = 0.5
"""What one batch may cost, unless a person says otherwise."""
LONGEST_LESSON = 600
_LEAST_GOALS = 3
"""On so many distinct goals a pattern has to be seen before it is worth a lesson."""
_NEW_USES = 10
"""A lesson is written anew after so many more."""
_MOST_PATTERNS = 50
_MOST_TOKENS = 1_024
_LONGEST_FACTS = 6_000
_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"lesson": {"type": "string"}},
    "required": ["lesson"],
    "additionalProperties": False,
}


class Consolidation:
    """Asks for lessons in a batch, and says what follows from its answers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.batching = Batching(parts, {PURPOSE: self.read})

    async def start(self, asked: str = "auto", *, budget_usd: float = BUDGET_USD) -> Batch | None:
        """Send a batch for the patterns that want a lesson; None when none does.

        Raises NotServed without a model or instructions, BudgetSpent when not even one question
        fits, and what the choice of a model raises.
        """
        instructions = self._instructions()
        model = self._model(asked)
        wanting = await self.wanting()
        if not wanting:
            return None
        asking = [_asking(pattern, instructions) for pattern in wanting]
        affordable = self._affordable(model, asking, budget_usd)
        return await self.batching.submit(model, f"claude:{model.name}", PURPOSE, affordable)

    async def wanting(self) -> list[Pattern]:
        """Patterns without a lesson, or that grew much since; the most seen first.

        What was asked about, and how much was known then, stands in the batches: an answer that
        could not be used is not paid for again the next day.
        """
        batches = [each for each in await self.batching.every() if each.purpose == PURPOSE]
        under_way = names_of(batches)
        asked: dict[str, int] = {}
        for batch in batches:
            asked |= {q.about: q.uses for q in batch.questions if q.name in batch.answered}
        found = [
            each
            for each in self._parts.knowledge.patterns()
            if each.id not in under_way and _wants_lesson(each, asked.get(each.id))
        ]
        return found[:_MOST_PATTERNS]

    def read(self, batch: Batch, answers: Mapping[str, BatchAnswer]) -> Made:
        """The lessons that may be kept, and why others may not."""
        events: list[NewEvent] = []
        refused: dict[str, str] = {}
        for question in batch.questions:
            answer = answers[question.name].answer
            if answer is None:
                continue
            try:
                events.append(self._lesson(batch, question, answer))
            except AutoclaveError as error:
                refused[question.name] = error.message
        return Made(events=tuple(events), refused=refused)

    def _lesson(self, batch: Batch, question: Question, answer: ModelAnswer) -> NewEvent:
        lesson = lesson_of(answer)
        size = len(lesson.encode("utf-8", "surrogatepass"))
        action = Action(
            kind=ActionKind.KNOWLEDGE_WRITE,
            target="lesson",
            attributes={"lesson_bytes": size},
            origins=frozenset({Origin.MODEL}),
        )
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is not Verdict.ALLOW:
            raise InvalidInput(f"the rules don't let it be kept: {ruling.reason}")
        payload = {
            "pattern_id": question.about,
            "lesson": lesson,
            "model": answer.model or batch.model,
            "uses": question.uses,
            "rules": list(ruling.rules),
        }
        return NewEvent(kind=EventKind.LESSON_WRITTEN, payload=payload)

    def _instructions(self) -> str:
        found = self._parts.prompts().get(PURPOSE)
        if not found:
            raise NotServed(
                f"the mind of this home has no instructions for it (prompts/{PURPOSE}.md)",
                hint="bring the file into the home's mind, or make a new home with `init`",
            )
        return found

    def _model(self, asked: str) -> BatchModel:
        model = self._parts.batches(asked)
        if model is None:
            raise NotServed(
                "no language model that takes batches is configured, and lessons need one",
                hint="set ANTHROPIC_API_KEY, or choose one: `--model claude`",
            )
        return model

    def _affordable(
        self, model: BatchModel, asking: Sequence[Asking], budget_usd: float
    ) -> list[Asking]:
        """As many, from the first, as the rules allow one by one and the budget all together."""
        kept: list[Asking] = []
        total = 0.0
        for each in asking:
            price = model.price({"": each.request})
            self._judge(model.name, price)
            total += price
            if not total <= budget_usd:
                break
            kept.append(each)
        if not kept:
            raise BudgetSpent(
                f"the first question alone may cost ${total:.4f}, the budget is ${budget_usd:.4f}",
                hint="give it more: `autoclave pattern consolidate --budget USD`",
            )
        return kept

    def _judge(self, model: str, price: float) -> None:
        action = Action(
            kind=ActionKind.MODEL_CALL,
            target=model,
            attributes={"model": model, "usd": price},
            origins=frozenset({Origin.PERSON}),
        )
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is not Verdict.ALLOW:
            raise BudgetSpent(f"this model call may not be made: {ruling.reason}")


def lesson_of(answer: ModelAnswer) -> str:
    """The one line that was asked for. Raises InvalidInput for anything else."""
    if answer.stop is not StopReason.END_TURN:
        raise InvalidInput(f"the answer ended with {answer.stop}")
    said = read_object(answer.text.encode("utf-8", "surrogatepass"), what="the answer")
    if set(said) != {"lesson"} or not isinstance(said["lesson"], str):
        raise InvalidInput("the answer is not an object with one text, `lesson`")
    lesson = " ".join(said["lesson"].split())
    if not lesson:
        raise InvalidInput("it teaches nothing, says the model")
    if len(lesson) > LONGEST_LESSON:
        raise InvalidInput(f"the lesson has {len(lesson)} characters, {LONGEST_LESSON} are allowed")
    if not lesson.isprintable():
        raise InvalidInput("the lesson holds characters that can't be shown")
    return lesson


def _wants_lesson(pattern: Pattern, asked_uses: int | None) -> bool:
    if pattern.state is not PatternState.ACTIVE or len(pattern.goals) < _LEAST_GOALS:
        return False
    known = [asked_uses] if asked_uses is not None else []
    if pattern.lesson is not None:
        known.append(pattern.lesson.uses)
    return not known or pattern.uses - max(known) >= _NEW_USES


def _asking(pattern: Pattern, instructions: str) -> Asking:
    fence = secrets.token_hex(6)
    facts = canonical(_facts(pattern))[:_LONGEST_FACTS].replace(fence, "…")
    said = f'<data-{fence} from="pattern">\n{facts}\n</data-{fence}>'
    request = ModelRequest(
        purpose=PURPOSE,
        messages=({"role": "user", "content": said},),
        system=instructions,
        schema=_SCHEMA,
        most_tokens=_MOST_TOKENS,
        effort="low",
    )
    return Asking(about=pattern.id, uses=pattern.uses, request=request)


def _facts(pattern: Pattern) -> JsonObject:
    return {
        "kind": str(pattern.kind),
        "what": pattern.description,
        "conditions": pattern.conditions,
        "actions": pattern.actions,
        "uses": pattern.uses,
        "goals": len(pattern.goals),
        "success_rate": round(pattern.success_rate, 3),
        "success_rate_at_least": round(pattern.lower_bound, 3),
    }
