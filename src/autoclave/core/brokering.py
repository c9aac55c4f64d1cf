"""Serving what a running capability asks for: judged, written down, done, written down, told."""

from __future__ import annotations

from ..domain.broker import (
    READING,
    Call,
    ModelCall,
    NetworkCall,
    RecallCall,
    kind_of,
    refused,
    to_json,
    told,
    told_apart,
)
from ..domain.canonical import JsonObject
from ..domain.errors import (
    AutoclaveError,
    BudgetSpent,
    Fatal,
    ModelUnavailable,
    NotAllowed,
    NotServed,
    Stale,
)
from ..domain.events import NewEvent
from ..domain.model import ModelRequest
from ..domain.risk import Action, ActionKind
from ..domain.run import Run, RunStatus
from ..domain.usage import Spend
from .broker_actions import PURPOSE, Step, model_action, network_action, recall_action
from .broker_network import Asks, Request
from .broker_record import Asked, asked_before, begun, ended, name_of, unwritten, written
from .parts import Parts
from .permission import Parked, permit
from .quota import most_tokens
from .thinking import affordable

_KINDS = {
    RecallCall: ActionKind.KNOWLEDGE_READ,
    ModelCall: ActionKind.MODEL_CALL,
    NetworkCall: ActionKind.NETWORK_REQUEST,
}


class Brokering:
    """Port Broker for one step of one run."""

    def __init__(self, parts: Parts, run: Run, step: Step, *, again: bool) -> None:
        """`again` when the step was begun before: what it was told then it is told now."""
        self._parts = parts
        self.run = run
        """The run as the calls have left it."""
        self._step = step
        self._again = again
        self._known: dict[int, Asked] = {}
        self._ordinal = 0

    async def answer(self, call: Call) -> JsonObject:
        """What the capability is told.

        Raises Parked while a person has to answer, BudgetSpent, Conflict for a capability that
        cannot be repeated, and what is Fatal: each of them ends the sealed run.
        """
        self._ordinal += 1
        known = await self._asked_before()
        if known is not None:
            known.check_same(call, self._ordinal)
        if known is not None and known.answer is not None:
            return unwritten(self._parts.reveal(self.run.stream, known.answer))
        if self._parts.canary(_contents(call)):
            raise NotAllowed("it asked with a secret that nothing may ever read", denied="canary")
        try:
            said, spend = await self._serve(call, known)
        except (BudgetSpent, Fatal, Stale):
            raise
        except AutoclaveError as error:
            return await self._refuse(call, error)
        await self._write_answer(call, told(said), spend=spend)
        return told(said)

    @property
    def _name(self) -> str:
        """Of the present call."""
        return name_of(self._step.key, self._ordinal)

    async def _asked_before(self) -> Asked | None:
        if self._again:
            events = await self._parts.ledger.events(self.run.stream)
            self._known, self._again = asked_before(events, self._step.key), False
        return self._known.get(self._ordinal)

    async def _serve(self, call: Call, known: Asked | None) -> tuple[JsonObject, JsonObject]:
        """What came of it, and what it cost."""
        match call:
            case RecallCall():
                return await self._recall(call), {}
            case ModelCall():
                return await self._ask_model(call, known)
            case NetworkCall():
                return await self._request(call, known), {}

    async def _recall(self, call: RecallCall) -> JsonObject:
        name = self._step.manifest.name
        await self._permit(recall_action(self.run, call), f"May {name} look up what is known?")
        await self._begin(call)
        return self._parts.knowledge.recall(call.query, limit=call.limit)

    async def _ask_model(
        self, call: ModelCall, known: Asked | None
    ) -> tuple[JsonObject, JsonObject]:
        """Priced and counted as the mind's own calls are. One that was cut off counts in full."""
        model = self._parts.model_for(self.run)
        if model is None:
            raise NotServed("no language model is configured", hint="configure one")
        request = ModelRequest(
            purpose=PURPOSE,
            messages=tuple(call.messages),
            system=call.system,
            schema=call.schema,
            most_tokens=call.most_tokens,
            key=self._name,
        )
        request = affordable(model, self.run, request)
        price = model.price(request)
        question = f"May {self._step.manifest.name} ask {model.name}, for at most ${price:.4f}?"
        shown = "\n\n".join([call.system, *(each["content"] for each in call.messages)]).strip()
        await self._permit(model_action(self.run, model.name, price), question, shown=shown)
        most = Spend(usd=price, tokens=most_tokens(request), model_calls=1)
        await self._parts.day.reserve(self._name, most, purpose=PURPOSE)
        lost = (known.most if known else None) or {}
        try:
            await self._begin(call, most=most.to_json(), spend=lost)
            answer = await model.complete(request)
        except (Parked, Fatal):  # it was not written down, or nothing was bought
            self._parts.day.release(self._name)
            raise
        spend = {"model_calls": 1, "tokens": answer.tokens.total, "usd": answer.usd}
        said = {"text": answer.text, "stop": str(answer.stop)}
        return {**said, "tokens": answer.tokens.total, "usd": answer.usd}, spend

    async def _request(self, call: NetworkCall, known: Asked | None) -> JsonObject:
        fetcher = self._parts.fetcher
        if fetcher is None:
            raise NotServed("nothing here reaches the network", hint="see `autoclave doctor`")
        url = self._shown(call)["url"]
        request = Request(self._parts, self._step, call, shown_url=url)
        action = network_action(self.run, self._step, call, url=url, place=call.place)
        if known is not None and known.begun and call.method not in READING:
            await self._clear_doubt(call, action, known, request.details)
        await self._permit(action, request.question, shown=request.details)
        await self._begin(call)
        while True:
            try:
                response = await fetcher.fetch(request.built(), allow=request.judging(self.run))
            except Asks as asks:
                await self._permit(asks.action, asks.question, at=asks.at)
                request.passed.add(asks.at)
            except AutoclaveError as error:
                raise request.masked(error) from None
            else:
                return request.said(response)

    async def _permit(
        self, action: Action, question: str, *, shown: str = "", at: str = ""
    ) -> JsonObject:
        """Leave from the rules or from a person. Raises NotAllowed, Parked."""
        place = f"-{at}" if at else ""
        while True:
            try:
                return await permit(
                    self._parts,
                    self.run,
                    action,
                    request=f"{self._name}{place}",
                    question=question,
                    shown=self._parts.conceal(self.run.stream, shown, literal=True),
                )
            except Stale:
                await self._catch_up()

    async def _clear_doubt(
        self, call: NetworkCall, action: Action, known: Asked, details: str
    ) -> None:
        """It may or may not have been sent, and must not be sent twice: a person decides."""
        name, host = self._step.manifest.name, call.place.host
        question = (
            f"{name} was cut off while it sent a {call.method} to {host}, which may have arrived. "
            "Send it again? (no: take it as failed)"
        )
        at = f"in-doubt-{known.begun}"
        allowed = await self._permit(action, question, shown=details, at=at)
        if allowed["by"] == "rule":
            raise NotAllowed(f"the {call.method} to {host} was cut off and may have arrived")

    async def _begin(self, call: Call, **facts: object) -> None:
        key, shown = self._step.key, self._shown(call)
        await self._record(begun(key, self._ordinal, call, shown=shown, **facts))

    async def _refuse(self, call: Call, error: AutoclaveError) -> JsonObject:
        """Tell it why not. So many noes end the run, as they would between two steps."""
        denied = ""
        if isinstance(error, NotAllowed):
            denied = error.denied or str(_KINDS[type(call)])
        answer = refused(error)
        await self._write_answer(call, answer, spend=_paid(error), denied=denied)
        if denied and (reason := self._parts.escalation(self.run.denials)):
            raise NotAllowed(f"it was ended after its {kind_of(call)}: {reason}")
        return answer

    async def _write_answer(
        self, call: Call, answer: JsonObject, *, spend: JsonObject, denied: str = ""
    ) -> None:
        kept = self._parts.conceal(self.run.stream, written(answer), literal=True)
        event = ended(self._step.key, self._ordinal, call, answer=kept, spend=spend, denied=denied)
        self.run = await self._parts.ledger.insist(self.run, event)

    async def _record(self, event: NewEvent) -> None:
        """Write down what is about to be. Whoever was stopped meanwhile does nothing more."""
        while True:
            try:
                self.run = await self._parts.ledger.record(self.run, event)
            except Stale:
                await self._catch_up()
            else:
                return

    async def _catch_up(self) -> None:
        self.run = await self._parts.ledger.catch_up(self.run)
        if self.run.status is not RunStatus.RUNNING:
            raise Parked(self.run)

    def _shown(self, call: Call) -> JsonObject:
        """The call as it may be written down and shown."""
        shown: JsonObject = self._parts.conceal(self.run.stream, told_apart(call), literal=True)
        return shown


def _paid(error: AutoclaveError) -> JsonObject:
    """What was not answered is paid as far as it came, as it is for the mind's own calls."""
    if not isinstance(error, ModelUnavailable):
        return {}
    return {"model_calls": 1, "usd": error.usd}


def _contents(call: Call) -> list[object]:
    """Everything that it would send, also what travels in another spelling."""
    return [to_json(call), call.data if isinstance(call, NetworkCall) else b""]
