"""Patterns and lessons: what was learned, from what, and how well it works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from ...domain.canonical import JsonObject
from ..dialogs import AskText
from ..ink import Line, line
from ..list_page import ListPage
from ..views import knowledge


class KnowledgePage(ListPage):
    """The ones in force first."""

    NAME = "knowledge"
    HEADING = "Patterns"
    DETAIL = "What it says"
    EMPTY = knowledge.NOTHING
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "retire", "retire", tooltip="stop learning from it"),
        Binding("enter", "open_chosen", "open", key_display="Enter"),
        Binding("y", "copy", "copy", tooltip="copy its id"),
    ]

    async def fetch(self) -> Sequence[JsonObject]:
        found = await self.host.door.patterns()
        return sorted(found, key=lambda each: (each["state"] == "retired", each["id"]))

    def row_of(self, thing: JsonObject) -> tuple[Line, Line]:
        return knowledge.pattern_row(thing, self.host.glyphs)

    def detail_of(self, thing: JsonObject) -> list[Line]:
        return knowledge.pattern_lines(thing)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "retire":
            chosen = self.chosen
            return chosen is not None and chosen["state"] != "retired" and self.may_decide
        return True

    def action_retire(self) -> None:
        thing, door, me = self.chosen, self.host.door, self.host.me
        if thing is None:
            return

        def send(reason: str | None) -> None:
            if reason is not None:
                self.host.write(
                    lambda: door.retire_pattern(thing["id"], reason, by=me),
                    f"{thing['id']} is retired",
                )

        lines = [line(thing["description"]), line(("Nothing is learned from it any more.", "dim"))]
        self.app.push_screen(AskText("Retire this pattern?", lines, send="retire"), send)

    def action_open_chosen(self) -> None:
        self.rows.action_choose()

    def action_copy(self) -> None:
        self.host.copy(self.rows.cursor)
