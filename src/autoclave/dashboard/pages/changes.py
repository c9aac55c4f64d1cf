"""Every change that the agent made to itself, or wants to; undo and redo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from ...domain.canonical import JsonObject
from ...domain.errors import NeedsPerson
from ..dialogs import Confirm
from ..ink import Line, diff_lines, line
from ..list_page import ListPage
from ..page import retitle
from ..views import changes

_MOST_LINES = 200


class ChangesPage(ListPage):
    """What waits first, then the newest."""

    NAME = "changes"
    HEADING = "Changes"
    DETAIL = "This change"
    EMPTY = "No proposals yet. One appears when a failure was seen on two goals or more."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_chosen", "open", key_display="Enter"),
        Binding("u", "undo", "undo", tooltip="take an applied change back"),
        Binding("U", "redo", "redo", tooltip="apply an undone change again"),
        Binding("y", "copy", "copy", tooltip="copy its id"),
    ]

    _lineage: Sequence[JsonObject] = ()

    async def fetch(self) -> Sequence[JsonObject]:
        found = await self.host.door.proposals()
        self._lineage = await self.host.door.lineage()
        retitle(self.rows, f"Changes: {changes.lineage_line(list(self._lineage))}")
        waiting = [each for each in found if each["status"] in changes.OPEN]
        rest = [each for each in found if each["status"] not in changes.OPEN]
        return [*waiting, *sorted(rest, key=lambda each: -each["created_at"])]

    def row_of(self, thing: JsonObject) -> tuple[Line, Line]:
        return changes.change_row(thing, self.host.glyphs, now=self.host.now())

    def detail_of(self, thing: JsonObject) -> list[Line]:
        return changes.change_lines(thing, list(self._lineage))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        wanted = {"undo": "applied", "redo": "undone"}.get(action)
        if wanted is None:
            return True
        chosen = self.chosen
        return chosen is not None and chosen["status"] == wanted and self.may_decide

    def open(self, key: str) -> None:
        thing = self._things[key]
        if thing["status"] in changes.OPEN:
            self.host.open_item("proposal", key)
        else:
            self.read_over(key, self.detail_of(thing))

    def action_open_chosen(self) -> None:
        self.rows.action_choose()

    def action_undo(self) -> None:
        if thing := self.chosen:
            door, me, name = self.host.door, self.host.me, thing["id"]
            self._ask(
                f"Undo {name}?",
                "It is taken back as a new commit; redo brings it again.",
                "undo",
                lambda: door.undo_proposal(name, by=me),
            )

    def action_redo(self) -> None:
        if thing := self.chosen:
            name = thing["id"]
            self._ask(
                f"Apply {name} again?",
                "It is applied again as a new commit, with an owner's signature.",
                "redo",
                lambda: self._redo(name),
                typed=name,
            )

    def action_copy(self) -> None:
        self.host.copy(self.rows.cursor)

    async def _redo(self, name: str) -> None:
        door = self.host.door
        signed = await self.host.sign(await door.redo_sheet(name))
        done = await door.redo_proposal(name, signed=signed, by=self.host.me)
        if waits := done.get("waits_for"):
            raise NeedsPerson(f"{name} waits for {waits}")

    def _ask(
        self,
        title: str,
        what: str,
        yes: str,
        do: Callable[[], Awaitable[object]],
        *,
        typed: str = "",
    ) -> None:
        """What it will do is shown first."""
        thing = self.chosen or {}
        lines = [line(what), line(""), *diff_lines(thing.get("diff", ""), most_lines=_MOST_LINES)]

        def send(said: bool | None) -> None:
            if said:
                self.host.write(do, f"{thing['id']}: {yes} is done")

        self.app.push_screen(Confirm(title, lines, yes=yes, typed=typed), send)
