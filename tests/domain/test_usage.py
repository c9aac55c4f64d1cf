"""What may be spent."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import BudgetSpent
from autoclave.domain.usage import Budget, Spend

amounts = st.floats(0, 1e6)
spends = st.builds(
    Spend,
    steps=st.integers(0, 1000),
    seconds=amounts,
    tokens=st.integers(0, 10**6),
    usd=amounts,
    model_calls=st.integers(0, 100),
)
NAMES = ("steps", "seconds", "tokens", "usd")


@given(spent=spends, coming=spends, most=spends)
def test_what_fits_passes_and_what_does_not_is_named(
    spent: Spend, coming: Spend, most: Spend
) -> None:
    """The next thing counts before it is done; exactly the budget is still in it."""
    budget = Budget(steps=most.steps, seconds=most.seconds, tokens=most.tokens, usd=most.usd)
    total = spent.plus(coming)
    over = [name for name in NAMES if getattr(total, name) > getattr(most, name)]

    if not over:
        budget.check(spent, coming)
        return
    with pytest.raises(BudgetSpent, match=over[0]):
        budget.check(spent, coming)


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_that_is_no_number_lets_nothing_through(name: str) -> None:
    """NaN compares with nothing, so it must not count as room."""
    nan: dict[str, Any] = {name: math.nan}

    with pytest.raises(BudgetSpent):
        replace(Budget(), **nan).check(Spend(), Spend())
    with pytest.raises(BudgetSpent):
        Budget().check(replace(Spend(), **nan), Spend())


@given(a=spends, b=spends)
def test_spending_adds_up(a: Spend, b: Spend) -> None:
    """In either order, and nothing is nothing."""
    assert a.plus(b) == b.plus(a)
    assert a.plus(Spend()) == a
    assert Spend(**a.to_json()) == a
