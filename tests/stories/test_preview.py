"""A goal that is shown back: the real mind reads it, and nothing is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoclave.domain.errors import NotFound
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec

pytestmark = pytest.mark.slow


async def test_a_goal_is_read_as_it_would_be_run(control: Control, tmp_path: Path) -> None:
    """Reading, done-test, first steps and the most that it may cost."""
    before = await control.history(0, 1000)
    spec = GoalSpec(text="list the files", workspace=tmp_path, budget_usd=0.5)

    found = await control.preview_goal(spec)

    assert [step["capability"] for step in found["steps"]] == ["list_files"]
    assert (found["is_checked"], found["budget"]["usd"], found["refused"]) == (False, 0.5, "")
    known = {event["id"] for event in before}
    new = [event for event in await control.history(0, 1000) if event["id"] not in known]
    assert [event["kind"] for event in new if event["stream"].startswith("goal/")] == []
    assert await control.goals() == []


async def test_a_goal_that_nothing_serves_is_refused_beforehand(control: Control) -> None:
    """Before anybody has waited for it."""
    found = await control.preview_goal(GoalSpec(text="cook a soup with beans", model="offline"))

    assert found["refused"]


async def test_a_wrong_workspace_is_said_at_the_preview(control: Control) -> None:
    """As it would be when the goal is added."""
    with pytest.raises(NotFound):
        await control.preview_goal(GoalSpec(text="x", workspace=Path("/no/such/folder")))
