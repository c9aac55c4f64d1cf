"""What a goal would become, before anything of it is added."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autoclave.core.scripted_model import ScriptedModel
from autoclave.service.goals import GoalSpec
from autoclave.service.home import Home
from autoclave.settings import Settings
from autoclave.wiring import open_control

Project = Callable[[dict[str, str]], Path]


async def test_a_dry_run_shows_the_plan_and_adds_nothing(control: Any, project: Project) -> None:
    """The mind is asked as for a real run."""
    work = project({"a.py": "x = 1\n"})

    found = await control.preview_goal(GoalSpec(text="outline the project", workspace=work))

    assert [each["capability"] for each in found["steps"]] == ["inspect_python"]
    assert found["price"] == {"usd": 0.0, "first_call_at_most": 0.0, "goals_like_it": 0}
    assert await control.goals() == []


async def test_a_goal_that_needs_a_model_says_what_the_first_call_costs(home: Home) -> None:
    """And that nothing is known about the rest; no call is made."""
    model = ScriptedModel(usd=0.25)
    control = open_control(home, settings=Settings(), model=model)
    try:
        found = await control.preview_goal(GoalSpec(text="write a poem about the sea"))
    finally:
        await control.aclose()

    assert found["price"] == {"usd": None, "first_call_at_most": 0.25, "goals_like_it": 0}
    assert model.requests == []
