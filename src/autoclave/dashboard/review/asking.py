"""The small windows of a review. No key that was on its way decides anything in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from .deciding import Quiet
from .door import Clock

T = TypeVar("T")
CONFIRM, ANYWAY, SEND = "y", "w", "ctrl+s"


class TypedOnly(Input):
    """A field that has to be typed: what is pasted does not count."""

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()


class Asking(ModalScreen[T], Generic[T]):
    """A title, something to read, something to fill in, and what the keys do."""

    DEFAULT_CSS = """
    Asking { align: center middle; background: $background 60%; }
    Asking #ask { width: 78; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
      background: $surface; border: solid $primary; }
    Asking.-ascii #ask { border: ascii $primary; }
    Asking #ask-title { text-style: bold; height: auto; max-height: 3; }
    Asking #ask-scroll { height: auto; max-height: 14; }
    Asking #ask-text { height: auto; }
    Asking #ask-keys { height: auto; max-height: 2; color: $secondary; }
    Asking Input, Asking Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
    Asking TextArea, Asking TextArea:focus { border: none; height: 4; padding: 0 1;
      background: $panel; }
    Asking OptionList { border: none; height: auto; max-height: 14; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", priority=True)]

    def __init__(self, title: str, lines: Sequence[str], *, is_ascii: bool = False) -> None:
        super().__init__(classes="-ascii" if is_ascii else "")
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Static(Text(self._title), id="ask-title")
            if self._lines:
                with VerticalScroll(id="ask-scroll", can_focus=False):
                    yield Static(Text("\n".join(self._lines)), id="ask-text")
            yield from self.fields()
            yield Static(Text(self.keys_line()), id="ask-keys")

    def fields(self) -> ComposeResult:
        yield from ()

    def keys_line(self) -> str:
        return "Esc back"

    def tell(self, text: str) -> None:
        """What the keys do, or why one did nothing."""
        self.query_one("#ask-keys", Static).update(Text(text))

    def action_leave(self) -> None:
        self.dismiss(None)


class ApproveAsk(Asking[bool]):
    """Each step is a key of its own, and none is Enter or the key that opened this."""

    AUTO_FOCUS = ""

    def __init__(
        self,
        title: str,
        lines: Sequence[str],
        *,
        clock: Clock,
        unseen: str = "",
        typed: str = "",
        is_ascii: bool = False,
    ) -> None:
        super().__init__(title, lines, is_ascii=is_ascii)
        self._clock = clock
        self._quiet = Quiet()
        self._unseen, self._typed = unseen, typed
        steps = [("unseen", unseen), ("typed", typed), ("confirm", "always")]
        self._steps = [name for name, is_asked in steps if is_asked]

    def fields(self) -> ComposeResult:
        if self._typed:
            yield TypedOnly(id="ask-typed", placeholder=f"type {self._typed}", disabled=True)

    def keys_line(self) -> str:
        return {
            "unseen": f"{self._unseen}.  {ANYWAY} approve without having seen it   Esc back",
            "typed": f"Type {self._typed} (pasting does not count).   Esc back",
            "confirm": f"{CONFIRM} approve   Esc back",
        }[self._steps[0]]

    def on_mount(self) -> None:
        self._begin()

    def on_key(self, event: Key) -> None:
        if event.key == "escape":
            return
        wanted = {"unseen": ANYWAY, "confirm": CONFIRM}.get(self._steps[0])
        if wanted is None:
            return
        if not self._quiet.admits(self._clock()):
            self.tell(f"A moment: look first.  {self.keys_line()}")
        elif event.key != wanted:
            self.tell(self.keys_line())
        else:
            event.stop()
            self._next()

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._steps[0] == "typed" and event.value.strip() == self._typed:
            self._next()

    def _next(self) -> None:
        if self._steps == ["confirm"]:
            self.dismiss(True)
            return
        self._steps = self._steps[1:]
        self._begin()

    def _begin(self) -> None:
        """A step comes up: nothing that was pressed for the one before counts for it."""
        self._quiet.disturb(self._clock())
        self.tell(self.keys_line())
        for field in self.query(TypedOnly):
            field.disabled = self._steps[0] != "typed"
            if not field.disabled:
                field.focus()


class TextAsk(Asking[str | None]):
    """Some words, sent with a key of its own. Enter is a new line and nothing else.

    Without a clock it decides nothing, and there is no grace.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding(SEND, "send", "send", priority=True)]

    def __init__(
        self,
        title: str,
        lines: Sequence[str],
        *,
        clock: Clock | None,
        send: str,
        text: str = "",
        missing: str = "",
        is_ascii: bool = False,
    ) -> None:
        super().__init__(title, lines, is_ascii=is_ascii)
        self._clock, self._send, self._text, self._missing = clock, send, text, missing
        self._quiet = Quiet()
        self.draft = text

    def fields(self) -> ComposeResult:
        yield TextArea(self._text, id="ask-words", tab_behavior="focus")

    def keys_line(self) -> str:
        return f"^s {self._send}   Esc back"

    def on_mount(self) -> None:
        if self._clock is not None:
            self._quiet.disturb(self._clock())

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self.draft = event.text_area.text

    def action_send(self) -> None:
        text = self.query_one(TextArea).text.strip()
        if self._clock is not None and not self._quiet.admits(self._clock()):
            self.tell(f"A moment: look first.  {self.keys_line()}")
        elif self._missing and not text:
            self.tell(f"{self._missing}.  {self.keys_line()}")
        else:
            self.dismiss(text)


class LineAsk(Asking[str | None]):
    """One line that decides nothing, so Enter takes it: what to look for."""

    def __init__(self, title: str, *, text: str = "", is_ascii: bool = False) -> None:
        super().__init__(title, (), is_ascii=is_ascii)
        self._text = text

    def fields(self) -> ComposeResult:
        yield Input(self._text, id="ask-line")

    def keys_line(self) -> str:
        return "Enter find   Esc back"

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class PickAsk(Asking[int | None]):
    """One of several places to go to."""

    def __init__(self, title: str, choices: Sequence[str], *, is_ascii: bool = False) -> None:
        super().__init__(title, (), is_ascii=is_ascii)
        self._choices = choices

    def fields(self) -> ComposeResult:
        yield OptionList(*(Option(Text(each)) for each in self._choices), id="ask-pick")

    def keys_line(self) -> str:
        return "Enter go there   Esc back"

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)


class ReadAsk(Asking[None]):
    """Something to read, such as what the keys do."""
