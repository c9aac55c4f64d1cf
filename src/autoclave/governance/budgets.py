"""What all goals together may use in a day, with the money that is in flight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Self

from ..domain.errors import BudgetSpent, InvalidInput
from ..domain.usage import Spend
from .policy import DAY, DayLimits, PurposeLimits

_LIMITED = ("usd", "tokens", "model_calls", "steps", "seconds")
_LIMITED_BY_PURPOSE = ("usd", "tokens", "model_calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The most that one call in flight can cost."""

    most: Spend
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBudget:
    """One UTC day's account. Reserve before a call, settle after it."""

    limits: DayLimits
    day: int = 0
    """Days since 1970. Never goes back, so a clock that does gives nothing anew."""
    spent: Spend = Spend()
    spent_on: Mapping[str, Spend] = field(default_factory=dict)
    """By purpose, what calls have cost."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """By key, the calls in flight."""

    @property
    def committed(self) -> Spend:
        """Spent and in flight together."""
        return _sum(self.spent, self.held)

    def committed_for(self, purpose: str) -> Spend:
        """The same for one purpose."""
        held = {key: each for key, each in self.held.items() if each.purpose == purpose}
        return _sum(self.spent_on.get(purpose, Spend()), held)

    @property
    def ends_at(self) -> float:
        """When the day turns, in seconds since 1970."""
        return (self.day + 1) * DAY

    def at(self, now: float) -> Self:
        """The account of the day of `now`; what is in flight comes along."""
        today = int(now // DAY)
        if today <= self.day:
            return self
        return replace(self, day=today, spent=Spend(), spent_on={})

    def check(self, coming: Spend, *, now: float) -> None:
        """Raise BudgetSpent when this much more does not fit into the day."""
        account = self.at(now)
        account._check_fits(account.committed.plus(coming), account.limits, _LIMITED)

    def reserve(self, key: str, most: Spend, *, now: float, purpose: str = "") -> Self:
        """Hold the most that a call can cost. Raises BudgetSpent when it does not fit."""
        account = self.at(now).hold(key, most, now=now, purpose=purpose)
        account._check_fits(account.committed, account.limits, _LIMITED)
        if limits := account.limits.per_purpose.get(purpose):
            account._check_fits(
                account.committed_for(purpose), limits, _LIMITED_BY_PURPOSE, f" for {purpose}"
            )
        return account

    def hold(self, key: str, most: Spend, *, now: float, purpose: str = "") -> Self:
        """The same for a call that is under way already: it counts, whether it fits or not."""
        _check(most)
        account = self.at(now)
        return replace(account, held={**account.held, key: Held(most=most, purpose=purpose)})

    def release(self, key: str) -> Self:
        """Forget a call that was never made."""
        return replace(self, held={name: each for name, each in self.held.items() if name != key})

    def settle(self, key: str, actual: Spend, *, now: float, purpose: str = "") -> Self:
        """Book what a call did cost; it counts even when nothing was held for it."""
        _check(actual)
        account = self.at(now).release(key)
        spent_on = dict(account.spent_on)
        if purpose:
            spent_on[purpose] = spent_on.get(purpose, Spend()).plus(actual)
        return replace(account, spent=account.spent.plus(actual), spent_on=spent_on)

    def lose(self, key: str, *, now: float) -> Self:
        """Book all that was held for a call whose end nobody knows."""
        held = self.held.get(key, Held(most=Spend()))
        return self.settle(key, held.most, now=now, purpose=held.purpose)

    def _check_fits(
        self,
        total: Spend,
        limits: DayLimits | PurposeLimits,
        names: tuple[str, ...],
        what: str = "",
    ) -> None:
        for name in names:
            limit, would = getattr(limits, name), getattr(total, name)
            if limit is None or would <= limit:
                continue
            turns = datetime.fromtimestamp(self.ends_at, UTC)
            raise BudgetSpent(
                f"the day's budget of {limit:g} {name}{what} is used up ({would:g} would be "
                f"needed); the day turns at {turns:%Y-%m-%d %H:%M} UTC",
                hint="wait until then, or raise budgets.per_day in safety_rules.yaml",
                until=self.ends_at,
            )


def _sum(spent: Spend, held: Mapping[str, Held]) -> Spend:
    for each in held.values():
        spent = spent.plus(each.most)
    return spent


def _check(spend: Spend) -> None:
    for name, value in asdict(spend).items():
        if not math.isfinite(value) or value < 0:
            raise InvalidInput(f"{value} {name} cannot be spent")
