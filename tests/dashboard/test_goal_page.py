"""Answering and steering one goal: nothing is said by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.events import Paste

from autoclave.domain.approval import Sheet
from autoclave.domain.errors import Stale

See = Callable[..., Any]
DIGEST = "abcdef0123456789" * 4
GRACE = 1.0


@pytest.fixture
def asking(door: Any, goal: Callable[..., Any], question: Callable[..., Any]) -> Callable[..., Any]:
    """Lets G-0001 ask something."""

    def ask(**more: Any) -> None:
        asked = question(**more)
        door.answers["goal"] = goal(status="awaiting human", question=asked)

    ask()
    return ask


async def opened(screen: Any) -> None:
    screen.app.open_item("goal", "G-0001")
    await screen.settle()
    screen.clock.pass_by(GRACE)
    await screen.look()


async def test_a_yes_takes_another_key_after_a_grace(seen: See, asking: Any) -> None:
    """`A` opens, Enter does nothing, an early `y` does nothing, a later one says it."""
    async with seen() as screen:
        await opened(screen)
        await screen.press("A", "enter", "y")
        assert screen.door.was_asked("answer_goal") == []

        screen.clock.pass_by(GRACE)
        await screen.press("y")

        ((values, named),) = screen.door.was_asked("answer_goal")
        assert values == ("G-0001", True)
        assert named["digest"] == DIGEST
        assert "said yes to G-0001" in screen.text


async def test_keys_that_were_on_their_way_begin_the_grace_anew(seen: See, asking: Any) -> None:
    """So that a burst of keys, as a paste without brackets is one, never says yes."""
    async with seen() as screen:
        await opened(screen)
        await screen.press("A")
        for _ in range(4):
            screen.clock.pass_by(0.5)
            await screen.press("y")

        assert screen.door.was_asked("answer_goal") == []


@pytest.mark.slow
async def test_a_question_that_has_just_changed_takes_no_yes(
    seen: See, asking: Callable[..., Any]
) -> None:
    """The visible item gets its grace whenever it changes."""
    async with seen() as screen:
        await opened(screen)
        asking(digest="f" * 64, question="may it delete everything?")
        await screen.look(events=11)

        await screen.press("A")

        assert "has just changed" in screen.text
        assert len(screen.app.screen_stack) == 2


@pytest.mark.slow
async def test_what_is_high_takes_its_id_typed_and_pasting_it_does_not_count(
    seen: See, asking: Callable[..., Any]
) -> None:
    """And then an owner's signature under exactly what was on the screen."""
    asking(risk="R4", must_sign=True)
    async with seen() as screen:
        sheet = Sheet(
            subject="G-0001/R-1", digest=DIGEST, home="h", expires_at=2e9, owners={"key": "maria"}
        )
        screen.door.answers["goal_sheet"] = sheet
        await opened(screen)
        await screen.press("A")
        screen.clock.pass_by(GRACE)
        screen.app.screen.focused.post_message(Paste("G-0001"))
        await screen.press("ctrl+s")
        assert screen.door.was_asked("answer_goal") == []

        await screen.press(*"G-0001", "ctrl+s")

        ((_, named),) = screen.door.was_asked("answer_goal")
        assert named["signed"].subject == "G-0001/R-1"


@pytest.mark.slow
async def test_what_changed_before_it_was_signed_is_not_signed(
    seen: See, asking: Callable[..., Any]
) -> None:
    """The sheet has to be for the digest that was shown."""
    asking(risk="R4", must_sign=True)
    async with seen() as screen:
        other = Sheet(subject="G-0001/R-1", digest="e" * 64, home="h", expires_at=2e9, owners={})
        screen.door.answers["goal_sheet"] = other
        await opened(screen)
        await screen.press("A")
        screen.clock.pass_by(GRACE)
        await screen.press(*"G-0001", "ctrl+s")

        assert screen.door.was_asked("answer_goal") == []
        assert "asks something else now" in screen.text


@pytest.mark.slow
async def test_a_no_takes_a_reason(seen: See, asking: Any) -> None:
    """It is learned from, so it is never empty."""
    async with seen() as screen:
        await opened(screen)
        await screen.press("R", "ctrl+s")
        assert "say why first" in screen.text

        await screen.press(*"wrong file", "ctrl+s")

        ((values, named),) = screen.door.was_asked("answer_goal")
        assert (values[1], named["reason"]) == (False, "wrong file")


@pytest.mark.slow
async def test_only_what_can_be_done_is_offered(seen: See, asking: Any) -> None:
    """A goal that asks is answered, held or ended; one that runs has nothing to answer."""
    async with seen((120, 36)) as screen:
        await opened(screen)
        keys = screen.lines[-1]

    assert "A yes" in keys
    assert "T try again" not in keys


@pytest.mark.slow
async def test_an_expired_question_takes_no_yes(seen: See, asking: Callable[..., Any]) -> None:
    """Silence was a no."""
    asking(expires_at=0.0)
    async with seen() as screen:
        await opened(screen)
        await screen.press("A")

        assert "expired: silence was a no" in screen.text
        assert len(screen.app.screen_stack) == 2


@pytest.mark.slow
async def test_a_refusal_says_why_and_what_next(seen: See, asking: Any) -> None:
    """Two dashboards decide at once: the second is told."""
    async with seen((120, 36)) as screen:
        screen.door.answers["answer_goal"] = Stale("it was answered already", hint="look again")
        await opened(screen)
        await screen.press("R", *"no", "ctrl+s")

        assert "it was answered already. Next: look again" in screen.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "keys", "method"),
    [
        ("running", ("P", *"why", "ctrl+s"), "pause_goal"),
        ("paused", ("P", "ctrl+s"), "resume_goal"),
        ("parked", ("P", *"why", "ctrl+s"), "resume_goal"),
        ("running", ("C", *"why", "ctrl+s"), "cancel_goal"),
        ("running", ("B", *"0.5", "tab", *"50", "ctrl+s"), "add_budget"),
    ],
)
async def test_a_goal_is_steered(
    seen: See, goal: Callable[..., Any], status: str, keys: tuple[str, ...], method: str
) -> None:
    """Pause, resume, cancel, more budget; each is one call through the door."""
    async with seen() as screen:
        screen.door.answers["goal"] = goal(status=status)
        await opened(screen)
        await screen.press(*keys)

        assert len(screen.door.was_asked(method)) == 1


@pytest.mark.slow
async def test_a_failed_goal_is_tried_again(seen: See, goal: Callable[..., Any]) -> None:
    """With a key of its own, after the grace."""
    async with seen() as screen:
        screen.door.answers["goal"] = goal(status="failed")
        await opened(screen)
        await screen.press("T")
        screen.clock.pass_by(GRACE)
        await screen.press("y")

        assert len(screen.door.was_asked("retry_goal")) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("turns", "said"), [(0, "run_tests"), (1, "something was done"), (2, "+y = 3"), (3, "tokens")]
)
async def test_the_views_of_a_goal(seen: See, turns: int, said: str) -> None:
    """Plan, transcript, diff and spend."""
    async with seen() as screen:
        await opened(screen)
        await screen.press(*["right"] * turns)

        assert said in screen.text
