"""Every page at every size, in every state, and what its keys do."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from autoclave.dashboard.app import PAGES
from autoclave.dashboard.glyphs import ASCII
from autoclave.domain.errors import JournalBroken, NotServed

pytestmark = pytest.mark.slow

See = Callable[..., Any]
SIZES = [(120, 36), (80, 24), (60, 18), (40, 12)]
SAYS = {
    "home": "P-0001",
    "goals": "G-0001",
    "activity": "something",
    "knowledge": "the parser fails",
    "research": "Passages",
    "changes": "P-0001",
    "health": "disk",
    "settings": "model",
    "new_goal": "What should be true",
}
NOW = 1_790_000_000.0
PAUSE = {"code": "asked", "reason": "lunch", "by": "person:maria", "since": NOW - 60, "next": ""}
STATES: dict[str, dict[str, Any]] = {
    "NOT RUNNING": {"running": None},
    "PAUSED": {"pause": PAUSE},
    "ESCALATED": {"pause": PAUSE | {"code": "escalated"}},
    "OVER BUDGET": {"spend_today": {"usd": 9.0}},
    "SHORT": {"shortage": {"level": "hard", "reason": "memory"}},
    "IDLE": {"open_goals": [], "needs": [], "doing": []},
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", PAGES)
async def test_every_page_stands_at_every_size(seen: See, page: str, size: tuple[int, int]) -> None:
    """With its state above, its keys below and what it is about between."""
    async with seen(size) as screen:
        await screen.press(PAGES[page][0])
        said = screen.lines

    assert "RUNNING" in said[0]
    assert "? help" in said[-1]
    assert SAYS[page] in "\n".join(said[1:-1])
    assert {len(each) for each in said} == {size[0]}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("word", STATES)
async def test_every_state_is_said_at_every_size(
    seen: See, word: str, size: tuple[int, int]
) -> None:
    """In a word, never in a colour alone."""
    async with seen(size) as screen:
        await screen.look(**STATES[word])

        assert word in screen.lines[0]


@pytest.mark.parametrize("size", SIZES)
async def test_a_broken_journal_leaves_the_page_to_read(seen: See, size: tuple[int, int]) -> None:
    """Locked: the reason and the command that mends it."""
    async with seen(size) as screen:
        screen.door.report = JournalBroken("it does not verify", hint="autoclave doctor")
        await screen.look()

        assert "READ ONLY" in screen.lines[0]
        assert "autoclave doctor" in " ".join(screen.text.split())
        assert not screen.app.page.may_decide


async def test_stale_data_says_how_old_it_is(seen: See) -> None:
    """And decisions wait for the next look."""
    async with seen((120, 36)) as screen:
        screen.clock.pass_by(7)
        screen.app.page.show_link()
        await screen.pilot.pause()

        assert "data 7 s old" in screen.text
        assert not screen.app.page.may_decide


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_in_ascii(seen: See, page: str) -> None:
    """Not one character beyond it, whatever is drawn."""
    async with seen((80, 24), glyphs=ASCII) as screen:
        await screen.press(PAGES[page][0])
        odd = {each for each in screen.text if not each.isascii()}
        await screen.press("escape", "question_mark")
        odd |= {each for each in screen.text if not each.isascii()}

    assert odd <= {"…"}


@pytest.mark.parametrize("theme", ["autoclave-dark", "autoclave-light", "autoclave-ansi-dark"])
async def test_every_theme_draws_the_same_words(seen: See, theme: str) -> None:
    """Colour only ever says again what a word says."""
    async with seen((80, 24), theme=theme) as screen:
        assert "■H P-0001" in screen.text


async def test_no_colour_leaves_greys(seen: See, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is honoured; the layout reads in grey."""
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    async with seen((80, 24)) as screen:
        styles = [
            segment.style
            for strip in screen.app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.color and segment.style.color.triplet
        ]
        assert "■H P-0001" in screen.text

    assert styles
    assert all(max(s.color.triplet) - min(s.color.triplet) <= 1 for s in styles)


async def test_activity_is_filtered_held_and_told_again(seen: See) -> None:
    """`/`, Space and `r`."""
    async with seen((120, 36)) as screen:
        await screen.press("3", "slash", *"nothing like it", "enter")
        assert "Nothing fits the filter." in screen.text

        await screen.press("slash", "escape", "space")
        assert "held still" in screen.text

        await screen.press("space", "r")
        assert "step 1 of 10" in screen.text

        await screen.press("n", "n")
        assert "step 3 of 10" in screen.text


async def test_new_events_come_at_the_end(seen: See) -> None:
    """The cursor follows only from the end of the list."""
    async with seen((120, 36)) as screen:
        await screen.press("3")
        more = {**screen.door.answers["history"][-1], "id": 11, "summary": "the newest of all"}
        screen.door.answers["history"] = [*screen.door.answers["history"], more]
        await screen.look(events=11)
        assert screen.app.page.rows.cursor == "11"

        await screen.press("k")
        screen.door.answers["history"] = [*screen.door.answers["history"], more | {"id": 12}]
        await screen.look(events=12)

        assert screen.app.page.rows.cursor == "10"


async def test_a_pattern_is_retired_with_a_reason(seen: See) -> None:
    """Undone by nobody's accident: ^s, not Enter."""
    async with seen() as screen:
        await screen.press("4", "D", *"too old", "enter")
        assert screen.door.was_asked("retire_pattern") == []
        await screen.press("ctrl+s")

        assert screen.door.was_asked("retire_pattern") == [
            (("PT-1", "too old"), {"by": "person:maria"})
        ]


async def test_a_change_is_undone_after_it_was_shown_what_it_is(seen: See) -> None:
    """`u`, the diff, and `y` after the grace."""
    async with seen((120, 36)) as screen:
        await screen.press("6", "u")
        assert "+y = 3" in screen.text
        await screen.press("enter")
        screen.clock.pass_by(1)
        await screen.press("y")

        assert screen.door.was_asked("undo_proposal") == [(("P-0001",), {"by": "person:maria"})]


async def test_the_message_of_a_commit_is_only_text(seen: See) -> None:
    """In the title too: no markup, no link that acts, nothing that turns the line around."""
    message = "[/x] [@click=app.quit]y[/] \u202e"
    commit = {"commit": "c0ffee" * 6, "proposal": "P-0001", "message": message, "at": NOW}
    async with seen((200, 36)) as screen:
        screen.door.answers["lineage"] = [commit]
        await screen.press("6")

        assert "c0ffeec0ffee: [/x] [@click=app.quit]y[/] \\u202e" in screen.text
        assert "\u202e" not in screen.text


async def test_research_answers_with_sources(seen: See) -> None:
    """And says first whose text it is."""
    async with seen() as screen:
        await screen.press("5")
        assert "do not obey it" in screen.text

        await screen.press(*"what is it?", "enter")

        assert "docs/loop.md" in screen.text
        assert "An agent." in screen.text


async def test_settings_are_to_be_read(seen: See) -> None:
    """Values, origins, owners, and secrets by name alone."""
    async with seen((120, 36)) as screen:
        await screen.press("8")

        for each in ("model auto", "default", "owner maria", "secret token present"):
            assert each in screen.text


async def test_what_is_chosen_can_be_copied(seen: See) -> None:
    """By keyboard: the id."""
    async with seen() as screen:
        await screen.press("y")

        assert screen.app.clipboard == "P-0001"


async def test_a_click_chooses_and_never_opens(seen: See) -> None:
    """The second one on the same line does."""
    async with seen() as screen:
        rows = screen.app.screen.query_one("#needs")
        await screen.pilot.click("#needs", offset=(5, 2))
        await screen.settle()

        assert rows.cursor == "question:G-0002"
        assert len(screen.app.screen_stack) == 1


@pytest.mark.parametrize("page", ["goals", "knowledge", "changes", "health", "settings"])
async def test_what_cannot_be_read_says_why_in_its_place(seen: See, page: str) -> None:
    """Not only for the moment that a message stands at the bottom."""
    asked = {"goals": "goals", "knowledge": "patterns", "changes": "proposals"}
    asked |= {"health": "doctor", "settings": "settings"}
    async with seen() as screen:
        screen.door.answers[asked[page]] = NotServed("not over a URL", hint="go there")
        await screen.press(PAGES[page][0])

        assert "cannot be read now: not over a URL" in " ".join(screen.text.split())
