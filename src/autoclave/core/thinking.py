"""Asking a language model: judged and priced before, written down before, counted after."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from ..domain.canonical import JsonObject, digest
from ..domain.errors import (
    AutoclaveError,
    BudgetSpent,
    ConfigurationInvalid,
    CredentialMissing,
    Fatal,
    ModelUnavailable,
    ModelUnusable,
    NotServed,
    Refused,
)
from ..domain.events import Event, EventKind, NewEvent
from ..domain.intents import Think, parse, to_json
from ..domain.model import ModelAnswer, ModelRequest
from ..domain.ports import LanguageModel
from ..domain.risk import Action, ActionKind, Verdict
from ..domain.run import Run
from ..domain.usage import Spend
from .parts import Parts
from .quota import most_tokens, wait_for_quota
from .results import bad, failure_of, good, result_event

_FIRST_WAIT_SECONDS = 30.0
_LONGEST_WAIT_SECONDS = 900.0
_HELD_WAIT_SECONDS = 5.0
_FEWEST_TOKENS = 1024
"""An answer that is cut shorter than this to fit the budget is not worth its price."""


class Thinking:
    """Performs `Think`; also closes one that was cut off."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def perform(self, run: Run, intent: Think) -> Run:
        """The run after the answer. Raises BudgetSpent before anything is sent."""
        key = f"{run.id}-{run.keys + 1}"
        model = self._parts.model_for(run)
        if model is None:
            nobody = result_event(key, _slim(intent), bad(failure_of(_no_model())))
            return await self._parts.ledger.insist(run, nobody)
        request, price = await self._priced(run, model, request_of(intent, key))
        if due := wait_for_quota(model.quota(), request, now=self._parts.clock()):
            timer = NewEvent(kind=EventKind.TIMER_SET, payload=due)
            return await self._parts.ledger.record(run, timer)
        try:
            price, tokens = await self._reserved(model, request, price)
        except BudgetSpent as spent:
            if not spent.is_held:
                raise
            waits = "waiting for calls under way, which hold the rest of the day's budget"
            due = {"wake_at": self._parts.clock() + _HELD_WAIT_SECONDS, "reason": waits}
            timer = NewEvent(kind=EventKind.TIMER_SET, payload=due)
            return await self._parts.ledger.record(run, timer)
        new, asked = _new_part(run, intent)
        begun = {
            "key": key,
            "intent": new,
            "effect": "once",
            "model": model.name,
            "price": price,
            "tokens": tokens,
            "asked": asked,
        }
        recorded = NewEvent(kind=EventKind.INTENT_RECORDED, payload=begun)
        try:
            run = await self._parts.ledger.record(run, recorded)
        except AutoclaveError:  # it was not written down, so it is not asked
            self._parts.day.release(key)
            raise
        try:
            answer = await model.complete(request)
        except (CredentialMissing, ConfigurationInvalid) as fault:
            # Nothing was bought: whoever mends it can let the run ask again.
            await self._failed(run, key, intent, fault)
            raise ModelUnusable(fault.message, hint=fault.hint) from fault
        except Fatal:
            raise
        except AutoclaveError as error:
            return await self._failed(run, key, intent, error)
        done = result_event(key, _slim(intent), good(value=answer.to_json()), spend=_spend(answer))
        return await self._parts.ledger.insist(run, done)

    async def interrupted(self, run: Run, intent: Think) -> Run:
        """The answer never arrived. It counts as paid in full; asking again is a new call."""
        begun = run.open_intent or {}
        failure = {
            "error_class": "Interrupted",
            "message": "the call was cut off before its answer was written down; it is counted "
            "at the most that it can have cost",
            "where": "",
            "traceback": "",
        }
        spend = {"steps": 1, "model_calls": 1}
        spend |= {"usd": begun.get("price", 0.0), "tokens": begun.get("tokens", 0)}
        event = result_event(begun["key"], _slim(intent), bad(failure), spend=spend)
        return await self._parts.ledger.insist(run, event)

    async def _failed(self, run: Run, key: str, intent: Think, error: AutoclaveError) -> Run:
        """What was not answered is paid as far as it came. A model that is away is waited for."""
        usd = error.usd if isinstance(error, ModelUnavailable) else 0.0
        spend = {"steps": 1, "model_calls": 1, "usd": usd}
        failed = result_event(key, _slim(intent), bad(failure_of(error)), spend=spend)
        if not isinstance(error, ModelUnavailable):
            return await self._parts.ledger.insist(run, failed)
        due = self._parts.clock() + _wait_seconds(run, error)
        timer = {"wake_at": due, "reason": f"waiting for the model: {error.message}"}
        return await self._parts.ledger.insist(
            run, failed, NewEvent(kind=EventKind.TIMER_SET, payload=timer)
        )

    async def _reserved(
        self, model: LanguageModel, request: ModelRequest, price: float
    ) -> tuple[float, int]:
        """The price and the tokens that the day holds for it. Raises BudgetSpent."""
        day, tokens = self._parts.day, most_tokens(request)
        most = Spend(usd=price, tokens=tokens, model_calls=1)
        try:
            await day.reserve(request.key, most, purpose=request.purpose)
        except BudgetSpent:
            with contextlib.suppress(ModelUnavailable, Refused):
                read = await model.count(request)
                if read is not None:
                    price = model.price(request, read=read)
                    tokens = read + request.most_tokens
            most = Spend(usd=price, tokens=tokens, model_calls=1)
            await day.reserve(request.key, most, purpose=request.purpose)
        return price, tokens

    async def _priced(
        self, run: Run, model: LanguageModel, request: ModelRequest
    ) -> tuple[ModelRequest, float]:
        """What is affordable of the request, and its price. Raises BudgetSpent.

        The price is reckoned from above; where that is too much, the tokens are counted.
        """
        try:
            return self._fitted(run, model, request, read=None)
        except BudgetSpent:
            with contextlib.suppress(AutoclaveError):
                read = await model.count(request)
                if read is not None:
                    return self._fitted(run, model, request, read=read)
            raise

    def _fitted(
        self, run: Run, model: LanguageModel, request: ModelRequest, *, read: int | None
    ) -> tuple[ModelRequest, float]:
        request = affordable(model, run, request, read=read)
        price = model.price(request, read=read)
        self._judge(run, model.name, price)
        return request, price

    def _judge(self, run: Run, model: str, price: float) -> None:
        action = Action(
            kind=ActionKind.MODEL_CALL,
            target=model,
            attributes={"model": model, "usd": price},
            goal_id=run.id,
        )
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is not Verdict.ALLOW:
            raise BudgetSpent(f"this model call may not be made: {ruling.reason}")


def asked_of(events: Sequence[Event]) -> list[ModelRequest]:
    """Every question of one run, whole again, in the order in which they were asked."""
    asked: list[ModelRequest] = []
    said: list[JsonObject] = []
    frame: JsonObject = {}
    for event in events:
        if event.kind is not EventKind.INTENT_RECORDED or "asked" not in event.payload:
            continue
        intent, about = event.payload["intent"], event.payload["asked"]
        said = [*said[: about["after"]], *intent["messages"]]
        if not about["same_frame"]:
            frame = {name: intent[name] for name in ("system", "tools", "schema")}
        whole = parse({**intent, **frame, "messages": said})
        if isinstance(whole, Think):
            asked.append(request_of(whole, event.payload["key"]))
    return asked


def affordable(
    model: LanguageModel, run: Run, request: ModelRequest, *, read: int | None = None
) -> ModelRequest:
    """The request, with a shorter answer when that makes it fit. Raises BudgetSpent."""
    wanted = request.most_tokens
    while True:
        coming = Spend(usd=model.price(request, read=read), tokens=request.most_tokens)
        try:
            run.budget.check(run.spend, coming)
        except BudgetSpent:
            if request.most_tokens // 2 < min(_FEWEST_TOKENS, wanted):
                raise
            request = replace(request, most_tokens=request.most_tokens // 2)
        else:
            return request


def request_of(intent: Think, key: str) -> ModelRequest:
    """The question as models take it."""
    return ModelRequest(
        purpose=intent.purpose,
        messages=tuple(intent.messages),
        system=intent.system,
        tools=tuple(intent.tools),
        schema=intent.schema,
        most_tokens=intent.most_tokens,
        effort=intent.effort,
        notice=intent.notice,
        key=key,
    )


def _new_part(run: Run, intent: Think) -> tuple[JsonObject, JsonObject]:
    """The intent without what the call before it said already, and what makes it whole again.

    `asked` says how many messages there are, how many of them the call before began with in the
    very same words, and whether its instructions and tools were the same.
    """
    whole = to_json(intent)
    before = run.asked or {"messages": 0, "digest": "", "frame": ""}
    count, frame = before["messages"], digest([intent.system, intent.tools, intent.schema])
    after = count if count and digest(intent.messages[:count]) == before["digest"] else 0
    whole["messages"] = intent.messages[after:]
    if frame == before["frame"]:
        whole |= {"system": "", "tools": [], "schema": {}}
    asked = {
        "messages": len(intent.messages),
        "digest": digest(intent.messages),
        "frame": frame,
        "after": after,
        "same_frame": frame == before["frame"],
    }
    return whole, asked


def _slim(intent: Think) -> JsonObject:
    """What a result repeats of the question: not its text."""
    return to_json(Think(purpose=intent.purpose, messages=[], most_tokens=intent.most_tokens))


def _spend(answer: ModelAnswer) -> JsonObject:
    return {
        "steps": 1,
        "model_calls": 1,
        # What comes from the cache was counted when it was put there.
        "tokens": answer.tokens.total - answer.tokens.cache_read,
        "usd": answer.usd,
    }


def _wait_seconds(run: Run, error: ModelUnavailable) -> float:
    """As long as it said, else longer each time in a row."""
    if error.retry_after is not None:
        return max(1.0, error.retry_after)
    in_row = 0
    for each in reversed(run.replies):
        if each["result"]["ok"] or each["intent"]["kind"] != "Think":
            break
        in_row += 1
    return min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0**in_row)


def _no_model() -> NotServed:
    return NotServed(
        "no language model is configured",
        hint="configure one, or word the goal so that the capabilities serve it",
    )
