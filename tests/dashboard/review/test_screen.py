"""The review as it is used: what each key does, and what no key and no accident can do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from autoclave.dashboard.review.asking import ApproveAsk, TextAsk, TypedOnly
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import Conflict, CredentialMissing, Stale, Unreachable

NARROW, WIDE = (80, 24), (120, 36)
pytestmark = pytest.mark.slow


def said(app: Any) -> str:
    return str(app.review.query_one("#review-said", Static).render())


def keys(app: Any) -> str:
    return str(app.review.query_one("#review-keys", Static).render())


def asked(app: Any) -> str:
    return "\n".join(str(each.render()) for each in app.screen.query(Static))


async def see_all(app: Any, pilot: Pilot[None]) -> None:
    """Look at the whole diff for as long as it takes."""
    app.review.pane = "diff"
    app.review._show_pane()
    await pilot.pause()
    for row in range(0, app.review.diff.count(), 5):
        app.review.diff.go_to(row, top=True)
        await pilot.pause()
        for _ in range(3):
            app.review.tick()


async def confirm(pilot: Pilot[None], clock: Any, proposal: str = "P-0014") -> None:
    """Everything that a yes takes, in good time."""
    clock.pass_()
    await pilot.press("a")
    clock.pass_()
    if pilot.app.screen.query(TypedOnly):
        await pilot.press(*proposal.replace("-", "_").replace("_", "-"))
        clock.pass_()
    await pilot.press("y")


async def settle(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete(
        [each for each in pilot.app.workers if each.group == "decide"]
    )
    await pilot.pause()


async def test_it_is_shown_to_a_person_and_that_is_written_down(desk: Any) -> None:
    """Once, when it is opened."""
    app, door = desk()
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()

        assert door.done == [("show", "P-0014", "person:maria", "person")]
        assert "2 files, 3 hunks, +6 -2; nothing hidden" in said(app)
        assert "The case against" in app.review.evidence.text


async def test_a_yes_is_counted_down_then_signed_and_sent(desk: Any, clock: Any) -> None:
    """What is signed is the digest on the screen; what came of it is said."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        await confirm(pilot, clock)
        await pilot.pause()
        assert door.decisions == []
        assert "u or Esc takes it back" in said(app)

        clock.pass_(6)
        app.review.tick()
        await settle(pilot)

        digest = app.review.given["digest"]
        assert door.decisions == [("approve", "P-0014", digest, "person:maria")]
        assert "applied as abcdef012345" in said(app)
        assert "a approve" not in keys(app)
        await pilot.press("escape")
    assert app.ended == ["applied"]


@pytest.mark.parametrize("key", ["u", "escape"])
async def test_a_yes_can_be_taken_back_while_it_counts_down(
    desk: Any, clock: Any, key: str
) -> None:
    """Nobody hears of it."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        await confirm(pilot, clock)

        await pilot.press(key)
        clock.pass_(60)
        app.review.tick()
        await settle(pilot)

        assert door.decisions == []
        assert app.ended == []


async def test_a_yes_that_waits_for_another_person_says_so(desk: Any, clock: Any) -> None:
    """With whom or until when."""
    app, door = desk()
    door.waits_for = "a second person, or maria again from 2026-11-21 10:00 UTC on"
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        await confirm(pilot, clock)
        clock.pass_(6)
        app.review.tick()
        await settle(pilot)

        assert "it waits for a second person" in said(app)


async def test_hunks_that_were_never_on_the_screen_take_a_step_of_their_own(
    desk: Any, clock: Any
) -> None:
    """And the key for that step is none of the others."""
    app, _ = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("a")
        clock.pass_()
        await pilot.press("y")
        assert "3 of 3 hunks were never wholly on the screen" in asked(app)

        clock.pass_()
        await pilot.press("w")
        assert "Type P-0014" in asked(app)


@pytest.mark.parametrize("key", ["enter", "a", "A", "space", "n", "ctrl+s", "ctrl+y"])
async def test_no_other_key_confirms(desk: Any, clock: Any, key: str, proposal: Any) -> None:
    """Not Enter, and not the key that opened it."""
    proposal["risk"] = "R2"
    app, _ = desk(proposal)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        clock.pass_()
        await pilot.press("a")
        for _ in range(3):
            clock.pass_()
            await pilot.press(key)

        assert isinstance(app.screen, ApproveAsk)
        assert not app.review.is_counting_down


async def test_a_key_that_is_held_down_confirms_nothing(
    desk: Any, clock: Any, proposal: Any
) -> None:
    """For as long as it is held."""
    proposal["risk"] = "R2"
    app, _ = desk(proposal)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        clock.pass_()
        await pilot.press("a")
        for _ in range(40):
            clock.pass_(0.05)
            await pilot.press("y")

        assert not app.review.is_counting_down
        clock.pass_()
        await pilot.press("y")
        assert app.review.is_counting_down


async def test_pasted_text_types_no_id(desk: Any, clock: Any) -> None:
    """It has to be typed."""
    from textual.events import Paste

    app, _ = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        clock.pass_()
        await pilot.press("a")
        field = app.screen.query_one(TypedOnly)
        field.post_message(Paste("P-0014"))
        await pilot.pause()

        assert app.screen.query_one(Input).value == ""


async def test_nothing_can_be_decided_in_the_first_moment(desk: Any, clock: Any) -> None:
    """Whoever presses a key then meant what was there before."""
    app, _ = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        for key in ("a", "r", "b"):
            clock.pass_(0.3)
            await pilot.press(key)

        assert app.screen is app.review
        assert "look first" in said(app)


async def test_clicks_decide_nothing(desk: Any, clock: Any) -> None:
    """Anywhere; they only move the cursor."""
    app, door = desk()
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        clock.pass_()
        for offset in ((5, 10), (100, 5), (3, 35), (10, 34), (3, 0)):
            await pilot.click(offset=offset)

        assert app.screen is app.review
        assert door.decisions == []


async def test_a_no_takes_a_reason(desk: Any, clock: Any) -> None:
    """Which is written down; Enter only begins another line."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("r")
        clock.pass_()
        await pilot.press("ctrl+s")
        assert "Say why first" in asked(app)
        await pilot.press(*"too", "enter", *"clever")
        clock.pass_()
        await pilot.press("ctrl+s")
        await settle(pilot)

        assert door.decisions == [("reject", "P-0014", "too\nclever", "person:maria")]


async def test_comments_quote_their_line_and_go_back_together(desk: Any, clock: Any) -> None:
    """Each line's, each unwanted hunk, and one to all of it."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("n", "down", "down", "down", "down", "down", "c")
        await pilot.press(*"why?", "ctrl+s")
        await pilot.press("n", "x")
        clock.pass_()
        await pilot.press("b")
        assert "“return ordered[rank - 1]”: why?" in asked(app)
        await pilot.press(*"smaller")
        clock.pass_()
        await pilot.press("ctrl+s")
        await settle(pilot)

        (_, _, comments, _) = door.decisions[0]
        assert comments == [
            "capabilities/describe_table/code.py:40: “return ordered[rank - 1]”: why?",
            "capabilities/describe_table/code.py:60: “@@ -60,4 +60,5 @@”: leave this hunk out",
            "smaller",
        ]


async def test_the_draft_of_what_goes_back_survives_closing(
    desk: Any, clock: Any, tmp_path: Any
) -> None:
    """The window, and the dashboard."""
    app, door = desk(memory=tmp_path / "review.json")
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("b", *"later", "escape")
        assert door.decisions == []
    again, _ = desk(memory=tmp_path / "review.json")
    async with again.run_test(size=NARROW) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("b")

        assert again.screen.query_one(TextArea).text == "later"


async def test_nothing_is_sent_back_without_a_word(desk: Any, clock: Any) -> None:
    """There has to be something to answer."""
    app, _ = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("b")
        clock.pass_()
        await pilot.press("ctrl+s")

        assert "Say what has to be otherwise" in asked(app)
        assert isinstance(app.screen, TextAsk)


async def test_a_comment_is_changed_and_taken_away_again(desk: Any, clock: Any) -> None:
    """With the same key on the same line."""
    app, _ = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("n", "c", *"one", "ctrl+s", "c", *"t", "ctrl+s")
        assert [each.text for each in app.review.notes.comments] == ["tone"]

        await pilot.press("c", *["delete"] * 4, "ctrl+s")
        assert app.review.notes.comments == []


async def test_later_hides_it_here_and_tells_nobody(desk: Any, clock: Any) -> None:
    """For some hours."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await pilot.press("d")
        memory = app.review._memory
        assert memory.is_deferred("P-0014", now=clock.now + 3_600)
        assert not memory.is_deferred("P-0014", now=clock.now + 24 * 3_600)
    assert (app.ended, door.decisions) == (["deferred"], [])


async def test_a_newer_version_never_takes_its_place(desk: Any, clock: Any) -> None:
    """It is announced; the yes is gone until the new one was opened."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        await confirm(pilot, clock)
        assert app.review.is_counting_down
        door.found["P-0014"] |= {
            "digest": "f" * 64,
            "diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        }

        await app.review.look()

        assert not app.review.is_counting_down
        assert len(app.review.diff.diff.files) == 2
        assert "a approve" not in keys(app)
        await pilot.press("o")
        await pilot.pause()
        assert len(app.review.diff.diff.files) == 1
        assert app.review.notes.seen == set()


async def test_somebody_else_was_faster(desk: Any, clock: Any) -> None:
    """It says who, and nothing can be decided any more."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        door.found["P-0014"] |= {"status": "rejected", "decided_by": "person:alex"}

        await app.review.look()
        clock.pass_()
        await pilot.press("a")

        assert app.screen is app.review
        assert "it is rejected" in said(app)


async def test_a_lost_link_takes_the_decisions_away(desk: Any, clock: Any) -> None:
    """And gives them back when somebody answers again."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        door.fails = Unreachable("nobody answers")
        await app.review.look()
        clock.pass_()
        await pilot.press("a")
        assert app.screen is app.review
        assert "r reject" not in keys(app)

        door.fails = None
        await app.review.look()
        assert "a approve" in keys(app)


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (
            Stale("the agent's body changed since P-0014 was measured", hint="improve"),
            "body changed",
        ),
        (CredentialMissing("this home has no owner yet", hint="owner create"), "no owner"),
    ],
)
async def test_what_can_not_be_signed_can_not_be_approved(
    desk: Any, clock: Any, error: Any, part: str
) -> None:
    """Why not and what to do stand on top of the evidence; a no is still possible."""
    app, door = desk()
    door.unsignable = error
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()

        assert part in app.review.evidence.text.splitlines()[0]
        assert "a approve" not in keys(app)
        assert "r reject" in keys(app)


async def test_a_yes_that_came_too_late_is_told(desk: Any, clock: Any) -> None:
    """What was found out when it was sent stands on the screen."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        await confirm(pilot, clock)
        door.unsignable = Conflict("P-0014 is rejected; that takes one that is waiting")
        clock.pass_(6)
        app.review.tick()
        await settle(pilot)

        assert door.decisions == []
        assert "P-0014 is rejected" in said(app)


async def test_a_digest_that_is_not_on_the_screen_is_never_signed(desk: Any, clock: Any) -> None:
    """Even if nobody has noticed yet that it changed."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        await confirm(pilot, clock)
        door.found["P-0014"]["digest"] = "e" * 64
        clock.pass_(6)
        app.review.tick()
        await settle(pilot)

        assert door.decisions == []
        assert "not what is on the screen" in said(app)


async def test_what_failed_its_gates_has_no_key_for_yes(
    desk: Any, clock: Any, proposal: JsonObject
) -> None:
    """It is absent, and the key says why."""
    proposal["gates"][0]["verdict"] = "fail"
    proposal["status"] = "failed"
    app, _ = desk(proposal)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("a")

        assert "a approve" not in keys(app)
        assert app.screen is app.review


async def test_leaving_while_it_counts_down_sends_nothing(desk: Any, clock: Any) -> None:
    """The first Esc takes the yes back, the second one leaves."""
    app, door = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        await see_all(app, pilot)
        await confirm(pilot, clock)
        await pilot.press("escape", "escape")
        clock.pass_(60)
        await pilot.pause()
    assert door.decisions == []
    assert app.ended == [None]


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18), (40, 12)])
async def test_every_size_shows_both_sides_and_the_keys_that_decide(
    desk: Any, clock: Any, size: tuple[int, int]
) -> None:
    """Beside each other where there is room, else one after the other."""
    app, _ = desk()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        shown = (app.review.diff.display, app.review.evidence.display)
        await pilot.press("tab")
        after = (app.review.diff.display, app.review.evidence.display)

        assert shown == ((True, True) if size[0] >= 110 else (False, True))
        assert after == ((True, True) if size[0] >= 110 else (True, False))
        assert re.match(r" a (approve|yes) +r (reject|no) +b (send )?back", keys(app))
        assert "? keys" in keys(app)


async def test_a_window_that_is_too_small_decides_nothing(desk: Any, clock: Any) -> None:
    """It asks for more room."""
    app, _ = desk()
    async with app.run_test(size=(39, 11)) as pilot:
        await pilot.pause()
        clock.pass_()
        await pilot.press("a")

        assert app.screen is app.review
        assert app.review.query_one("#review-small", Static).display
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "a approve" in keys(app)


async def test_looking_around(desk: Any, clock: Any) -> None:
    """Hunks, files, search, both looks; the cursor says where one is."""
    app, _ = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        diff = app.review.diff
        await pilot.press("n")
        assert diff.here().kind == "hunk"
        await pilot.press("right_square_bracket")
        assert diff.diff.files[diff.here().file].path.endswith("rounding.py")
        await pilot.press("slash", *"mean", "enter")
        line = diff.here().lines[0]
        assert "mean" in diff.diff.lines[line]
        await pilot.press("s")
        assert (diff.look, line in diff.here().lines) == ("split", True)
        await pilot.press("f", "down", "enter")
        assert diff.here().file == 1
        await pilot.press("question_mark")
        assert "never decide anything" in asked(app)


async def test_a_gate_opens_under_enter(desk: Any, clock: Any) -> None:
    """And nothing else happens."""
    app, _ = desk()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        lines = app.review.evidence.text.splitlines()
        row = next(n for n, line in enumerate(lines) if "capability tests" in line)
        app.review.evidence.go_to(row)
        clock.pass_()
        await pilot.press("enter")

        assert "passed: 4" in app.review.evidence.text
        assert app.screen is app.review


HOSTILE = (
    "--- a/x.py\n+++ b/x.py\n@@ -0,0 +1,7 @@\n"
    "+\x1b]52;c;aGk=\x07 \x1b[2J\x1b[31mred\n"
    "+a = 'admin\u202e\u2066 # \u2069'\n"
    "+zero\u200bwidth\u00a0space\n"
    "+раypal = 1\n"  # noqa: RUF001
    "+[bold red]no markup[/] [@click=app.quit()]here[/]\n"
    f"+{'y' * 1_000_000}\n"
    "+\tif True:\n"
)


@pytest.mark.parametrize("is_ascii", [False, True])
async def test_hostile_text_stays_text(
    desk: Any, clock: Any, proposal: JsonObject, is_ascii: bool
) -> None:
    """Nothing of it reaches the terminal raw, in no part of the screen."""
    evil = "\x1b[2J\u202e[@click=app.quit()]x[/]"
    proposal |= {
        "diff": HOSTILE,
        "title": evil,
        "reason": evil,
        "case_against": [evil],
        "ruling": evil,
    }
    proposal["gates"][0] |= {"name": evil, "summary": evil, "facts": {evil: evil}}
    app, _ = desk(proposal, is_ascii=is_ascii)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        clock.pass_()
        opened = said(app)
        await pilot.press("n", "a")
        svg = app.export_screenshot()
        await pilot.press("escape")
        drawn = [
            "".join(segment.text for segment in app.review.diff.render_line(y)) for y in range(12)
        ]

        for bad in ("\x1b", "\x07", "\u202e", "\u200b", "\u2066"):
            assert bad not in svg
            assert not any(bad in line for line in drawn)
        assert any("\\u202e" in line for line in drawn)
        assert any("[bold red]no markup[/]" in line for line in drawn)
        assert "hidden characters" in opened
        assert "1 line cut" in opened
        if is_ascii:
            assert all(line.isascii() for line in drawn)
