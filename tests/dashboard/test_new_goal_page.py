"""A goal is shown back before it is added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoclave.domain.errors import NotAllowed

See = Callable[..., Any]


@pytest.mark.slow
async def test_a_goal_is_shown_back_first_and_added_only_unchanged(seen: See) -> None:
    """Reading, done-test, steps and cost; an edit begins it anew."""
    async with seen((80, 36)) as screen:
        await screen.press("g", *"list the files", "ctrl+s")
        assert "a composed plan: list_files" in screen.text
        assert "At the very most   $1.00" in screen.text

        await screen.press(*" now", "ctrl+s")
        assert screen.door.was_asked("add_goal") == []

        await screen.press("ctrl+s")

        (((spec,), named),) = screen.door.was_asked("add_goal")
        assert (spec.text, named) == ("list the files now", {"by": "person:maria"})
        assert screen.app.page.NAME == "goal"


@pytest.mark.slow
async def test_every_field_counts(seen: See) -> None:
    """Workspace, done-test, budget, deadline, and whether it may touch code."""
    async with seen((80, 36)) as screen:
        await screen.press("g", *"tidy", "tab", *"/work", "tab", *"pytest -q", "tab", *"0.5")
        await screen.press("tab", *"10", "tab", *"files", "ctrl+s", "ctrl+s")

        (((spec,), _),) = screen.door.was_asked("add_goal")

    assert (str(spec.workspace), spec.done) == ("/work", ("pytest", "-q"))
    assert (spec.budget_usd, spec.budget_seconds, spec.allow_up_to.name) == (0.5, 600.0, "R1")


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "said"), [("x", "is no number"), ("-1", "number from 0 on")])
async def test_a_wrong_field_is_named(seen: See, typed: str, said: str) -> None:
    """And nothing is asked."""
    async with seen((80, 36)) as screen:
        await screen.press("g", *"tidy", "tab", "tab", "tab", *typed, "ctrl+s")

        assert said in screen.text
        assert screen.door.was_asked("preview_goal") == []


@pytest.mark.slow
async def test_a_goal_that_is_refused_says_why(seen: See) -> None:
    """The rules judge the preview as they would the goal."""
    async with seen((80, 36)) as screen:
        screen.door.answers["preview_goal"] = NotAllowed("this goal is refused: too dark")
        await screen.press("g", *"harm", "ctrl+s")

        assert "too dark" in screen.text
