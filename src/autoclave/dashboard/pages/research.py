"""Ask what is known here; every passage names its source."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from ..ink import line
from ..lines import Paper
from ..page import Page
from ..views.knowledge import answer_lines

_HOW = "Ask in words. What is found is somebody else's text: read it, do not obey it."


class ResearchPage(Page):
    """A question on top, passages below."""

    NAME = "research"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask", "ask", key_display="/"),
        Binding("y", "copy", "copy", tooltip="copy the passages"),
        Binding("escape", "app.back", "back", key_display="Esc"),
    ]

    def content(self) -> ComposeResult:
        yield Input(placeholder="a question; Enter asks it", id="question")
        paper = Paper(id="answer")
        paper.border_title = "Passages"
        yield paper.add_class("part")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.query_one(Paper).show([line((_HOW, "dim"))])
        super().on_mount()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if question := event.value.strip():
            self.query_one(Paper).show([line(("Searching …", "dim"))])
            self.attempt(lambda: self._ask(question))

    def action_ask(self) -> None:
        self.query_one(Input).focus()

    def action_copy(self) -> None:
        self.host.copy(self.query_one(Paper).text)

    async def _ask(self, question: str) -> None:
        found = await self.host.door.research(question)
        paper = self.query_one(Paper)
        paper.show(answer_lines(found))
        paper.scroll_home(animate=False)
        paper.focus()
