"""The day's account: nothing is promised twice, and no clock gives money back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import BudgetSpent, InvalidInput
from autoclave.domain.usage import Spend
from autoclave.governance.budgets import DayBudget
from autoclave.governance.policy import DAY, DayLimits, PurposeLimits

LIMITS = DayLimits(usd=1.0, tokens=1000, model_calls=10)


def test_money_in_flight_counts() -> None:
    """Two calls that fit one by one do not fit together."""
    account = DayBudget(limits=LIMITS).reserve("a", Spend(usd=0.6), now=0)

    with pytest.raises(BudgetSpent, match="the day's budget of 1 usd is used up"):
        account.reserve("b", Spend(usd=0.6), now=0)


def test_settling_frees_what_was_not_needed() -> None:
    """The real price replaces the most that was held."""
    account = DayBudget(limits=LIMITS).reserve("a", Spend(usd=0.9), now=0)

    account = account.settle("a", Spend(usd=0.1, tokens=50), now=1)

    assert account.committed == Spend(usd=0.1, tokens=50)
    assert account.reserve("b", Spend(usd=0.9), now=2).held


def test_call_with_an_unknown_end_costs_the_most() -> None:
    """It was paid for, perhaps: that counts as paid."""
    account = DayBudget(limits=LIMITS).reserve("a", Spend(usd=0.4), now=0).lose("a", now=1)

    assert account.spent.usd == 0.4
    assert not account.held


def test_same_key_is_held_once() -> None:
    """A repeated intent does not reserve twice."""
    account = DayBudget(limits=LIMITS)

    for _ in range(5):
        account = account.reserve("a", Spend(usd=0.9), now=0)

    assert account.committed.usd == 0.9


def test_new_day_starts_anew_but_keeps_what_is_in_flight() -> None:
    """Midnight, UTC."""
    account = DayBudget(limits=LIMITS).settle("x", Spend(usd=1.0), now=DAY - 1)
    account = account.reserve("a", Spend(tokens=100), now=DAY - 1)

    tomorrow = account.at(DAY)

    assert tomorrow.spent == Spend()
    assert tomorrow.committed.tokens == 100


def test_clock_that_goes_back_gives_nothing_back() -> None:
    """Yesterday's limit cannot be used a second time."""
    account = DayBudget(limits=LIMITS).settle("x", Spend(usd=1.0), now=5 * DAY)

    with pytest.raises(BudgetSpent):
        account.reserve("a", Spend(usd=0.1), now=4 * DAY)


@pytest.mark.parametrize("usd", [-0.1, float("nan"), float("inf")])
def test_impossible_price_is_refused(usd: float) -> None:
    """A negative price would be a way to earn."""
    with pytest.raises(InvalidInput):
        DayBudget(limits=LIMITS).reserve("a", Spend(usd=usd), now=0)


_STEPS = st.tuples(
    st.sampled_from(["reserve", "settle", "lose"]), st.sampled_from("abc"), st.integers(0, 400)
)


@given(st.lists(_STEPS, max_size=20))
def test_reservations_never_promise_more_than_the_limit(steps: list[tuple[str, str, int]]) -> None:
    """As long as no call costs more than was held for it, the limit holds."""
    account = DayBudget(limits=LIMITS)
    for what, key, tokens in steps:
        held = account.held[key].most.tokens if key in account.held else 0
        if what == "settle":
            account = account.settle(key, Spend(tokens=min(tokens, held)), now=0)
        elif what == "lose":
            account = account.lose(key, now=0)
        else:
            try:
                account = account.reserve(key, Spend(tokens=tokens), now=0)
            except BudgetSpent:
                continue

        assert account.committed.tokens <= LIMITS.tokens


def test_spent_day_says_when_there_is_more() -> None:
    """A goal that is parked for it can wait for that moment."""
    account = DayBudget(limits=LIMITS).settle("x", Spend(usd=1.0), now=DAY + 5)

    with pytest.raises(BudgetSpent, match="the day turns at 1970-01-03 00:00 UTC") as refused:
        account.reserve("a", Spend(usd=0.1), now=DAY + 6)

    assert refused.value.until == 2 * DAY


def test_purpose_has_a_limit_of_its_own() -> None:
    """Planning may not eat what the work needs."""
    limits = DayLimits(usd=1.0, per_purpose={"plan": PurposeLimits(usd=0.2)})
    account = DayBudget(limits=limits).settle("x", Spend(usd=0.15), now=0, purpose="plan")

    with pytest.raises(BudgetSpent, match=r"0\.2 usd for plan is used up"):
        account.reserve("a", Spend(usd=0.1), now=0, purpose="plan")

    assert account.reserve("a", Spend(usd=0.1), now=0, purpose="work").held


def test_steps_count_only_where_a_limit_is_given() -> None:
    """None is no limit."""
    account = DayBudget(limits=LIMITS).settle("x", Spend(steps=10**6), now=0)
    account.check(Spend(steps=1), now=0)

    few = DayBudget(limits=DayLimits(steps=2)).settle("x", Spend(steps=2), now=0)
    with pytest.raises(BudgetSpent, match="2 steps"):
        few.check(Spend(steps=1), now=0)
