"""The end of the journal, read from its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec
from autoclave.service.home import init_home
from autoclave.settings import Settings
from autoclave.wiring import open_control


@pytest.fixture
async def control(fast_tmp_path: Path) -> AsyncIterator[Control]:
    made = open_control(init_home(fast_tmp_path / "home").home, settings=Settings())
    for number in range(6):
        await made.add_goal(GoalSpec(text=f"show {number}.txt"), by="person:test")
    yield made
    await made.aclose()


@pytest.mark.parametrize("stream", ["", "goal/G-0001", "goal/", "nothing/"])
async def test_the_newest_events_are_the_last_ones_of_all(control: Control, stream: str) -> None:
    """Of everything or of some streams, however far back they lie."""
    every = await control.history(0, 1000, stream)

    for limit in (1, 2, 3, 1000):
        assert await control.history(-1, limit, stream) == every[-limit:]
