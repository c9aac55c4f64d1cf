"""The doctor, the day's limits, and incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from ...domain.canonical import JsonObject
from ...domain.errors import AutoclaveError
from ..ink import Line
from ..lines import Paper, Rows
from ..list_page import ListPage
from ..views import health

if TYPE_CHECKING:
    from ..link import Link


class HealthPage(ListPage):
    """Checked when the page is opened and when it is asked for: some checks take seconds."""

    NAME = "health"
    HEADING = "Doctor: checking …"
    FOLLOWS = False
    EMPTY = "Nothing was checked."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "check again"),
        Binding("enter", "open_chosen", "open", key_display="Enter"),
        Binding("i", "incidents", "incidents"),
        Binding("y", "copy", "copy", tooltip="copy the fix"),
    ]

    _incidents: Sequence[JsonObject] = ()

    def content(self) -> ComposeResult:
        rows, limits = Rows(id="rows", empty="Checking …"), Paper(id="limits", most=7)
        paper, incidents = Paper(id="detail"), Paper(id="incidents")
        rows.border_title, limits.border_title = self.HEADING, "Limits"
        paper.border_title, incidents.border_title = "This check", "Incidents"
        with Container(classes="columns"):
            yield rows.add_class("part", "main")
            with Vertical(classes="side"):
                yield limits.add_class("part")
                yield paper.add_class("part")
                yield incidents.add_class("part")

    async def fetch(self) -> Sequence[JsonObject]:
        self._incidents = await self.host.door.audit_incidents()
        self._show_incidents()
        found = await self.host.door.doctor()
        bad = sum(check["verdict"] in ("fail", "warn") for check in found["checks"])
        self.rows.border_title = f"Doctor: {bad} to look at" if bad else "Doctor: all is well"
        return health.worst_first(found["checks"])

    def key_of(self, thing: JsonObject) -> str:
        return str(thing["name"])

    def row_of(self, thing: JsonObject) -> tuple[Line, Line]:
        return health.check_row(thing, self.host.glyphs)

    def detail_of(self, thing: JsonObject) -> list[Line]:
        return health.check_lines(thing, self.host.glyphs)

    def update_page(self, link: Link) -> None:
        if link.report is not None:
            self.query_one("#limits", Paper).show(health.limit_lines(link.report))
        self.draw()

    def could_not_read(self, error: AutoclaveError) -> None:
        self.rows.border_title = "Doctor: could not check"
        super().could_not_read(error)

    def action_again(self) -> None:
        self.rows.border_title = "Doctor: checking …"
        self.reload()

    def action_incidents(self) -> None:
        self.read_over("Incidents", self._incident_lines())

    def action_open_chosen(self) -> None:
        self.rows.action_choose()

    def action_copy(self) -> None:
        if self.chosen:
            self.host.copy(self.chosen["fix"] or self.chosen["detail"])

    def _show_incidents(self) -> None:
        self.query_one("#incidents", Paper).show(self._incident_lines())

    def _incident_lines(self) -> list[Line]:
        return health.incident_lines(list(self._incidents), now=self.host.now())
