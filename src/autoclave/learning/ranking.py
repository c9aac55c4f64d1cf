"""Which memories come first: alike, proven, recent, trusted, and not all the same."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..domain.canonical import JsonObject
from ..domain.knowledge import Outcome, VerifiedBy
from .words import similarity

HALF_LIFE_SECONDS = 30 * 86_400.0
MOST_FAILURES = 2
"""A warning is worth its place, a horror list is not."""
_TRUST: Mapping[str, float] = {
    VerifiedBy.CHECK: 1.0,
    VerifiedBy.PERSON: 1.0,
    VerifiedBy.SELF_REPORT: 0.3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One experience that may be recalled."""

    id: str
    words: tuple[str, ...]
    success: str
    verified_by: str
    family_id: int
    proven: float
    """Posterior mean of its plan, or of its family when it had none."""
    age_seconds: float
    shown: JsonObject


def score(memory: Memory, *, alike: float, nearest: float) -> float:
    """The weight of one memory; `nearest` is how alike it is to what was chosen already."""
    recency = math.exp2(-max(0.0, memory.age_seconds) / HALF_LIFE_SECONDS)
    trust = _TRUST.get(memory.verified_by, 0.0)
    return 0.45 * alike + 0.25 * memory.proven + 0.15 * recency + 0.1 * trust + 0.05 * (1 - nearest)


def choose(
    memories: Sequence[Memory],
    query: Collection[str],
    weight: Mapping[str, float],
    *,
    limit: int,
    least_alike: float,
) -> list[JsonObject]:
    """The best `limit` memories, at most two of them failures, each with why it was chosen."""
    alike = {each.id: similarity(query, each.words, weight) for each in memories}
    left = [each for each in memories if alike[each.id] >= least_alike]
    nearest = dict.fromkeys(alike, 0.0)
    chosen: list[JsonObject] = []
    failures = 0
    while left and len(chosen) < limit:
        best = min(left, key=lambda m: (-_scored(m, alike, nearest), m.id))
        left.remove(best)
        is_failure = best.success == Outcome.FAILED
        if is_failure and failures == MOST_FAILURES:
            continue
        failures += is_failure
        chosen.append(
            {
                **best.shown,
                "similarity": round(alike[best.id], 4),
                "score": round(_scored(best, alike, nearest), 4),
            }
        )
        for each in left:
            nearest[each.id] = max(nearest[each.id], _overlap(each.words, best.words))
    return chosen


def _scored(memory: Memory, alike: Mapping[str, float], nearest: Mapping[str, float]) -> float:
    return score(memory, alike=alike[memory.id], nearest=nearest[memory.id])


def _overlap(one: Collection[str], other: Collection[str]) -> float:
    both = set(one) | set(other)
    return len(set(one) & set(other)) / len(both) if both else 0.0
