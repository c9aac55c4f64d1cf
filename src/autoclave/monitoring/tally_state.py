"""What is known of the events up to one of them: all that counting the next one needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ..domain.canonical import JsonObject
from .counted import Counted

DAY_SECONDS = 86_400
_MOST_OPEN = 10_000
"""Of what waits for its end, so that what never ends can't grow without bound."""


@dataclass(slots=True, kw_only=True)
class Waits:
    """What was begun and not ended yet."""

    calls: dict[str, JsonObject] = field(default_factory=dict)
    """Model calls by key: the model, its purpose and what is known of the prefix."""
    cached: dict[str, JsonObject] = field(default_factory=dict)
    """By stream: the model that was asked last, and what it read from its cache."""
    questions: dict[str, float] = field(default_factory=dict)
    broker: dict[str, str] = field(default_factory=dict)
    """Kind of each call by its name."""
    batches: dict[str, JsonObject] = field(default_factory=dict)
    proposals: dict[str, JsonObject] = field(default_factory=dict)
    """Tier of risk, when it was judged, whether it was approved."""

    def put(self, where: dict[str, Any], key: str, value: object) -> None:
        """Remember, and forget the oldest when there are too many."""
        where[key] = value
        if len(where) > _MOST_OPEN:
            del where[next(iter(where))]


@dataclass(slots=True, kw_only=True)
class Tally:
    """Everything that events say in numbers, up to one of them."""

    last_id: int = 0
    last_at: float = 0.0
    progress_at: float = 0.0
    day: int = 0
    day_usd: float = 0.0
    mind: str = ""
    tier: str = ""
    limit_usd: float = 0.0
    counted: Counted = field(default_factory=Counted)
    waits: Waits = field(default_factory=Waits)

    def spend(self, at: float, usd: float) -> None:
        """Book money on the day that it was spent."""
        day = int(at // DAY_SECONDS)
        if day != self.day:
            self.day, self.day_usd = day, 0.0
        self.day_usd += usd

    def spent_today(self, now: float) -> float:
        return self.day_usd if int(now // DAY_SECONDS) == self.day else 0.0

    def to_json(self) -> JsonObject:
        plain = {name: getattr(self, name) for name in _PLAIN}
        return plain | {"counted": self.counted.to_json(), "waits": asdict(self.waits)}

    @classmethod
    def from_json(cls, data: JsonObject) -> Tally:
        return cls(
            **{name: data[name] for name in _PLAIN},
            counted=Counted.from_json(data["counted"]),
            waits=Waits(**data["waits"]),
        )


_PLAIN = (
    *("last_id", "last_at", "progress_at", "day", "day_usd"),
    *("mind", "tier", "limit_usd"),
)
