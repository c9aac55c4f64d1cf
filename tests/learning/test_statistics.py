"""Counting with doubt."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.learning.statistics import (
    ALARM,
    FLAT,
    Beta,
    add_to_sketch,
    beta_distribution,
    beta_quantile,
    cusum,
    quantile,
    shared_prior,
)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.001, 0.999))
def test_the_beta_distribution_is_a_binomial_tail(a: int, b: int, x: float) -> None:
    """For whole numbers I_x(a, b) is the chance of at least a successes in a+b-1 trials."""
    n = a + b - 1
    tail = math.fsum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))

    assert beta_distribution(x, a, b) == pytest.approx(tail, abs=1e-9)


@given(st.floats(0.5, 500), st.floats(0.5, 500), st.floats(0.01, 0.99))
def test_a_quantile_is_the_inverse(a: float, b: float, share: float) -> None:
    """The share below the quantile is what was asked for, within its four digits."""
    point = beta_quantile(share, a, b)

    assert beta_distribution(point - 2e-5, a, b) <= share + 1e-9
    assert beta_distribution(point + 2e-5, a, b) >= share - 1e-9


@given(st.lists(st.booleans(), max_size=60))
def test_the_lower_bound_is_below_the_mean(outcomes: list[bool]) -> None:
    """Doubt pulls down, never up."""
    seen = Beta()
    for ok in outcomes:
        seen = seen.observe(ok)

    assert 0 < seen.lower_bound() < seen.mean() < 1


def test_more_evidence_leaves_less_doubt() -> None:
    """Ten successes prove more than two."""
    few, many = Beta(wins=2), Beta(wins=10)

    assert few.lower_bound() == pytest.approx(0.05 ** (1 / 3), abs=1e-4)
    assert many.lower_bound() == pytest.approx(0.05 ** (1 / 11), abs=1e-4)


def test_old_evidence_fades() -> None:
    """A thousand old successes do not outweigh five hundred newer failures."""
    seen = Beta()
    for number in range(1500):
        seen = seen.observe(number < 1000)

    assert seen.mean() < 0.4
    assert seen.total < 500


def test_a_self_report_moves_less() -> None:
    """The weight is what one observation adds."""
    assert Beta().observe(True, 0.3).mean() < Beta().observe(True).mean()


def test_evidence_from_elsewhere_lends_a_limited_prior() -> None:
    """A plan that works in other families starts above even, but own evidence soon rules."""
    prior = shared_prior(Beta(wins=90, losses=10))

    assert Beta().mean(prior) == pytest.approx(0.82)
    assert Beta(losses=30).mean(prior) < 0.25
    assert shared_prior(Beta()) == FLAT


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=80), st.sampled_from([0.5, 0.95]))
def test_sketch_quantiles_are_within_one_percent(values: list[float], share: float) -> None:
    """The sketch gives the value at that rank, off by 1 % at most."""
    sketch: dict[str, int] = {}
    for value in values:
        sketch = add_to_sketch(sketch, value)
    exact = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]

    assert quantile(sketch, share) == pytest.approx(exact, rel=0.0102)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e300, float("inf")])
def test_odd_values_do_not_break_a_sketch(value: float) -> None:
    """They count at the end of the scale that is nearest."""
    assert quantile(add_to_sketch({}, value), 0.5) > 0
    assert quantile({}, 0.5) == 0


def test_a_drop_is_seen_soon_and_a_steady_rate_seldom() -> None:
    """From .85 to .60 within 40 observations on average; few alarms in a thousand without."""
    lots = random.Random(7)  # noqa: S311 - a simulation

    def delay(rate: float) -> int:
        level, steps = 0.0, 0
        while level < ALARM and steps < 1000:
            level, steps = cusum(level, lots.random() < rate, 0.85), steps + 1
        return steps

    assert sum(delay(0.60) for _ in range(100)) / 100 < 40
    assert sum(delay(0.85) for _ in range(50)) / 50 > 500
