"""Which past experiences to go through again: four strategies over one exponential key.

Each row draws `-ln(u) / priority`; the smallest keys are a weighted sample without replacement
(Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from ..domain.knowledge import Outcome

HALF_LIFE_SECONDS = 7 * 86_400.0
_NEVER = 0.0


class Strategy(StrEnum):
    RANDOM = "random"
    PRIORITISED = "prioritised"
    """High impact first: surprising, costly, failed."""
    RECENT = "recent"
    FAILURES = "failures"
    """Failures only, the surprising ones first."""


def sample(
    rows: Sequence[Mapping[str, Any]], strategy: Strategy, count: int, *, seed: int, now: float
) -> list[str]:
    """Ids of at most `count` rows, in the order drawn; the same seed draws the same."""
    lots = random.Random(seed)  # noqa: S311 - a reproducible draw, not a secret
    keyed = []
    for row in sorted(rows, key=lambda row: str(row["id"])):
        drawn = -math.log(1.0 - lots.random())
        priority = _PRIORITY[strategy](row, now)
        if priority > _NEVER:
            keyed.append((drawn / priority, str(row["id"])))
    return [row_id for _, row_id in sorted(keyed)[:count]]


def _same(row: Mapping[str, Any], now: float) -> float:
    return 1.0


def _impact(row: Mapping[str, Any], now: float) -> float:
    return float(row["priority"])


def _recency(row: Mapping[str, Any], now: float) -> float:
    age = max(0.0, now - float(row["timestamp"]))
    return math.exp2(-min(age / HALF_LIFE_SECONDS, 900.0))


def _failure(row: Mapping[str, Any], now: float) -> float:
    return _impact(row, now) if row["success"] == Outcome.FAILED else _NEVER


_PRIORITY: Mapping[Strategy, Callable[[Mapping[str, Any], float], float]] = {
    Strategy.RANDOM: _same,
    Strategy.PRIORITISED: _impact,
    Strategy.RECENT: _recency,
    Strategy.FAILURES: _failure,
}
