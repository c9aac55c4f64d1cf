"""However long the diff is, only what is on the screen is drawn."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult

from autoclave.dashboard.review.diff_view import DiffView
from autoclave.dashboard.review.memory import Notes

LINES = 50_000
LONG = "--- a/x.py\n+++ b/x.py\n@@ -0,0 +1,50000 @@\n" + "".join(
    f"+v{number} = {number}\n" for number in range(LINES)
)


class Page(App[None]):
    """Nothing but a diff."""

    def compose(self) -> ComposeResult:
        yield DiffView(id="diff")


async def test_fifty_thousand_lines_cost_a_few_screens_of_rows() -> None:
    """Opening, paging and going to the end draw the rows that are looked at and no others."""
    app = Page()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(DiffView)
        view.open_diff(LONG, Notes())
        await pilot.pause()
        opened = view.drawn
        view.focus()
        for key in ("pagedown", "pagedown", "pageup", "end", "home", "end"):
            await pilot.press(key)

        assert view.count() == LINES + 2
        assert 0 < opened <= 4 * 24
        assert view.drawn <= opened + 6 * 4 * 24
        assert view.cursor == view.count() - 1
        assert view.shown.stop == view.count()


async def test_what_is_on_the_screen_for_a_while_counts_as_seen(desk: Any) -> None:
    """A hunk counts when every line of it was there, and a key that rushes by shows nothing."""
    app = Page()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(DiffView)
        view.open_diff(LONG + "@@ -9,1 +9,1 @@\n-a\n+b\n", Notes())
        await pilot.pause()
        view.focus()

        for _ in range(4):
            view.tick()
        assert view.notes.seen == set()
        await pilot.press("end")
        view.tick()
        assert view.notes.seen == set()
        view.tick(), view.tick()

        assert view.notes.seen == {1}
