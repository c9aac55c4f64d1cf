"""What happens, as it happens: filtered, held still, and told again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ...domain.canonical import JsonObject
from ..ink import Line, line
from ..lines import Row
from ..list_page import ListPage
from ..page import retitle
from ..views import activity

if TYPE_CHECKING:
    from ..link import Link

_FIRST = 300
_BATCH = 500
_MOST_KEPT = 5_000


class ActivityPage(ListPage):
    """The newest event is the last one; the cursor follows it only from the end of the list."""

    NAME = "activity"
    HEADING = "Activity"
    DETAIL = "Event"
    EMPTY = "Nothing has happened yet."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("space", "hold", "hold", key_display="Space", tooltip="hold still, go on"),
        Binding("r", "replay", "replay", tooltip="step through the run of the chosen event"),
        Binding("enter", "open_chosen", "whole", key_display="Enter"),
        Binding("y", "copy", "copy", tooltip="copy what the chosen event says"),
        Binding("escape", "unfilter", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._things = {}
        self._last = -1
        self._held = False
        self._words = ""

    def content(self) -> ComposeResult:
        field = Input(placeholder="only events with these words; Enter", id="filter")
        field.display = False
        yield field
        yield from super().content()

    async def fetch(self) -> list[JsonObject]:
        """What is new, behind what is known."""
        door, known = self.host.door, list(self._things.values())
        if self._last < 0:
            found = await door.history(-1, _FIRST)
        else:
            found, batch = [], await door.history(self._last, _BATCH)
            while batch:
                found += batch
                batch = await door.history(found[-1]["id"], _BATCH) if len(batch) == _BATCH else []
        if found:
            self._last = found[-1]["id"]
        return [*known, *found][-_MOST_KEPT:]

    def row_of(self, thing: JsonObject) -> tuple[Line, Line]:
        return activity.event_row(thing, self.host.glyphs)

    def detail_of(self, thing: JsonObject) -> list[Line]:
        return activity.event_lines(thing)

    def update_page(self, link: Link) -> None:
        if not self._held:
            super().update_page(link)

    def draw(self) -> None:
        rows = self.rows
        is_at_end = not rows.keys or rows.cursor == rows.keys[-1]
        fitting = [each for each in self._things.values() if activity.fits(each, self._words)]
        empty = "Nothing fits the filter." if self._things else self.EMPTY
        rows.show([self._row(self.key_of(each), each) for each in fitting], empty=empty)
        if is_at_end and rows.keys:
            rows.go_to(rows.keys[-1])
        retitle(rows, self._heading(len(fitting)))
        self.draw_detail()

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_unfilter(self) -> None:
        field = self.query_one("#filter", Input)
        if not field.display:
            self.app.run_worker(self.app.run_action("back"))
            return
        field.value, field.display = "", False
        self.rows.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._words = event.value
        self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.input.display = bool(event.value)
        self.rows.focus()

    def action_hold(self) -> None:
        self._held = not self._held
        self.rows.border_title = self._heading(len(self.rows.keys))
        if not self._held:
            self.show_link()

    def action_replay(self) -> None:
        from .replay import ReplayPage

        if self.chosen:
            self.app.push_screen(ReplayPage(self.chosen["stream"]))

    def action_open_chosen(self) -> None:
        self.rows.action_choose()

    def open(self, key: str) -> None:
        self.read_over(f"Event {key}", self.detail_of(self._things[key]))

    def action_copy(self) -> None:
        if self.chosen:
            self.host.copy(self.chosen["summary"] or self.chosen["kind"])

    async def _reload(self) -> None:
        found = await self.fetch()
        self._things = {self.key_of(each): each for each in found}
        self.draw()

    def _row(self, key: str, thing: JsonObject) -> Row:
        left, right = self.row_of(thing)
        return Row(key=key, left=left, right=right if self.size.width >= 120 else line())

    def _heading(self, shown: int) -> str:
        of = f"{shown} of {len(self._things)}" if self._words else f"{shown}"
        return f"Activity ({of}){', held still' if self._held else ''}"
