"""Widgets that show lines: one, many to read, many to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from .ink import Line, beside, clip, line, plain, wrap

TONES = ("good", "bad", "warn", "dim", "strong", "key", "added", "removed", "accent")


def to_strip(given: Line, widget: Widget, cells: int, *, over: Style | None = None) -> Strip:
    """The line as the screen takes it, exactly `cells` wide."""
    base = widget.rich_style
    segments = []
    for span in given:
        style = base
        if span.tone:
            style += widget.get_component_rich_style(f"tone--{span.tone}", partial=True)
        segments.append(Segment(span.text, style + over if over else style))
    return Strip(segments).adjust_cell_length(cells, base + over if over else base)


class Bar(Widget):
    """One line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{tone}" for tone in TONES}
    can_focus = False

    def __init__(self, given: Line = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._line = given

    @property
    def text(self) -> str:
        return plain([self._line])

    def show(self, given: Line) -> None:
        """Draw another line; the same one costs nothing."""
        if given != self._line:
            self._line = given
            self.refresh()

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        return to_strip(clip(self._line, cells) if y == 0 else (), self, cells)


class Paper(ScrollView):
    """Text to read: wrapped at the width there is, drawn only where it is looked at."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", show=False),
        Binding("k,up", "scroll_up", show=False),
        Binding("home", "scroll_home", show=False),
        Binding("end", "scroll_end", show=False),
    ]
    can_focus = True

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002
        wraps: bool = True,
        most: int = 0,
    ) -> None:
        """With `most` it is as high as its text, up to that; else it fills the space there is."""
        super().__init__(id=id)
        self._most = most
        self._given: tuple[Line, ...] = ()
        self._lines: list[Line] = []
        self._wraps = wraps

    @property
    def text(self) -> str:
        return plain(self._given)

    def show(self, given: Iterable[Line]) -> None:
        """Other text; the place where somebody reads stays when there is as much of it."""
        lines = tuple(given)
        if lines != self._given:
            self._given = lines
            self._lay_out()

    def on_resize(self, event: Resize) -> None:
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        cells = self.scrollable_content_region.width
        found = self._lines[place] if place < len(self._lines) else ()
        return to_strip(clip(found, cells), self, cells)

    def _lay_out(self) -> None:
        cells = max(self.scrollable_content_region.width, 1)
        if self._wraps:
            self._lines = [part for each in self._given for part in wrap(each, cells)]
        else:
            self._lines = list(self._given)
        self.virtual_size = Size(0, len(self._lines))
        if self._most:
            self.styles.height = min(len(self._lines), self._most) + self.gutter.height
        self.refresh()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to choose."""

    key: str
    left: Line
    right: Line = ()


class Rows(ScrollView):
    """Things to choose from. The cursor stays on its thing, wherever that moves to."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--cursor",
        "rows--away",
        *(f"tone--{tone}" for tone in TONES),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
        Binding("enter", "choose", "open"),
    ]
    can_focus = True

    class Chosen(Message):
        """Enter, or a click on what was chosen already."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            return self.rows

    class Moved(Message):
        """Another thing is under the cursor."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            return self.rows

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._cursor = ""
        self._empty = empty

    @property
    def cursor(self) -> str:
        """The key of the thing under the cursor; empty when there is none."""
        return self._cursor

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(row.key for row in self._rows)

    @property
    def text(self) -> str:
        if not self._rows:
            return self._empty
        return "\n".join(plain([row.left + line("  ") + row.right]) for row in self._rows)

    def show(self, rows: Sequence[Row], *, empty: str | None = None) -> None:
        """Other rows. Without its thing the cursor goes to what took its place."""
        before, place = self._rows, self._place
        if empty is not None and empty != self._empty:
            self._empty = empty
            self.refresh()
        if (given := tuple(rows)) == before:
            return
        self._rows = given
        if self._cursor not in self.keys:
            place = min(max(place, 0), len(given) - 1)
            self._put(given[place].key if given else "")
        self.virtual_size = Size(0, max(len(given), 1))
        self._follow()
        self.refresh()

    def go_to(self, key: str) -> None:
        if key in self.keys and key != self._cursor:
            self._put(key)
            self._follow()
            self.refresh()

    def action_move(self, steps: int) -> None:
        if self._rows:
            place = min(max(self._place + steps, 0), len(self._rows) - 1)
            self.go_to(self._rows[place].key)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.size.height - 1, 1))

    def action_choose(self) -> None:
        if self._cursor:
            self.post_message(self.Chosen(self, self._cursor))

    def on_click(self, event: Click) -> None:
        inside = event.get_content_offset(self)
        place = inside.y + self.scroll_offset.y if inside else len(self._rows)
        if place >= len(self._rows):
            return
        if self._rows[place].key == self._cursor:
            self.action_choose()
        else:
            self.go_to(self._rows[place].key)

    def on_resize(self, event: Resize) -> None:
        self._follow()

    def render_line(self, y: int) -> Strip:
        place, cells = y + self.scroll_offset.y, self.scrollable_content_region.width
        if not self._rows:
            return to_strip(self._said_when_empty(place, cells), self, cells)
        if place >= len(self._rows):
            return to_strip((), self, cells)
        row = self._rows[place]
        drawn = beside(row.left, row.right, cells)
        if row.key != self._cursor:
            return to_strip(drawn, self, cells)
        name = "rows--cursor" if self.has_focus else "rows--away"
        return to_strip(drawn, self, cells, over=self.get_component_rich_style(name))

    @property
    def _place(self) -> int:
        return self.keys.index(self._cursor) if self._cursor in self.keys else -1

    def _said_when_empty(self, place: int, cells: int) -> Line:
        said = [
            part for text in self._empty.split("\n") for part in wrap(line((text, "dim")), cells)
        ]
        return said[place] if place < len(said) else ()

    def _put(self, key: str) -> None:
        self._cursor = key
        self.post_message(self.Moved(self, key))

    def _follow(self) -> None:
        if self._place >= 0:
            self.scroll_to_region(Region(0, self._place, 1, 1), animate=False, force=True)
