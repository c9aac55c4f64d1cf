"""A page with things to choose from and, where there is room, the chosen one beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError
from .dialogs import Dialog
from .ink import Line
from .lines import Paper, Row, Rows
from .page import Page

if TYPE_CHECKING:
    from .link import Link


class Reader(Dialog[None]):
    """Something to read, over the page, where there is no room beside it."""


class ListPage(Page):
    """Reads its things again whenever something was written; the cursor stays where it is."""

    HEADING: ClassVar[str] = ""
    DETAIL: ClassVar[str] = "Chosen"
    EMPTY: ClassVar[str] = ""
    FOLLOWS: ClassVar[bool] = True
    """Whether what it shows changes with the journal."""

    _things: dict[str, JsonObject]
    _read_at = -1

    async def fetch(self) -> Sequence[JsonObject]:
        """Everything there is to list, in the order of the list."""
        raise NotImplementedError

    def key_of(self, thing: JsonObject) -> str:
        return str(thing["id"])

    def row_of(self, thing: JsonObject) -> tuple[Line, Line]:
        """What stands left and right."""
        raise NotImplementedError

    def detail_of(self, thing: JsonObject) -> list[Line]:
        raise NotImplementedError

    def content(self) -> ComposeResult:
        rows = Rows(id="rows", empty="Reading …")
        paper = Paper(id="detail")
        rows.border_title, paper.border_title = self.HEADING, self.DETAIL
        with Container(classes="columns"):
            yield rows.add_class("part", "main")
            yield paper.add_class("part", "side")

    def on_mount(self) -> None:
        self._things = {}
        self.rows.focus()
        super().on_mount()
        if not self.FOLLOWS:
            self.reload()

    @property
    def rows(self) -> Rows:
        return self.query_one("#rows", Rows)

    @property
    def chosen(self) -> JsonObject | None:
        """The thing under the cursor."""
        return self._things.get(self.rows.cursor) if self.is_mounted else None

    def update_page(self, link: Link) -> None:
        """Read again when the journal has grown; else only ages change."""
        if self.FOLLOWS and link.report is not None and link.report["events"] != self._read_at:
            self._read_at = link.report["events"]
            self.reload()
        else:
            self.draw()

    def reload(self) -> None:
        self.attempt(self._reload)

    def draw(self) -> None:
        if not self._things:
            return
        self.rows.show(
            [self._row(key, thing) for key, thing in self._things.items()], empty=self.EMPTY
        )
        self.draw_detail()

    def draw_detail(self) -> None:
        thing = self.chosen
        self.query_one("#detail", Paper).show(self.detail_of(thing) if thing else [])

    def on_rows_moved(self, event: Rows.Moved) -> None:
        self.draw_detail()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self.open(event.key)

    def open(self, key: str) -> None:
        """Enter: by default to read it whole."""
        self.read_over(key, self.detail_of(self._things[key]))

    def could_not_read(self, error: AutoclaveError) -> None:
        """Say so in the place of what there is not."""
        if not self._things:
            hint = f"\nNext: {error.hint}" if error.hint else ""
            self.rows.show([], empty=f"This cannot be read now: {error.message}{hint}")

    def read_over(self, title: str, lines: list[Line]) -> None:
        self.app.push_screen(Reader(title, lines))

    async def _reload(self) -> None:
        try:
            found = await self.fetch()
        except AutoclaveError as error:
            self.could_not_read(error)
            raise
        self._things = {self.key_of(thing): thing for thing in found}
        self.rows.show([self._row(k, t) for k, t in self._things.items()], empty=self.EMPTY)
        self.draw_detail()

    def _row(self, key: str, thing: JsonObject) -> Row:
        left, right = self.row_of(thing)
        return Row(key=key, left=left, right=right)
