"""A widget that draws only the rows that are looked at, and moves a cursor through all of them."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .ink import INKS, Ink, Row


class RowsView(ScrollView, can_focus=True):
    """Rows of pieces. What a row shows is asked for when it is drawn, and never before."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"ink--{ink}" for ink in INKS} | {
        "rows--here",
        "rows--away",
    }
    DEFAULT_CSS = """
    RowsView { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden;
      overflow-y: scroll;
      scrollbar-color: $secondary; scrollbar-background: $background;
      scrollbar-color-hover: $secondary; scrollbar-background-hover: $background;
      & > .ink--dim { text-style: dim; }
      & > .ink--head { text-style: bold; color: $secondary; }
      & > .ink--file { text-style: bold; background: $panel; }
      & > .ink--cursor { color: $warning; text-style: bold; }
      & > .ink--hunk { color: $secondary; text-style: bold; }
      & > .ink--added { color: $primary; }
      & > .ink--added-word { color: $primary; text-style: bold reverse; }
      & > .ink--removed { color: $error; }
      & > .ink--removed-word { color: $error; text-style: bold reverse; }
      & > .ink--hidden { color: $warning; text-style: bold reverse; }
      & > .ink--good { color: $success; }
      & > .ink--warn { color: $warning; }
      & > .ink--bad { color: $error; text-style: bold; }
      & > .rows--here { text-style: bold; background: $panel; }
      & > .rows--away { text-style: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("home", "move(-100000000)", show=False),
        Binding("end", "move(100000000)", show=False),
        Binding("left", "slide(-8)", show=False),
        Binding("right", "slide(8)", show=False),
    ]

    class Moved(Message):
        """Another row is under the cursor, or other rows are on the screen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.cursor = 0
        self.cursor_sign = ">"
        self.drawn = 0
        """How many rows were made so far; only those on the screen ever are."""
        self._slid = 0

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, index: int, width: int) -> Row:
        """One of them."""
        raise NotImplementedError

    def changed(self) -> None:
        """The rows are others now."""
        self.virtual_size = Size(0, self.count())
        self.cursor = min(self.cursor, max(self.count() - 1, 0))
        self.refresh()

    @property
    def room(self) -> int:
        """Columns that a row has, beside the cursor's sign."""
        return max(self.scrollable_content_region.width - 1, 1)

    @property
    def shown(self) -> range:
        """The rows on the screen."""
        first = self.scroll_offset.y
        return range(first, min(first + self.size.height, self.count()))

    def go_to(self, row: int, *, top: bool = False) -> None:
        """Put the cursor on a row and the row on the screen."""
        self.cursor = min(max(row, 0), max(self.count() - 1, 0))
        if top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        else:
            self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, steps: int) -> None:
        self.go_to(self.cursor + steps)

    def action_page(self, pages: int) -> None:
        """A page less one row, so that one row is there before and after."""
        step = max(self.size.height - 1, 1) * pages
        self.scroll_to(y=max(self.scroll_offset.y + step, 0), animate=False, force=True)
        self.cursor = min(max(self.cursor + step, 0), max(self.count() - 1, 0))
        self.refresh()
        self.post_message(self.Moved())

    def action_slide(self, cells: int) -> None:
        self._slid = max(self._slid + cells, 0)
        self.refresh()

    def on_click(self, event: Click) -> None:
        self.go_to(event.y + self.scroll_offset.y)

    def render_line(self, y: int) -> Strip:
        index, width = y + self.scroll_offset.y, self.room
        base = self.rich_style
        if index >= self.count():
            return Strip.blank(width + 1, base)
        self.drawn += 1
        over = self._over(index)
        pieces = self.slid(self.row(index, width), self._slid)
        segments, left = [], width
        here = index == self.cursor and self.has_focus
        for text, ink in pieces:
            style = base + self._style(ink) if ink != "plain" else base
            if over is not None:
                style = style + over
            segments.append(Segment(text, style))
            left -= cell_len(text)
        if left < 0:
            segments = _cut(segments, width)
        sign = Segment(self.cursor_sign if here else " ", base + self._style("cursor"))
        return Strip([sign, *segments]).adjust_cell_length(width + 1, base + over if over else base)

    def slid(self, row: Row, cells: int) -> Row:
        """The row moved to the left by some cells."""
        return row

    def _over(self, index: int) -> Style | None:
        if index != self.cursor:
            return None
        name = "rows--here" if self.has_focus else "rows--away"
        return self.get_component_rich_style(name, partial=True)

    def _style(self, ink: Ink) -> Style:
        return self.get_component_rich_style(f"ink--{ink}", partial=True)


def _cut(segments: list[Segment], width: int) -> list[Segment]:
    """Cut at the edge, with a mark that there is more."""
    kept: list[Segment] = []
    room = width - 1
    for segment in segments:
        size = cell_len(segment.text)
        if size >= room:
            kept.append(Segment(set_cell_size(segment.text, room), segment.style))
            break
        kept.append(segment)
        room -= size
    return [*kept, Segment(">", segments[-1].style)]
