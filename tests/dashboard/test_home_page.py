"""The first page under somebody's hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoclave.dashboard.lines import Rows
from autoclave.domain.errors import Unreachable

See = Callable[..., Any]


async def test_the_first_page_says_how_it_stands(seen: See) -> None:
    """State, goal, what is under way, what waits: in one look."""
    async with seen((120, 36)) as screen:
        said = screen.text

    for each in ("RUNNING", "2 waiting (1 high)", "$0.84 of $5.00", "link ok", "■H P-0001"):
        assert each in said
    assert "make the failing tests pass" in said
    assert "run_tests: 3 passed" in said


async def test_the_cursor_stays_on_its_item_when_another_comes(
    seen: See, waiting: Callable[..., Any]
) -> None:
    """A newcomer queues at the end, the bell rings once, and Enter opens what was looked at."""
    async with seen() as screen:
        rung: list[int] = []
        screen.app.bell = lambda: rung.append(1)
        await screen.press("j")
        needs = [*screen.door.report["needs"], waiting("proposal", "P-0009", "new", risk="R4")]
        await screen.look(needs=needs)

        rows = screen.app.screen.query_one("#needs", Rows)
        assert rows.cursor == "question:G-0002"
        assert rows.keys[-1] == "proposal:P-0009"
        assert rung == [1]
        assert screen.app.title == "autoclave: 3 waiting"


@pytest.mark.slow
async def test_what_was_answered_elsewhere_stays_under_the_cursor_and_opens_nothing(
    seen: See,
) -> None:
    """The next item must not slide under Enter."""
    async with seen() as screen:
        await screen.look(needs=screen.door.report["needs"][1:])
        before = len(screen.app.screen_stack)
        await screen.press("enter")

        assert len(screen.app.screen_stack) == before
        assert "P-0001 no longer needs you" in screen.text


@pytest.mark.slow
async def test_no_link_says_so_and_takes_the_decisions_away(seen: See) -> None:
    """What was read last stays on the screen."""
    async with seen() as screen:
        screen.door.report = Unreachable("the agent's machine does not answer")
        screen.clock.pass_by(2)
        await screen.look()

        assert "NO LINK" in screen.lines[0]
        assert "P-0001" in screen.text
        assert "does not answer" in screen.text
        await screen.press("p")
        await screen.press("ctrl+s")
        assert screen.door.was_asked("pause_agent") == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [(39, 12), (40, 11)])
async def test_too_small_a_window_says_so(seen: See, size: tuple[int, int]) -> None:
    """One line of state, one of advice, nothing to decide."""
    async with seen(size) as screen:
        assert "RUNNING" in screen.lines[0]
        assert "enlarge the window to 40 by 12" in screen.text
        assert not screen.app.page.may_decide


@pytest.mark.slow
async def test_a_first_start_shows_the_way_in(seen: See, report: Callable[..., Any]) -> None:
    """Three sentences, and safe goals to choose from."""
    async with seen() as screen:
        empty: dict[str, Any] = {"goals": {}, "open_goals": [], "proposals": {}, "needs": []}
        screen.app._kept_pages.clear()
        await screen.look(**empty, running=None, process=None)

        assert "autoclave demo" in screen.text
        assert "list the files of the workspace" in screen.text
        assert "autoclave serve" in screen.text


@pytest.mark.slow
async def test_pausing_asks_why_and_enter_does_not_do_it(seen: See) -> None:
    """Ctrl+S sends; the page says that it was done."""
    async with seen() as screen:
        await screen.press("p", *"lunch", "enter")
        assert screen.door.was_asked("pause_agent") == []

        await screen.press("ctrl+s")

        assert screen.door.was_asked("pause_agent") == [(("lunch",), {"by": "person:maria"})]
        assert "the agent is paused" in screen.text


@pytest.mark.slow
async def test_the_palette_finds_by_words_and_says_why_not(seen: See) -> None:
    """What can't be done now is there with its reason."""
    async with seen() as screen:
        await screen.press("ctrl+p", *"agent")
        assert "it is not paused" in screen.text

        await screen.press("escape", "ctrl+p", *"open health", "enter")

        assert screen.app.page.NAME == "health"


@pytest.mark.slow
async def test_help_lists_the_keys_of_the_page(seen: See) -> None:
    """And those that work everywhere."""
    async with seen((120, 36)) as screen:
        await screen.press("2", "question_mark")

        assert "Keys of this page: goals" in screen.text
        assert "never answers a question" in screen.text


@pytest.mark.slow
async def test_the_bell_can_be_switched_off(seen: See, waiting: Callable[..., Any]) -> None:
    """A setting of the person, read when it first matters."""
    async with seen(rings=lambda: False) as screen:
        rung: list[int] = []
        screen.app.bell = lambda: rung.append(1)
        needs = [*screen.door.report["needs"], waiting("question", "G-0009", "new")]
        await screen.look(needs=needs)

        assert rung == []
        assert screen.app.title == "autoclave: 3 waiting"
