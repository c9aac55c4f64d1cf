"""Small windows that ask one thing. Enter never says yes, and no key that was on its way does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Paste
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from .ink import Line, line
from .lines import Bar, Paper, Rows

if TYPE_CHECKING:
    from .host import Host

T = TypeVar("T")
_MOST_ROWS = 60
GRACE_SECONDS = 0.8
"""How long nothing can be answered after what is answered came up or changed."""


def after_typing(screen: Screen[Any], do: Callable[[], object]) -> None:
    """Do it once the field has taken in every key that came before."""
    (screen.focused or screen).call_later(do)


class TypedOnly(Input):
    """A field that has to be typed: what is pasted does not count."""

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()


class Dialog(ModalScreen[T], Generic[T]):
    """A title, some lines, and what follows from the class."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back")]
    AUTO_FOCUS = ""

    def __init__(self, title: str, lines: Sequence[Line] = ()) -> None:
        super().__init__()
        self._title = title
        self._lines = list(lines)

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Bar(line((self._title, "strong")), id="dialog-title")
            if self._lines:
                yield Paper(id="dialog-text", most=_MOST_ROWS)
            yield from self.fields()
            yield Bar(self.foot(), id="dialog-keys")

    def fields(self) -> ComposeResult:
        yield from ()

    def foot(self) -> Line:
        return line(("Esc", "key"), " back")

    def on_mount(self) -> None:
        for paper in self.query("#dialog-text").results(Paper):
            paper.show(self._lines)
        for kind in (Input, Rows, Paper):
            if found := self.query(kind):
                found.first().focus()
                break

    def action_leave(self) -> None:
        self.dismiss(None)


class Confirm(Dialog[bool]):
    """Yes with `y`, and where much is at stake also by typing what it is for."""

    def __init__(self, title: str, lines: Sequence[Line], *, yes: str, typed: str = "") -> None:
        super().__init__(title, lines)
        self._yes = yes
        self._typed = typed
        self._since = math.inf

    def fields(self) -> ComposeResult:
        if self._typed:
            yield Bar(line(("type ", ""), (self._typed, "strong"), (" and press ^s", "")))
            yield TypedOnly(id="typed")

    def foot(self) -> Line:
        key = "^s" if self._typed else "y"
        return line((key, "key"), f" {self._yes}   ", ("Esc", "key"), " back")

    def on_mount(self) -> None:
        super().on_mount()
        self._since = self.host.ticks()

    def on_key(self, event: Key) -> None:
        """A key before the grace is over begins it anew: it was meant for something else."""
        wanted = "ctrl+s" if self._typed else "y"
        is_early = self.host.ticks() - self._since < GRACE_SECONDS
        if is_early and event.key != "escape":
            self._since = self.host.ticks()
        if event.key != wanted:
            return
        event.stop()
        if is_early:
            self._tell("a moment: look first, then press it")
        else:
            after_typing(self, self._answer)

    def _answer(self) -> None:
        if self._typed and self.query_one(TypedOnly).value.strip() != self._typed:
            self._tell(f"type {self._typed} first")
        else:
            self.dismiss(True)

    def _tell(self, text: str) -> None:
        self.query_one("#dialog-keys", Bar).show(line((text, "warn")))


class AskText(Dialog[str | None]):
    """A sentence, sent with ^s."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", "send", priority=True)]

    def __init__(
        self, title: str, lines: Sequence[Line] = (), *, send: str, needed: bool = True
    ) -> None:
        super().__init__(title, lines)
        self._send = send
        self._needed = needed

    def fields(self) -> ComposeResult:
        yield Input(placeholder="why" if self._needed else "why (may be empty)", id="text")

    def foot(self) -> Line:
        return line(("^s", "key"), f" {self._send}   ", ("Esc", "key"), " back")

    def action_send(self) -> None:
        after_typing(self, self._send_text)

    def _send_text(self) -> None:
        text = self.query_one(Input).value.strip()
        if self._needed and not text:
            self.query_one("#dialog-keys", Bar).show(line(("say why first", "warn")))
        else:
            self.dismiss(text)


class AskAmounts(Dialog[dict[str, float] | None]):
    """Numbers by name, sent with ^s."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", "send", priority=True)]

    def __init__(self, title: str, lines: Sequence[Line], *, names: dict[str, str]) -> None:
        super().__init__(title, lines)
        self._names = names

    def fields(self) -> ComposeResult:
        for name, label in self._names.items():
            yield Input(placeholder=label, id=f"amount-{name}", type="number")

    def foot(self) -> Line:
        return line(("^s", "key"), " add   ", ("Tab", "key"), " next   ", ("Esc", "key"), " back")

    def action_send(self) -> None:
        after_typing(self, self._send_amounts)

    def _send_amounts(self) -> None:
        try:
            given = {name: float(self._value(name)) for name in self._names if self._value(name)}
        except ValueError:
            self._tell("an amount is a number")
            return
        if not given or not all(0 < each < math.inf for each in given.values()):
            self._tell("give at least one number above 0")
            return
        self.dismiss(given)

    def _value(self, name: str) -> str:
        return self.query_one(f"#amount-{name}", Input).value.strip()

    def _tell(self, text: str) -> None:
        self.query_one("#dialog-keys", Bar).show(line((text, "warn")))
