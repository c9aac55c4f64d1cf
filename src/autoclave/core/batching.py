"""Batches of questions to a model: written down, sent, found again after a crash, collected."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ..domain.batch import Batch, BatchAnswer, BatchState, Question, fold_batches
from ..domain.canonical import JsonObject, digest
from ..domain.errors import (
    AutoclaveError,
    ConfigurationInvalid,
    Conflict,
    CredentialMissing,
    ModelUnavailable,
    NotFound,
    NotServed,
    Refused,
    Stale,
)
from ..domain.events import EventKind, NewEvent
from ..domain.model import ModelRequest
from ..domain.ports import BatchModel
from ..domain.text import show_line
from ..domain.usage import Spend
from .parts import Parts
from .quota import most_tokens

_log = logging.getLogger(__name__)

_PREFIX = "batch/"
_FIRST_LOOK_SECONDS = 10.0
_LONGEST_LOOK_SECONDS = 600.0
_ARRIVES_WITHIN_SECONDS = 60.0
"""What was sent and is not there after this long has not arrived."""
_GIVE_UP_SECONDS = 86_400.0
"""What could not be sent for a day is not sent any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What follows from the answers of a batch; written down together with them."""

    events: tuple[NewEvent, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    """By name: why nothing was made of an answer."""


Read = Callable[[Batch, Mapping[str, BatchAnswer]], Made]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One question that is about to become part of a batch."""

    about: str
    uses: int
    request: ModelRequest


class Batching:
    """The desk for batches. All it knows stands in the journal, so that any process can go on.

    A batch is written down before it is sent. Should its arrival not be written down as well, it
    is looked for by its names before it is sent again.
    """

    def __init__(self, parts: Parts, readers: Mapping[str, Read]) -> None:
        self._parts = parts
        self._readers = readers
        self._hands = asyncio.Lock()
        """One batch is moved at a time: else what is being sent might be looked for."""

    async def every(self) -> list[Batch]:
        """All batches that the journal holds, oldest first."""
        return fold_batches(await self._parts.ledger.events_below(_PREFIX))

    async def get(self, batch: str) -> Batch:
        """One of them. Raises NotFound."""
        found = fold_batches(await self._parts.ledger.events(f"{_PREFIX}{batch}"))
        if not found:
            raise NotFound(f"there is no batch {batch}", hint="`autoclave status` shows them")
        return found[0]

    async def submit(
        self, model: BatchModel, asked: str, purpose: str, asking: Sequence[Asking]
    ) -> Batch:
        """Write a batch down and send it. Raises BudgetSpent before anything is written."""
        async with self._hands:
            batch = await self._write_down(model, asked, purpose, asking)
            await self._send(batch, model)
            return await self.get(batch.id)

    async def look(self, *, only_due: bool = True) -> float | None:
        """Move every open batch on, as far as it goes now; when to look again, if ever."""
        async with self._hands:
            for batch in await self.every():
                if batch.is_open and self._is_time(batch, only_due):
                    with contextlib.suppress(Stale):  # somebody else moved it on
                        await self._move(batch)
            open_ones = [each.wake_at for each in await self.every() if each.is_open]
        return min(open_ones, default=None)

    async def cancel(self, batch_id: str) -> Batch:
        """Ask the provider to stop. What was answered until then is collected and paid."""
        async with self._hands:
            batch = await self.get(batch_id)
            if not batch.is_open:
                raise Conflict(f"{batch_id} is {batch.state} already")
            if not batch.provider_id:
                hint = "look again in a minute: `autoclave pattern consolidate`"
                raise Conflict(f"whether {batch_id} arrived is not known yet", hint=hint)
            await self._model(batch).cancel(batch.provider_id)
            await self._wait(batch, _FIRST_LOOK_SECONDS, "cancelled by a person")
            return await self.get(batch_id)

    def _is_time(self, batch: Batch, only_due: bool) -> bool:
        """What may still be on its way is given its time, whoever is in a hurry."""
        in_hurry = not only_due and batch.state is BatchState.UNDER_WAY
        return in_hurry or batch.wake_at <= self._parts.clock()

    async def _write_down(
        self, model: BatchModel, asked: str, purpose: str, asking: Sequence[Asking]
    ) -> Batch:
        batch_id = await self._parts.ledger.new_id("B")
        # No other home and no other application has these names.
        stem = f"{batch_id}-{secrets.token_hex(8)}"
        questions = [
            _question(
                f"{stem}-{n}",
                each,
                self._parts.conceal(f"{_PREFIX}{batch_id}", each.request.to_json()),
            )
            for n, each in enumerate(asking, start=1)
        ]
        requests = {each.name: each.request for each in questions}
        most = Spend(
            usd=model.price(requests),
            tokens=sum(map(most_tokens, requests.values())),
            model_calls=len(requests),
        )
        await self._parts.day.reserve(batch_id, most, purpose=purpose)
        payload = {
            "purpose": purpose,
            "model": model.name,
            "asked": asked,
            "questions": [each.to_json() for each in questions],
            "most": most.to_json(),
            "wake_at": self._parts.clock() + _ARRIVES_WITHIN_SECONDS,
        }
        submitted = NewEvent(kind=EventKind.BATCH_SUBMITTED, payload=payload)
        try:
            await self._parts.ledger.post(f"{_PREFIX}{batch_id}", submitted, actor="kernel")
        except AutoclaveError:  # it was not written down, so it is not sent
            self._parts.day.release(batch_id)
            raise
        return await self.get(batch_id)

    async def _send(self, batch: Batch, model: BatchModel) -> None:
        try:
            provider_id = await model.submit(batch.requests)
        except ModelUnavailable as away:
            wait = max(_ARRIVES_WITHIN_SECONDS, away.retry_after or 0.0)
            await self._wait(batch, wait, away.message)
        except AutoclaveError as error:  # it was read and refused, so nothing was bought
            await self._fail(batch, error.message, Spend())
        else:
            await self._accepted(batch, provider_id)

    async def _move(self, batch: Batch) -> None:
        """One step. What passes is waited for, as a row; what a person has to mend is too."""
        try:
            model = self._model(batch)
            if batch.provider_id:
                await self._poll(batch, model)
            else:
                await self._clear_doubt(batch, model)
        except Stale:
            raise
        except ModelUnavailable as away:
            await self._wait(batch, max(_pause(batch), away.retry_after or 0.0), away.message)
        except (CredentialMissing, ConfigurationInvalid, NotServed) as fault:
            await self._wait(batch, _LONGEST_LOOK_SECONDS, fault.message)
        except NotFound as gone:
            reason = f"{gone.message}; it is counted at the most that it can have cost"
            await self._fail(batch, reason, batch.most)
        except Refused as refused:
            await self._wait(batch, _LONGEST_LOOK_SECONDS, refused.message)

    async def _poll(self, batch: Batch, model: BatchModel) -> None:
        if not await model.has_ended(batch.provider_id):
            await self._wait(batch, _pause(batch), "the answers are not there yet")
            return
        await self._collect(batch, await model.results(batch.provider_id))

    async def _clear_doubt(self, batch: Batch, model: BatchModel) -> None:
        """Whether it arrived: never sent again while it may be there."""
        names = [each.name for each in batch.questions]
        known = {each.provider_id for each in await self.every() if each.provider_id}
        seen = await model.find(names, since=batch.submitted_at, known=known)
        if seen.found:
            await self._accepted(batch, seen.found)
        elif not seen.is_sure:
            reason = "another batch has to end before it shows whether this one arrived"
            await self._wait(batch, _pause(batch), reason)
        elif self._parts.clock() - batch.submitted_at > _GIVE_UP_SECONDS:
            await self._fail(batch, f"it could not be sent: {batch.reason}", Spend())
        else:
            # Written first: after a crash, what is sent now has its time to arrive as well.
            await self._wait(batch, _ARRIVES_WITHIN_SECONDS, "it had not arrived; sent again")
            await self._send(await self.get(batch.id), model)

    async def _collect(self, batch: Batch, answers: Mapping[str, BatchAnswer]) -> None:
        """The answers and what follows from them, in one step."""
        ours = {each.name: answers.get(each.name, _MISSING) for each in batch.questions}
        answered = {name: each.answer for name, each in ours.items() if each.answer}
        made = self._read(batch, ours)
        spend = Spend(
            usd=sum(each.usd for each in ours.values()),
            tokens=sum(each.tokens for each in ours.values()),
            model_calls=len(ours),
        )
        payload = {
            "answers": {
                name: {"text": each.text, "stop": str(each.stop), "usd": each.usd}
                for name, each in answered.items()
            },
            "missing": {name: each.why for name, each in ours.items() if not each.answer},
            "refused": dict(made.refused),
            "spend": spend.to_json(),
        }
        collected = NewEvent(kind=EventKind.BATCH_COLLECTED, payload=payload)
        await self._append(batch, *made.events, collected)

    def _read(self, batch: Batch, answers: Mapping[str, BatchAnswer]) -> Made:
        reader = self._readers.get(batch.purpose)
        return reader(batch, answers) if reader else Made()

    async def _accepted(self, batch: Batch, provider_id: str) -> None:
        wake_at = self._parts.clock() + _FIRST_LOOK_SECONDS
        payload = {"provider_id": provider_id, "wake_at": wake_at}
        await self._append(batch, NewEvent(kind=EventKind.BATCH_ACCEPTED, payload=payload))

    async def _wait(self, batch: Batch, seconds: float, reason: str) -> None:
        payload = {"wake_at": self._parts.clock() + seconds, "reason": show_line(reason)}
        await self._append(batch, NewEvent(kind=EventKind.TIMER_SET, payload=payload))

    async def _fail(self, batch: Batch, reason: str, spend: Spend) -> None:
        _log.warning("%s: %s", batch.id, show_line(reason))
        payload: JsonObject = {"reason": show_line(reason), "spend": spend.to_json()}
        await self._append(batch, NewEvent(kind=EventKind.BATCH_FAILED, payload=payload))

    async def _append(self, batch: Batch, *events: NewEvent) -> None:
        await self._parts.ledger.append(batch.stream, *events, head=batch.head)

    def _model(self, batch: Batch) -> BatchModel:
        model = self._parts.batches(batch.asked)
        if model is None:
            raise NotServed(f"nothing is configured that knows the batches of {batch.model}")
        return model


def names_of(batches: Collection[Batch]) -> set[str]:
    """What open batches ask about."""
    return {q.about for each in batches if each.is_open for q in each.questions}


def _question(name: str, asking: Asking, request: JsonObject) -> Question:
    """The request as it is written down: what the journal conceals, no provider is told."""
    kept = ModelRequest.from_json({**request, "key": name})
    return Question(
        name=name,
        about=asking.about,
        uses=asking.uses,
        digest=digest(kept.to_json()),
        request=kept,
    )


def _pause(batch: Batch) -> float:
    """Longer each time: 10 s, 20 s … 10 minutes."""
    return float(min(_LONGEST_LOOK_SECONDS, _FIRST_LOOK_SECONDS * 2.0 ** min(batch.looks, 10)))


_MISSING = BatchAnswer(why="there is no answer of this name")
