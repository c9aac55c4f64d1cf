"""Counting with doubt: decayed Beta counts with shared priors, quantile sketches, change alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

DECAY = 0.998
"""What is left of older evidence after each new observation: about 500 of them count at most."""
PRIOR_STRENGTH = 8.0
"""The most pseudo-observations that the same thing elsewhere may lend."""
BUCKET = math.log(1.02)
"""Width of a sketch's buckets: a quantile is off by 1 % at most."""
_SMALLEST, _LARGEST = 1e-6, 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """Evidence for and against, as decayed counts; a prior is added when it is read."""

    wins: float = 0.0
    losses: float = 0.0

    @property
    def total(self) -> float:
        return self.wins + self.losses

    def observe(self, ok: bool, weight: float = 1.0) -> Beta:
        return Beta(
            wins=self.wins * DECAY + (weight if ok else 0.0),
            losses=self.losses * DECAY + (0.0 if ok else weight),
        )

    def plus(self, other: Beta) -> Beta:
        return Beta(wins=self.wins + other.wins, losses=self.losses + other.losses)

    def shrink(self, share: float = 0.05) -> Beta:
        """Keep only a share of the evidence, after the thing it is about has changed."""
        return Beta(wins=self.wins * share, losses=self.losses * share)

    def mean(self, prior: Beta | None = None) -> float:
        posterior = self.plus(prior or FLAT)
        return posterior.wins / posterior.total

    def lower_bound(self, prior: Beta | None = None) -> float:
        """With 95 % probability the true rate is above this."""
        posterior = self.plus(prior or FLAT)
        return beta_quantile(0.05, posterior.wins, posterior.losses)


FLAT = Beta(wins=1.0, losses=1.0)


def shared_prior(elsewhere: Beta) -> Beta:
    """The prior that the same thing in other places lends to a place with little evidence."""
    if elsewhere.total <= 0:
        return FLAT
    lent = min(elsewhere.total, PRIOR_STRENGTH) / elsewhere.total
    return FLAT.plus(elsewhere.shrink(lent))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The point below which Beta(a, b) has `probability`; by bisection, to four digits."""
    low, high = 0.0, 1.0
    for _ in range(16):
        middle = (low + high) / 2
        if beta_distribution(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_distribution(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), as in DLMF 8.17 (continued fraction 8.17.22).

    The fraction converges fast for x below (a+1)/(a+b+2); above it, I_x(a,b) = 1 - I_1-x(b,a).
    """
    if x <= 0.0 or x >= 1.0:
        return float(x > 0.5)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_distribution(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log1p(-x)) / a
    return min(1.0, front * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction by the modified Lentz method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + step * d, tiny)
            c = _away_from_zero(1.0 + step / c, tiny)
            value *= c * d
        if abs(c * d - 1.0) < 1e-10:
            break
    return value


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def add_to_sketch(sketch: Mapping[str, int], value: float) -> dict[str, int]:
    """A log-bucket sketch with one more value; keys are bucket numbers as JSON wants them."""
    bucket = str(math.ceil(math.log(min(max(value, _SMALLEST), _LARGEST)) / BUCKET))
    return {**sketch, bucket: sketch.get(bucket, 0) + 1}


def quantile(sketch: Mapping[str, int], share: float) -> float:
    """The value below which `share` of what went in lies; 0 for an empty sketch."""
    wanted = share * sum(sketch.values())
    seen = 0
    for bucket in sorted(sketch, key=int):
        seen += sketch[bucket]
        if seen >= wanted:
            return math.exp((int(bucket) - 0.5) * BUCKET)
    return 0.0


ALARM = 5.0
"""Threshold of the change alarm: a drop from .85 to .60 is seen after about 14 observations."""
_DROP = 0.25


def cusum(level: float, ok: bool, usual: float) -> float:
    """The next level of a one-sided Bernoulli CUSUM that watches for a drop below `usual`.

    At `ALARM` the rate has changed and the older evidence should be shrunk.
    """
    before = min(max(usual, 0.05), 0.99)
    after = max(before - _DROP, 0.01)
    gain = math.log(after / before) if ok else math.log((1 - after) / (1 - before))
    return max(0.0, level + gain)
