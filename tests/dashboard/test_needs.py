"""What needs a person stands still while somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autoclave.dashboard.needs import Needs

Need = Callable[..., Any]


def test_the_list_begins_by_tier_and_then_by_age(waiting: Need) -> None:
    """High before questions before what was set aside; the older first."""
    found = [
        waiting("parked goal", "G-1", "x", since=1),
        waiting("question", "G-2", "x", since=9),
        waiting("proposal", "P-2", "x", risk="R4", since=8),
        waiting("proposal", "P-1", "x", risk="R4", since=5),
    ]

    needs = Needs().seen(found)

    assert list(needs.items) == ["proposal:P-1", "proposal:P-2", "question:G-2", "parked goal:G-1"]


def test_a_newcomer_queues_behind_what_is_there(waiting: Need) -> None:
    """However high it is: nothing moves under a finger."""
    needs = Needs().seen([waiting("question", "G-1", "x")])

    needs = needs.seen(
        [waiting("question", "G-1", "x"), waiting("proposal", "P-1", "y", risk="R5")]
    )

    assert list(needs.items) == ["question:G-1", "proposal:P-1"]
    assert needs.fresh == {"proposal:P-1"}


def test_what_is_stood_on_stays_when_it_needs_nobody_any_more(waiting: Need) -> None:
    """So that Enter never opens another one; it goes when the cursor has gone."""
    both = [waiting("question", "G-1", "x"), waiting("question", "G-2", "y")]
    needs = Needs().seen(both)

    kept = needs.seen(both[1:], kept="question:G-1")
    left = kept.seen(both[1:], kept="question:G-2")

    assert (list(kept.items), kept.gone, kept.waiting) == (
        ["question:G-1", "question:G-2"],
        frozenset({"question:G-1"}),
        1,
    )
    assert list(left.items) == ["question:G-2"]
