"""The frame of every page: a line of state on top, keys at the bottom, a body between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Resize, ScreenResume
from textual.screen import Screen
from textual.widget import Widget

from ..domain.errors import AutoclaveError
from ..domain.text import show_line
from .ink import Line, Tone, line, width
from .lines import Bar
from .standing import bar, standing

if TYPE_CHECKING:
    from .host import Host
    from .link import Link

T = TypeVar("T")
LEAST = (40, 12)
"""Columns and rows; below that only the state is shown and nothing can be decided."""
_STEPS = ((60, "-w60"), (80, "-w80"), (120, "-w120"))
_HEIGHTS = ((18, "-h18"), (24, "-h24"), (36, "-h36"))
_SAID_SECONDS = 8.0
_ALWAYS = (("?", "help"), ("^p", "commands"))


class Page(Screen[None]):
    """One of the places that the number keys lead to, or one above them."""

    NAME: ClassVar[str] = ""
    """In the palette and in the help."""
    BINDINGS: ClassVar[list[BindingType]] = []

    _said_until = 0.0

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        yield Bar(id="state")
        with Container(id="body"):
            yield from self.content()
        yield Bar(id="too-small")
        yield Bar(id="said")
        yield Bar(id="keys")

    def content(self) -> ComposeResult:
        """The widgets between the bars."""
        yield from ()

    def update_page(self, link: Link) -> None:
        """Show what was read; called once a second and when the page comes up."""

    def on_mount(self) -> None:
        self.show_link()

    def on_screen_resume(self, event: ScreenResume) -> None:
        self.show_link()

    def on_resize(self, event: Resize) -> None:
        for least, name in _STEPS:
            self.set_class(event.size.width >= least, name)
        for least, name in _HEIGHTS:
            self.set_class(event.size.height >= least, name)
        self.set_class(self.is_too_small, "-too-small")
        self.call_after_refresh(self.show_link)

    @property
    def is_too_small(self) -> bool:
        return self.size.width < LEAST[0] or self.size.height < LEAST[1]

    @property
    def may_decide(self) -> bool:
        """Whether what is on the screen is how it is, and can be read."""
        return not self.is_too_small and self.host.link.is_live(self.host.now())

    def show_link(self) -> None:
        """Draw the state, the keys and the body anew from what was read last."""
        if not self.is_mounted or not self.query("#state"):
            return
        host = self.host
        if host.now() > self._said_until:
            self.say("")
        given = bar(host.link, host.glyphs, now=host.now(), cells=self.size.width)
        self.query_one("#state", Bar).show(given)
        self.query_one("#too-small", Bar).show(
            line((f" enlarge the window to {LEAST[0]} by {LEAST[1]}", "warn"))
        )
        self.query_one("#keys", Bar).show(self.key_line(self.size.width))
        self.update_page(host.link)

    def say(self, text: str, tone: Tone = "") -> None:
        if not self.query("#said"):
            self.call_after_refresh(self.say, text, tone)
            return
        self._said_until = self.host.now() + _SAID_SECONDS if text else 0.0
        said = self.query_one("#said", Bar)
        said.show(line((f" {text}", tone)))
        said.display = bool(text)

    def key_line(self, cells: int) -> Line:
        """What the keys do here: decisions first, the way to help always."""
        tail = _hints(_ALWAYS)
        shown: Line = line(" ")
        for pair in self.hints():
            more = _hints([pair])
            if width(shown) + width(more) + width(tail) > cells:
                break
            shown += more
        return shown + tail

    def hints(self) -> Iterator[tuple[str, str]]:
        """Key and word of everything that can be done here now."""
        for binding in self.shown_bindings():
            if self.check_action(binding.action.partition("(")[0], ()) is not False:
                yield binding.key_display or binding.key, binding.description

    def shown_bindings(self) -> list[Binding]:
        return [each for each in self.BINDINGS if isinstance(each, Binding) and each.show]

    def attempt(self, work: Callable[[], Awaitable[None]], *, group: str = "read") -> None:
        """Read something in a worker; a newer reading of the same group replaces it."""
        self.run_worker(self._attempt(work), group=group, exclusive=True)

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except AutoclaveError as error:
            self.host.say(f"{error.message}{f'; {error.hint}' if error.hint else ''}", "bad")

    def sentence(self) -> Line:
        """What has to be known before everything else; empty when all is well."""
        stands = standing(self.host.link, self.host.glyphs, now=self.host.now())
        return line((stands.sentence, stands.tone)) if stands.sentence else ()


def retitle(widget: Widget, title: str) -> None:
    """Another title, of any text; the same one is not drawn again."""
    # A string would be read as markup.
    given = Content(show_line(title))
    if widget.border_title != given.markup:
        widget.border_title = given


def _hints(pairs: object) -> Line:
    parts: Line = ()
    for key, word in cast("list[tuple[str, str]]", pairs):
        parts += line((key, "key"), f" {word}  ")
    return parts
