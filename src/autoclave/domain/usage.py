"""What a goal has spent and what it may spend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from .canonical import JsonObject
from .errors import BudgetSpent


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Used up so far. Money in US dollars, time in seconds of wall clock."""

    steps: int = 0
    seconds: float = 0.0
    tokens: int = 0
    usd: float = 0.0
    model_calls: int = 0

    def plus(self, other: Spend) -> Spend:
        return Spend(
            steps=self.steps + other.steps,
            seconds=self.seconds + other.seconds,
            tokens=self.tokens + other.tokens,
            usd=self.usd + other.usd,
            model_calls=self.model_calls + other.model_calls,
        )

    def to_json(self) -> JsonObject:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that one goal may use; the next action is checked before it runs."""

    steps: int = 200
    seconds: float = 3600.0
    tokens: int = 2_000_000
    usd: float = 1.0
    depth: int = 3
    """How many times over a goal may have come from another goal."""

    def check(self, spent: Spend, coming: Spend) -> None:
        """Raise BudgetSpent when `spent` and what is about to be spent do not fit."""
        total = spent.plus(coming)
        for name in ("steps", "seconds", "tokens", "usd"):
            most, would = getattr(self, name), getattr(total, name)
            if not would <= most:  # also true of NaN, which fits no budget
                raise BudgetSpent(
                    f"the budget of {most:g} {name} is not enough: {would:g} would be needed",
                    hint="give the goal more: `autoclave goal budget ID --add-usd 0.5 "
                    "--add-steps 50`, or end it: `autoclave goal cancel ID`",
                )

    def to_json(self) -> JsonObject:
        return asdict(self)

    def plus(self, added: Mapping[str, float]) -> Budget:
        """With this much more. What is no amount, or less than nothing, adds nothing."""
        more = {name: added[name] for name in _ADDABLE if _is_amount(added.get(name))}
        return replace(self, **{name: getattr(self, name) + more[name] for name in more})


_ADDABLE = ("steps", "seconds", "tokens", "usd")


def _is_amount(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value > 0
