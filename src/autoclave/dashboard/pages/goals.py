"""All goals, the open ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from ...domain.canonical import JsonObject
from ..ink import Line
from ..list_page import ListPage
from ..views import goal


class GoalsPage(ListPage):
    """Stable: by whether it is open, then by number."""

    NAME = "goals"
    HEADING = "Goals"
    EMPTY = "No goals. Press g to give one, such as: make the failing tests pass"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_chosen", "open", key_display="Enter"),
        Binding("g", "app.go('new_goal')", "new goal"),
        Binding("y", "copy", "copy", tooltip="copy its id"),
    ]

    async def fetch(self) -> Sequence[JsonObject]:
        found = await self.host.door.goals()
        return sorted(found, key=lambda each: (not goal.is_open(each), each["id"]))

    def row_of(self, thing: JsonObject) -> tuple[Line, Line]:
        return goal.goal_row(thing, self.host.glyphs, now=self.host.now())

    def detail_of(self, thing: JsonObject) -> list[Line]:
        return goal.row_detail(thing, now=self.host.now())

    def open(self, key: str) -> None:
        self.host.open_item("goal", key)

    def action_open_chosen(self) -> None:
        self.rows.action_choose()

    def action_copy(self) -> None:
        self.host.copy(self.rows.cursor)
