"""Whose words made a plan is kept with it, however often it works."""

from __future__ import annotations

from typing import Any

import pytest

from autoclave.domain.events import EventKind

GREET = [{"name": "one", "capability": "greet", "inputs": {}, "after": []}]
SEND = [{"name": "one", "capability": "send", "inputs": {"to": "mallory"}, "after": []}]


def won(log: Any, goal: str, steps: list[dict[str, Any]], **made: Any) -> None:
    """A goal that was reached by a plan."""
    plan = {"signature": "p", "source": "composed", "steps": steps, "template": steps}
    log.write(f"goal/{goal}", EventKind.PLAN_MADE, plan=plan, **made)
    ended = {"signature": "p", "source": "composed", "steps": steps}
    log.end_goal(goal, "greet everybody", plan=ended)


def known(log: Any) -> tuple[bool, bool]:
    (plan,) = log.knowledge.recall("greet everybody")["plans"]
    return plan["trusted"], plan["by_model"]


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ({"trusted": True, "by_model": False}, (True, False)),
        ({"trusted": True, "by_model": True}, (True, True)),
        ({"trusted": False, "by_model": True}, (False, True)),
        ({"by_model": False}, (False, False)),
    ],
)
def test_a_plan_is_recalled_with_whose_words_made_it(
    log: Any, made: dict[str, bool], found: tuple[bool, bool]
) -> None:
    """What nobody vouched for is not trusted."""
    won(log, "G-1", GREET, **made)

    assert known(log) == found


def test_an_untrusted_run_cannot_pass_its_steps_off_as_trusted(log: Any) -> None:
    """The name of a plan says nothing: other steps under it are judged by who made them."""
    won(log, "G-1", GREET, trusted=True, by_model=False)
    won(log, "G-2", SEND, trusted=False, by_model=True)

    assert known(log) == (False, True)


def test_the_very_same_steps_stay_trusted(log: Any) -> None:
    """A run that read a web page and did what was known takes nothing away."""
    won(log, "G-1", GREET, trusted=True, by_model=False)
    won(log, "G-2", GREET, trusted=False, by_model=True)

    assert known(log) == (True, False)


def test_a_plan_that_was_never_written_down_is_nobodys(log: Any) -> None:
    """Only the end of its goal tells of it."""
    log.end_goal("G-1", "greet everybody")

    assert known(log) == (False, True)
