"""A recorded run, step by step."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from ...domain.canonical import JsonObject
from ..lines import Bar, Paper, Row, Rows
from ..page import Page, retitle
from ..views import activity

_BATCH = 500
_LONGEST_GAP_SECONDS = 1.5


class ReplayPage(Page):
    """Read from the journal once; nothing is done again."""

    NAME = "replay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "play", key_display="Space", tooltip="play, or stand still"),
        Binding("n,right", "step(1)", "next", key_display="n"),
        Binding("N,left", "step(-1)", "before", key_display="N"),
        Binding("escape", "app.back", "back", key_display="Esc"),
    ]

    def __init__(self, stream: str) -> None:
        super().__init__()
        self._stream = stream
        self._events: list[JsonObject] = []
        self._plays = False

    def content(self) -> ComposeResult:
        yield Bar(id="replay-head")
        rows, paper = Rows(id="rows", empty="Reading …"), Paper(id="detail")
        retitle(rows, self._stream)
        paper.border_title = "Step"
        with Container(classes="columns"):
            yield rows.add_class("part", "main")
            yield paper.add_class("part", "side")

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        super().on_mount()
        self.attempt(self._read)

    def action_step(self, steps: int) -> None:
        self.query_one(Rows).action_move(steps)

    def action_play(self) -> None:
        self._plays = not self._plays
        if self._plays:
            self._play_on()
        self._draw()

    def on_rows_moved(self, event: Rows.Moved) -> None:
        self._draw()

    @property
    def _place(self) -> int:
        rows = self.query_one(Rows)
        return rows.keys.index(rows.cursor) if rows.cursor else 0

    async def _read(self) -> None:
        after = 0
        while True:
            found = await self.host.door.history(after, _BATCH, self._stream)
            self._events += [each for each in found if each["stream"] == self._stream]
            if len(found) < _BATCH:
                break
            after = found[-1]["id"]
        glyphs = self.host.glyphs
        self.query_one(Rows).show(
            [
                Row(key=str(each["id"]), left=activity.event_row(each, glyphs)[0])
                for each in self._events
            ],
            empty="Nothing is recorded of it.",
        )
        self._draw()

    def _play_on(self) -> None:
        """The next step after the time that it took, or a little less."""
        if not self._plays or not self.is_mounted:
            return
        if self._place + 1 >= len(self._events):
            self._plays = False
            self._draw()
            return
        here, there = self._events[self._place], self._events[self._place + 1]
        gap = min(max(there["at"] - here["at"], 0.15), _LONGEST_GAP_SECONDS)
        self.set_timer(gap, self._go_on)

    def _go_on(self) -> None:
        if self._plays and self.is_current:
            self.action_step(1)
            self._play_on()

    def _draw(self) -> None:
        place = self._place
        head = activity.replay_line(self._events, place, plays=self._plays)
        self.query_one("#replay-head", Bar).show(head)
        lines = activity.event_lines(self._events[place]) if self._events else []
        self.query_one("#detail", Paper).show(lines)
