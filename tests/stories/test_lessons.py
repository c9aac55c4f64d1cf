"""Lessons out of patterns in a real home: real rules, journal and SDK, a model on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.servers.messages import MessagesServer
from tests.servers.script import Script
from tests.servers.turns import FOREVER, Expect, Reply, Turn

from autoclave.cli.render.knowledge import consolidated, pattern
from autoclave.cli.render.status import status
from autoclave.domain.errors import NotServed
from autoclave.domain.events import EventKind, NewEvent
from autoclave.service.control import Control
from autoclave.service.glance import glance
from autoclave.service.home import Home
from autoclave.service.lesson_desk import LessonWish

pytestmark = pytest.mark.slow

TOLD = "Run the tests before and after the edit."


async def live_through_goals(control: Control, count: int) -> None:
    """Goals that ended well, as the kernel writes them down."""
    steps = [{"name": "read", "capability": "read_file", "inputs": {}, "after": []}]
    plan = {"signature": "read", "source": "composed", "steps": steps}
    ended = {
        "success": "ok",
        "verified_by": "check",
        "reason": "",
        "text": "read notes.txt",
        "kind": "goal",
        "plan": plan,
        "actions": [{"step": "read", "capability": "read_file", "ok": True, "seconds": 0.2}],
        "failures": [],
        "seconds": 1.0,
        "spend": {},
        "context": {"workspace_kind": "text"},
        "lesson": "",
    }
    for _ in range(count):
        goal = await control._parts.ledger.new_id("G")
        added = NewEvent(kind=EventKind.GOAL_ADDED, payload={"text": "read notes.txt"})
        over = NewEvent(kind=EventKind.GOAL_ENDED, payload=ended)
        await control._parts.ledger.post(f"goal/{goal}", added, over, actor="kernel")


def in_place_of_claude(server: MessagesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


async def test_patterns_become_lessons_over_three_calls_of_the_command(
    home: Home, open_home: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent by one process, looked at by another, collected by a third; shown with who wrote it."""
    turn = Turn(
        expect=Expect(
            purpose="consolidate", system_contains="data", schema=True, anywhere="<data-"
        ),
        reply=Reply(structured={"lesson": TOLD}),
        repeat=FOREVER,
    )
    with MessagesServer(Script([turn], {"batches": {"polls": 2}})) as server:
        in_place_of_claude(server, monkeypatch)
        async with open_home(home) as control:
            await live_through_goals(control, 3)
            first = await control.consolidate_patterns(LessonWish())
        standing = glance(home)
        async with open_home(home) as control:
            second = await control.consolidate_patterns(LessonWish())
        async with open_home(home) as control:
            third = await control.consolidate_patterns(LessonWish())
            known = await control.patterns()
            recalled = control._parts.knowledge.recall("read notes.txt")
            said = [each["summary"] for each in await control.history(0, 1_000, "batch/")]
        sent = [each for each in server.requests if each.path.endswith("/batches")]

    assert [each["batches"][0]["state"] for each in (first, second, third)] == [
        "under way",
        "under way",
        "collected",
    ]
    assert len([each for each in sent if each.method == "POST"]) == 1
    [waiting] = standing["batches"]
    assert waiting["questions"] == len(known)
    assert f"B-0001: {len(known)} questions to claude-opus-5-5" in status(standing, color=False)
    assert glance(home)["batches"] == []
    assert glance(home)["spend_today_usd"] == pytest.approx(third["batches"][0]["spend_usd"])
    assert {each["lesson"]["text"] for each in known} == {TOLD}
    assert "written by claude-opus-5-5" in pattern(known[0])
    assert TOLD in consolidated(third)
    assert recalled["patterns"][0]["lesson"] == TOLD
    assert any(TOLD in each for each in said)
    server.check()


async def test_without_a_model_nothing_is_asked(control: Control) -> None:
    """It says what would help."""
    await live_through_goals(control, 3)

    with pytest.raises(NotServed) as raised:
        await control.consolidate_patterns(LessonWish())

    assert "ANTHROPIC_API_KEY" in raised.value.hint


async def test_a_home_without_patterns_has_nothing_to_ask(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And pays nothing."""
    with MessagesServer(()) as server:
        in_place_of_claude(server, monkeypatch)
        found = await control.consolidate_patterns(LessonWish())

    assert found == {"batches": [], "lessons": [], "note": "no pattern wants a lesson now"}
    assert server.requests == []
