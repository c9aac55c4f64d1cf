"""Questions to a model that are sent together and answered later, at a lower price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from .canonical import JsonObject
from .events import Event, EventKind, Head
from .model import ModelAnswer, ModelRequest
from .usage import Spend


class BatchState(StrEnum):
    """Where a batch stands."""

    IN_DOUBT = "in doubt"
    """It was about to be sent; whether it arrived is not known."""
    UNDER_WAY = "under way"
    COLLECTED = "collected"
    FAILED = "failed"


OPEN = frozenset({BatchState.IN_DOUBT, BatchState.UNDER_WAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request of a batch."""

    name: str
    """The custom id: nobody else's, so that a batch can be known by it."""
    about: str
    """What it is asked for, such as a pattern's id."""
    uses: int
    """How much was known about that when it was asked."""
    digest: str
    request: ModelRequest

    def to_json(self) -> JsonObject:
        return {
            "name": self.name,
            "about": self.about,
            "uses": self.uses,
            "digest": self.digest,
            "request": self.request.to_json(),
        }

    @classmethod
    def from_json(cls, data: JsonObject) -> Question:
        return cls(**{**data, "request": ModelRequest.from_json(data["request"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer:
    """What came of one question: an answer, or why there is none."""

    answer: ModelAnswer | None = None
    why: str = ""
    """`errored`, `expired`, `canceled`, `unreadable`, with what was said about it."""
    tokens: int = 0
    usd: float = 0.0
    """What it cost, readable or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Whether a batch that may have been sent is there."""

    found: str = ""
    """The provider's id of it."""
    is_sure: bool = True
    """False while another batch that could be this one has not shown its names yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything the journal says about one batch."""

    id: str
    purpose: str
    model: str
    """The one that is asked."""
    asked: str
    """How to come by it again: `claude:NAME`."""
    questions: tuple[Question, ...]
    most: Spend
    """What it can cost."""
    submitted_at: float
    wake_at: float
    """When to look at it next."""
    head: Head
    state: BatchState = BatchState.IN_DOUBT
    provider_id: str = ""
    reason: str = ""
    looks: int = 0
    """How often it was looked at since it arrived."""
    answered: frozenset[str] = frozenset()
    """Names of the questions that were."""
    spend: Spend = Spend()

    @property
    def stream(self) -> str:
        return f"batch/{self.id}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def requests(self) -> dict[str, ModelRequest]:
        return {each.name: each.request for each in self.questions}

    def to_json(self) -> JsonObject:
        """For people: not the questions' text."""
        return {
            "id": self.id,
            "purpose": self.purpose,
            "model": self.model,
            "state": str(self.state),
            "questions": len(self.questions),
            "answered": len(self.answered),
            "most_usd": self.most.usd,
            "spend_usd": self.spend.usd,
            "submitted_at": self.submitted_at,
            "wake_at": self.wake_at if self.is_open else None,
            "reason": self.reason,
            "provider_id": self.provider_id,
        }


def fold_batches(events: Sequence[Event]) -> list[Batch]:
    """The batches of these events, oldest first."""
    found: dict[str, Batch] = {}
    for event in events:
        known = found.get(event.stream)
        if event.kind is EventKind.BATCH_SUBMITTED:
            found[event.stream] = _submitted(event)
        elif known is not None:
            head = Head(epoch=event.epoch, seq=event.seq)
            found[event.stream] = replace(_next(known, event), head=head)
    return list(found.values())


def _submitted(event: Event) -> Batch:
    given = event.payload
    return Batch(
        id=event.stream.removeprefix("batch/"),
        purpose=given["purpose"],
        model=given["model"],
        asked=given["asked"],
        questions=tuple(Question.from_json(each) for each in given["questions"]),
        most=Spend(**given["most"]),
        submitted_at=event.at,
        wake_at=given["wake_at"],
        head=Head(epoch=event.epoch, seq=event.seq),
    )


def _next(batch: Batch, event: Event) -> Batch:
    given = event.payload
    match event.kind:
        case EventKind.BATCH_ACCEPTED:
            return replace(
                batch,
                state=BatchState.UNDER_WAY,
                provider_id=given["provider_id"],
                wake_at=given["wake_at"],
                reason="",
                looks=0,
            )
        case EventKind.TIMER_SET:
            reason, looks = given["reason"], batch.looks + 1
            return replace(batch, wake_at=given["wake_at"], reason=reason, looks=looks)
        case EventKind.BATCH_COLLECTED:
            answered = frozenset(given["answers"])
            return replace(_ended(batch, BatchState.COLLECTED, given), answered=answered)
        case EventKind.BATCH_FAILED:
            return replace(_ended(batch, BatchState.FAILED, given), reason=given["reason"])
    return batch


def _ended(
    batch: Batch,
    state: Literal[BatchState.COLLECTED, BatchState.FAILED],
    given: Mapping[str, object],
) -> Batch:
    spend = given.get("spend") or {}
    return replace(batch, state=state, spend=Spend(**spend), reason="")  # type: ignore[arg-type]
