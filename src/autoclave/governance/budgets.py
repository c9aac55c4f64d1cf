"""What all goals together may use in a day, with the money that is in flight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Self

from ..domain.errors import BudgetSpent, InvalidInput
from ..domain.usage import Spend
from .policy import DAY, DayLimits

_LIMITED = ("usd", "tokens", "model_calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBudget:
    """One UTC day's account. Reserve before a call, settle after it."""

    limits: DayLimits
    day: int = 0
    """Days since 1970. Never goes back, so a clock that does gives nothing anew."""
    spent: Spend = Spend()
    held: Mapping[str, Spend] = field(default_factory=dict)
    """By key, the most that each call in flight can cost."""

    @property
    def committed(self) -> Spend:
        """Spent and in flight together."""
        total = self.spent
        for each in self.held.values():
            total = total.plus(each)
        return total

    def at(self, now: float) -> Self:
        """The account of the day of `now`; what is in flight comes along."""
        today = int(now // DAY)
        return replace(self, day=today, spent=Spend()) if today > self.day else self

    def reserve(self, key: str, most: Spend, *, now: float) -> Self:
        """Hold the most that a call can cost. Raises BudgetSpent when it does not fit."""
        _check(most)
        account = self.at(now)
        others = {name: spend for name, spend in account.held.items() if name != key}
        total = replace(account, held=others).committed.plus(most)
        for name in _LIMITED:
            limit, would = getattr(self.limits, name), getattr(total, name)
            if would > limit:
                raise BudgetSpent(
                    f"the day's budget of {limit:g} {name} is used up ({would:g} would be needed)",
                    hint="wait until 00:00 UTC, or raise budgets.per_day in safety_rules.yaml",
                )
        return replace(account, held={**others, key: most})

    def settle(self, key: str, actual: Spend, *, now: float) -> Self:
        """Book what a call did cost; it counts even when nothing was held for it."""
        _check(actual)
        account = self.at(now)
        others = {name: spend for name, spend in account.held.items() if name != key}
        return replace(account, spent=account.spent.plus(actual), held=others)

    def lose(self, key: str, *, now: float) -> Self:
        """Book all that was held for a call whose end nobody knows."""
        return self.settle(key, self.held.get(key, Spend()), now=now)


def _check(spend: Spend) -> None:
    for name, value in asdict(spend).items():
        if not math.isfinite(value) or value < 0:
            raise InvalidInput(f"{value} {name} cannot be spent")
