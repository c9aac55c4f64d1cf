"""What people do with goals that were set aside for them to look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes import FakeToolbox, Loop, open_loop

from autoclave.domain.errors import InvalidInput
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.usage import Budget
from autoclave.service.goal_desk import GoalDesk


async def _parked(loop: Loop, code: str) -> str:
    goal = await loop.add("x")
    event = NewEvent(kind=EventKind.GOAL_PARKED, payload={"reason": "too many", "code": code})
    await loop.parts.ledger.post(f"goal/{goal}", event, actor="kernel")
    return goal


async def test_after_an_escalation_a_person_says_why_it_may_go_on(fast_tmp_path: Path) -> None:
    """Without a reason nothing is written down; with one, it is in the history."""
    loop = open_loop(fast_tmp_path, FakeToolbox())
    desk = GoalDesk(loop.parts, loop.board, budget=Budget())
    goal = await _parked(loop, "escalation")

    for reason, by in (("", "person:maria"), (" ", "person:maria"), ("fine", "agent")):
        with pytest.raises(InvalidInput, match="set aside for a person to look: too many"):
            await desk.resume(goal, reason=reason, by=by)
    await desk.resume(goal, reason="I looked", by="person:maria")

    last = (await loop.parts.ledger.events(f"goal/{goal}"))[-1]
    assert (last.kind, last.payload) == (EventKind.GOAL_RESUMED, {"reason": "I looked"})
    assert loop.board(("queued",))[0]["id"] == goal
    loop.close()


async def test_anything_else_goes_on_without_a_word(fast_tmp_path: Path) -> None:
    """A budget that was used up is no alarm."""
    loop = open_loop(fast_tmp_path, FakeToolbox())
    desk = GoalDesk(loop.parts, loop.board, budget=Budget())
    goal = await _parked(loop, "budget")

    await desk.resume(goal, by="person:maria")

    assert loop.board(("queued",))[0]["id"] == goal
    loop.close()
