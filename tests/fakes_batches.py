"""A provider of batches in memory, and a way to be killed at any point on the way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autoclave.core.ledger import Ledger
from autoclave.core.parts import Parts
from autoclave.domain.batch import BatchAnswer, Sighting
from autoclave.domain.errors import AutoclaveError
from autoclave.domain.events import Event, Head, NewEvent
from autoclave.domain.knowledge import Pattern, PatternKind, PatternState
from autoclave.domain.model import ModelAnswer, ModelRequest, StopReason, Tokens


@dataclass(kw_only=True)
class Sent:
    """One batch as the provider has it."""

    requests: Mapping[str, ModelRequest]
    at: float
    looks: int = 0
    is_cancelled: bool = False


@dataclass(kw_only=True)
class FakeProvider:
    """Port BatchModel: what was sent stays, whoever dies; each batch ends at its second look."""

    clock: Callable[[], float]
    name: str = "claude-opus-5-5"
    said: str = '{"lesson": "quote every field"}'
    usd: float = 0.004
    sent: dict[str, Sent] = field(default_factory=dict)
    faults: list[AutoclaveError] = field(default_factory=list)
    """Raised by the next calls to send, one each."""
    arrives_all_the_same: bool = False
    """What fails has arrived nevertheless."""

    def price(self, requests: Mapping[str, ModelRequest]) -> float:
        return 0.01 * len(requests)

    async def submit(self, requests: Mapping[str, ModelRequest]) -> str:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not self.arrives_all_the_same:
            raise fault
        made = f"theirs-{len(self.sent) + 1}"
        self.sent[made] = Sent(requests=dict(requests), at=self.clock())
        if fault is not None:
            raise fault
        return made

    async def find(
        self, names: Collection[str], *, since: float, known: Collection[str]
    ) -> Sighting:
        is_sure = True
        for batch, sent in self.sent.items():
            if batch in known or sent.at < since or len(sent.requests) != len(names):
                continue
            if sent.looks < 2:
                is_sure = False
                sent.looks += 1  # time goes on
            elif set(sent.requests) & set(names):
                return Sighting(found=batch)
        return Sighting(is_sure=is_sure)

    async def has_ended(self, batch: str) -> bool:
        self.sent[batch].looks += 1
        return self.sent[batch].looks >= 2

    async def results(self, batch: str) -> dict[str, BatchAnswer]:
        return {name: self._answer() for name in self.sent[batch].requests}

    async def cancel(self, batch: str) -> None:
        self.sent[batch].is_cancelled = True

    @property
    def charged(self) -> float:
        """What all that was sent costs."""
        return sum(self.usd * len(each.requests) for each in self.sent.values())

    def _answer(self) -> BatchAnswer:
        answer = ModelAnswer(
            blocks=({"type": "text", "text": self.said},),
            stop=StopReason.END_TURN,
            tokens=Tokens(input=100, output=20),
            usd=self.usd,
            model=self.name,
        )
        return BatchAnswer(answer=answer, tokens=120, usd=self.usd)


class Killed(BaseException):
    """The process ends here: nothing that follows is done."""


class Killer:
    """Kills at the point with this number; at none when there are fewer."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0

    def point(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            raise Killed

    def parts(self, parts: Parts) -> Parts:
        """Everything that writes or calls, with a point before and after."""
        ledger = _KillingLedger(parts.ledger, self)
        asked = parts.batches

        def batches(name: str) -> Any:
            return _KillingModel(asked(name), self)

        return replace(parts, ledger=ledger, batches=batches)


class _KillingLedger(Ledger):
    def __init__(self, real: Ledger, killer: Killer) -> None:
        super().__init__(real._writer, real.journal)
        self.listeners = real.listeners
        self._killer = killer

    async def post(self, stream: str, *events: NewEvent, actor: str) -> tuple[Event, ...]:
        self._killer.point()
        written = await super().post(stream, *events, actor=actor)
        self._killer.point()
        return written

    async def append(
        self, stream: str, *events: NewEvent, head: Head, actor: str = "kernel"
    ) -> tuple[Event, ...]:
        self._killer.point()
        written = await super().append(stream, *events, head=head, actor=actor)
        self._killer.point()
        return written


class _KillingModel:
    def __init__(self, model: Any, killer: Killer) -> None:
        self._model, self._killer = model, killer
        self.name, self.price = model.name, model.price

    def __getattr__(self, name: str) -> Any:
        async def call(*given: Any, **more: Any) -> Any:
            self._killer.point()
            answer = await getattr(self._model, name)(*given, **more)
            self._killer.point()
            return answer

        return call


def pattern(number: int = 1, **more: Any) -> Pattern:
    """One that was seen on four goals."""
    given: dict[str, Any] = {
        "id": f"PT-{number:012d}",
        "kind": PatternKind.ERROR,
        "key": f"error:describe_csv:{number}",
        "description": "describe_csv: KeyError 'price'",
        "conditions": {"capability": "describe_csv"},
        "actions": {},
        "uses": 4,
        "success_rate": 0.25,
        "lower_bound": 0.1,
        "goals": ("G-0001", "G-0002", "G-0003", "G-0004"),
        "state": PatternState.ACTIVE,
        "created_at": 1.0,
        "updated_at": 2.0,
    }
    return Pattern(**{**given, **more})
