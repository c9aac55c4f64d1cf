"""The command palette and the help: what can be done, found by words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from .dialogs import Dialog
from .ink import Line, line
from .lines import Row, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One verb first: `goal new`, `agent pause`."""

    words: str
    do: Callable[[], object]
    key: str = ""
    why_not: str = ""
    """Why it cannot be done now; empty when it can."""


def fitting(commands: Sequence[Command], words: str) -> list[Command]:
    """Those in which every word occurs; the ones that begin so stand first."""
    wanted = words.lower().split()
    found = [each for each in commands if all(word in each.words.lower() for word in wanted)]
    start = words.lower().strip()
    return sorted(found, key=lambda each: not each.words.lower().startswith(start))


class Palette(Dialog[Command | None]):
    """Type some of the words, choose with Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__("Commands")
        self._commands = list(commands)

    def fields(self) -> ComposeResult:
        yield Input(placeholder="what to do", id="wanted")
        yield Rows(id="found", empty="Nothing is called so.")

    def foot(self) -> Line:
        return line(("Enter", "key"), " do it   ", ("Esc", "key"), " back")

    def on_mount(self) -> None:
        super().on_mount()
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.query_one(Rows).action_choose()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        chosen = next(each for each in self._commands if each.words == event.key)
        if not chosen.why_not:
            self.dismiss(chosen)

    def action_move(self, steps: int) -> None:
        self.query_one(Rows).action_move(steps)

    def _show(self, words: str) -> None:
        self.query_one(Rows).show([_row(each) for each in fitting(self._commands, words)])


class Help(Dialog[None]):
    """The keys of the page below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "leave", show=False),
        Binding("q", "leave", show=False),
    ]


def _row(command: Command) -> Row:
    if command.why_not:
        left = line((command.words, "dim"), (f"  {command.why_not}", "warn"))
    else:
        left = line(command.words)
    return Row(key=command.words, left=left, right=line((command.key, "dim")))
