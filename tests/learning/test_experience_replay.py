"""The four ways to draw experiences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.learning.experience_replay import Strategy, sample

_NOW = 100 * 86_400.0


def _rows() -> list[dict[str, Any]]:
    return [
        {
            "id": f"E-{n:03d}",
            "success": "failed" if n % 2 else "ok",
            "timestamp": n * 86_400.0,
            "priority": 5.0 if n < 10 else 0.1,
        }
        for n in range(100)
    ]


def _draws(strategy: Strategy) -> list[int]:
    return [
        int(each[2:])
        for seed in range(60)
        for each in sample(_rows(), strategy, 10, seed=seed, now=_NOW)
    ]


@pytest.mark.parametrize("strategy", Strategy)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 120))
def test_a_draw_is_seeded_and_without_repetition(strategy: Strategy, seed: int, count: int) -> None:
    """The same seed gives the same ids, each once, however the rows are ordered."""
    first = sample(_rows(), strategy, count, seed=seed, now=_NOW)

    assert first == sample(_rows()[::-1], strategy, count, seed=seed, now=_NOW)
    assert len(set(first)) == len(first) <= count


def test_random_draws_evenly() -> None:
    """The mean of what is drawn is the mean of all."""
    draws = _draws(Strategy.RANDOM)

    assert 40 < sum(draws) / len(draws) < 60


def test_prioritised_draws_high_impact_first() -> None:
    """A tenth of the rows with fifty times the priority makes up most of the draws."""
    draws = _draws(Strategy.PRIORITISED)

    assert sum(each < 10 for each in draws) / len(draws) > 0.6


def test_recent_draws_lean_to_the_new() -> None:
    """Half-life of a week: most draws are from the last month."""
    draws = _draws(Strategy.RECENT)

    assert sum(each >= 70 for each in draws) / len(draws) > 0.8


def test_failure_focus_draws_failures_only() -> None:
    """Successes have no chance, surprising failures the best."""
    draws = _draws(Strategy.FAILURES)

    assert all(each % 2 for each in draws)
    assert sum(each < 10 for each in draws) / len(draws) > 0.4
