"""The transition table: what may follow what, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import IllegalTransition
from autoclave.domain.state import NEXT, WORKING, State, check_transition

states = st.sampled_from(State)


def test_every_state_has_a_row() -> None:
    """No state is forgotten, and no row leads out of the table."""
    assert set(NEXT) == set(State)
    assert frozenset().union(*NEXT.values()) <= set(State)


def test_every_state_can_be_reached_from_the_start() -> None:
    """From INITIALIZING, along the arrows."""
    reached = {State.INITIALIZING}
    while more := frozenset().union(*(NEXT[each] for each in reached)) - reached:
        reached |= more

    assert reached == set(State)


def test_every_state_but_the_last_can_reach_the_end() -> None:
    """There is no state in which a run is caught for ever."""
    for start in State:
        reached = {start}
        while more := frozenset().union(*(NEXT[each] for each in reached)) - reached:
            reached |= more
        assert State.SHUTDOWN in reached


@given(after=states)
def test_shutdown_is_final(after: State) -> None:
    """Nothing follows it, not even an error."""
    with pytest.raises(IllegalTransition, match="final"):
        check_transition(State.SHUTDOWN, after)


@given(left=st.sampled_from(sorted(WORKING)), after=states)
def test_a_pause_leads_back_to_where_it_came_from_or_to_an_error(left: State, after: State) -> None:
    """Whatever the table says about PAUSED in general."""
    if after in (left, State.ERROR):
        check_transition(State.PAUSED, after, paused_from=left)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(State.PAUSED, after, paused_from=left)


@given(before=states, after=states)
def test_the_check_is_the_table(before: State, after: State) -> None:
    """Outside a pause an arrow is legal exactly when the table has it."""
    if before is State.PAUSED or after in NEXT[before]:
        return
    with pytest.raises(IllegalTransition, match=f"{before} → {after}"):
        check_transition(before, after)


@given(choices=st.lists(st.integers(0, 100), max_size=60))
def test_no_walk_along_legal_arrows_leaves_the_table(choices: list[int]) -> None:
    """Every state on the way has a row, and a pause always ends where it began."""
    state = State.INITIALIZING
    left: State | None = None
    for choice in choices:
        legal = sorted(frozenset({left, State.ERROR}) if left else NEXT[state])
        if not legal:
            assert state is State.SHUTDOWN
            return
        following = legal[choice % len(legal)]
        check_transition(state, following, paused_from=left)
        left = state if following is State.PAUSED else None
        state = following
        assert state in NEXT
