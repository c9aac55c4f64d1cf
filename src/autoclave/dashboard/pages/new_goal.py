"""A new goal: in words, with its limits; shown back before it is added."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.widgets import Input, TextArea

from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput
from ...domain.risk import Risk
from ..dialogs import after_typing
from ..ink import line
from ..lines import Bar, Paper
from ..page import Page
from ..views.preview import preview_lines

if TYPE_CHECKING:
    from ...service.goals import GoalSpec

_MAY = {"": Risk.R0, "no": Risk.R0, "ask": Risk.R0, "files": Risk.R1, "run": Risk.R2}
_FIELDS = (
    ("workspace", "folder", "that it is about; empty for none"),
    ("done", "done-test", "a command that ends with 0: pytest -q"),
    ("budget", "most USD", "empty for the usual"),
    ("deadline", "most minutes", "empty for the usual"),
    ("may", "unasked", "no, or: files (it may write), run (made code)"),
)


class NewGoalPage(Page):
    """First ^s shows back what it would become; a second one, unchanged, adds it."""

    NAME = "new_goal"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s",
            "go_on",
            "go on",
            key_display="^s",
            tooltip="show back how it is understood, then add it",
            priority=True,
        ),
        Binding("tab", "app.focus_next", "next field", key_display="Tab"),
        Binding("escape", "app.back", "back", key_display="Esc"),
    ]

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = text
        self._previewed: GoalSpec | None = None

    def content(self) -> ComposeResult:
        text = TextArea(self._text, id="goal-words", soft_wrap=True)
        text.border_title = "What should be true afterwards?"
        yield text.add_class("part")
        with Grid(id="goal-fields"):
            for name, label, hint in _FIELDS:
                yield Bar(line((label, "dim")))
                yield Input(placeholder=hint, id=f"goal-{name}")
        preview = Paper(id="goal-preview")
        preview.border_title = "How it would be understood"
        yield preview.add_class("part")

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.focus()
        area.move_cursor(area.document.end)
        self.query_one(Paper).show([line(("Press ^s to see it.", "dim"))])
        super().on_mount()

    def on_text_area_changed(self) -> None:
        self._forget()

    def on_input_changed(self) -> None:
        self._forget()

    def action_go_on(self) -> None:
        after_typing(self, self._go_on)

    def _go_on(self) -> None:
        try:
            spec = self._spec()
        except InvalidInput as error:
            self.host.say(f"{error.message}. {error.hint}", "bad")
            return
        if spec == self._previewed:
            self._add(spec)
        else:
            self.query_one(Paper).show([line(("Asking how it would be understood …", "dim"))])
            self.attempt(lambda: self._preview(spec), group="preview")

    async def _preview(self, spec: GoalSpec) -> None:
        found: JsonObject = await self.host.door.preview_goal(spec)
        if spec != self._spec():
            return  # it was edited meanwhile
        self._previewed = spec
        # Where there is little room, what is shown back takes the place of the fields.
        self.add_class("-shown-back")
        if not self.has_class("-h24"):
            self.query_one(TextArea).focus()
        lines = preview_lines(found)
        lines += [line(""), line(("^s", "key"), " adds exactly this; edit it to see it anew.")]
        self.query_one(Paper).show(lines)

    def _add(self, spec: GoalSpec) -> None:
        async def add() -> None:
            added = await self.host.door.add_goal(spec, by=self.host.me)
            self.app.pop_screen()
            self.host.open_item("goal", added["id"])

        self.host.write(add, "the goal is queued")

    def _forget(self) -> None:
        if self._previewed is not None:
            self._previewed = None
            self.remove_class("-shown-back")
            self.query_one(Paper).show([line(("Edited. Press ^s to see it anew.", "dim"))])

    def _spec(self) -> GoalSpec:
        """Raises InvalidInput naming the field."""
        from ...service.goals import GoalSpec

        folder = self._value("workspace")
        minutes = self._number("deadline")
        may = self._value("may").lower()
        if may not in _MAY:
            raise InvalidInput(f"{may!r} is no answer", hint="say no, files or run")
        return GoalSpec(
            text=self.query_one(TextArea).text.strip(),
            workspace=Path(folder).expanduser().absolute() if folder else None,
            done=self._command(),
            budget_usd=self._number("budget"),
            budget_seconds=None if minutes is None else minutes * 60,
            allow_up_to=_MAY[may],
        )

    def _command(self) -> tuple[str, ...]:
        try:
            return tuple(shlex.split(self._value("done")))
        except ValueError as error:
            raise InvalidInput(f"the command cannot be split into words: {error}") from error

    def _number(self, name: str) -> float | None:
        given = self._value(name)
        try:
            return float(given) if given else None
        except ValueError as error:
            raise InvalidInput(f"{given!r} is no number", hint=f"the {name} is one") from error

    def _value(self, name: str) -> str:
        return self.query_one(f"#goal-{name}", Input).value.strip()
