"""The dashboard: pages over one door, looked at once a second."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import WorkerFailed

from ..domain.approval import Approval, Sheet
from ..domain.errors import AutoclaveError, NotAllowed
from .glyphs import UNICODE, Glyphs
from .hangup import Hangup
from .ink import Tone
from .link import Link
from .page import Page
from .signature import Sign, TerminalNeeded, nobody_signs
from .themes import ALL

if TYPE_CHECKING:
    from .choosing import Command
    from .door import Door
    from .review.memory import ReviewMemory

LOOK_SECONDS = 1.0
PAGES: Mapping[str, tuple[str, str, str]] = {
    "home": ("1", "home", "HomePage"),
    "goals": ("2", "goals", "GoalsPage"),
    "activity": ("3", "activity", "ActivityPage"),
    "knowledge": ("4", "knowledge", "KnowledgePage"),
    "research": ("5", "research", "ResearchPage"),
    "changes": ("6", "changes", "ChangesPage"),
    "health": ("7", "health", "HealthPage"),
    "settings": ("8", "settings", "SettingsPage"),
    "new_goal": ("g", "new_goal", "NewGoalPage"),
}
"""By name: key, module and class."""


class Dashboard(App[int]):
    """The application. It looks through the door and never holds anything itself."""

    CSS_PATH = "dashboard.tcss"
    TITLE = "autoclave"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"go('{name}')", name, show=False) for name, (key, _, _) in PAGES.items()),
        Binding("question_mark", "help", "help", show=False),
        Binding("ctrl+p", "commands", "commands", show=False),
        Binding("p", "pause", "pause", show=False),
        Binding("L", "batch", "batch", show=False),
        Binding("q", "leave", "quit", show=False),
        Binding("ctrl+c", "leave", "quit", show=False, priority=True),
        Binding("escape", "back", "back", show=False),
        Binding("f6", "mouse", "mouse", show=False),
    ]

    def __init__(
        self,
        door: Door,
        *,
        me: str,
        sign: Sign = nobody_signs,
        sign_aside: Sign | None = None,
        glyphs: Glyphs = UNICODE,
        theme: str = "autoclave-dark",
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        rings: Callable[[], bool] = lambda: True,
        drafts: Path | None = None,
    ) -> None:
        super().__init__()
        self.door = door
        self.me = me
        self.glyphs = glyphs
        self.link = Link()
        self._sign = sign
        self._sign_aside = sign_aside
        self._clock = clock
        self._ticks = ticks
        self._rings = rings
        self._drafts = drafts
        self._memory: ReviewMemory | None = None
        self._known: frozenset[str] | None = None
        self._next_look = 0.0
        self._kept_pages: dict[str, Screen[object]] = {}
        self._mouse_is_free = False
        for each in ALL:
            self.register_theme(each)
        self.theme = theme
        self.set_class(glyphs.is_ascii, "-ascii")

    # What pages ask for

    def now(self) -> float:
        return self._clock()

    def ticks(self) -> float:
        return self._ticks()

    async def sign(self, sheet: Sheet) -> Approval:
        """An owner's signature; a passphrase is asked for at the terminal itself."""
        try:
            return await self._sign(sheet)
        except TerminalNeeded:
            if self._sign_aside is None:
                raise
        with self.suspend():
            return await self._sign_aside(sheet)

    def say(self, text: str, tone: Tone = "") -> None:
        if page := self.page:
            page.say(text, tone)

    def write(self, work: Callable[[], Awaitable[object]], done: str) -> None:
        page = self.page
        if page is not None and not page.may_decide:
            self.say("not now: what is shown may not be how it is", "warn")
            return
        self.run_worker(self._write(work, done), group="write")

    def open_item(self, kind: str, name: str) -> None:
        if kind == "proposal":
            self._open_proposal(name)
        elif kind == "example":
            from .pages.new_goal import NewGoalPage

            self.push_screen(NewGoalPage(name))
        else:
            from .pages.goal import GoalPage

            self.push_screen(GoalPage(name))

    def go(self, page: str) -> None:
        self.action_go(page)

    def copy(self, text: str) -> None:
        if text:
            self.copy_to_clipboard(text)
            self.say(f"copied {text}" if len(text) < 60 else f"copied {len(text)} characters")

    def look_now(self) -> None:
        self._next_look = 0.0
        self._look_when_due()

    @property
    def broken_by(self) -> Exception | None:
        """What ended it, when it was not a person."""
        broken = self._exception
        error = broken.error if isinstance(broken, WorkerFailed) else broken
        return error if isinstance(error, Exception) else broken

    @property
    def page(self) -> Page | None:
        """The page on top, below any dialog."""
        pages = [each for each in self.screen_stack if isinstance(each, Page)]
        return pages[-1] if pages else None

    # What the keys do

    def action_go(self, page: str) -> None:
        if self.page and page == self.page.NAME and len(self.screen_stack) <= 2:
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if page == "new_goal":
            self.push_screen(self._made(page))
        elif page != "home":
            self.push_screen(self._kept(page))

    async def action_back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def action_leave(self) -> None:
        self.exit(0)

    def action_help(self) -> None:
        from .choosing import Help
        from .views.help import help_lines

        if page := self.page:
            self.push_screen(Help(f"Keys of this page: {page.NAME}", help_lines(page)))

    def action_commands(self) -> None:
        from .choosing import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(self._commands()), self._do)

    def action_batch(self) -> None:
        """What is of the lowest tier, in one list."""
        from .review.batch import BatchScreen

        batch = BatchScreen(
            door=self.door,
            sign=self.sign,
            clock=self.now,
            by=self.me,
            memory=self._notes(),
            is_ascii=self.glyphs.is_ascii,
        )
        self.push_screen(batch, lambda _: self.look_now())

    def action_pause(self) -> None:
        from .pausing import pause_or_resume

        pause_or_resume(self, self.link)

    def action_mouse(self) -> None:
        """Give the mouse to the terminal, so that it can mark text, or take it back."""
        driver = self._driver
        if driver is None:
            return
        self._mouse_is_free = not self._mouse_is_free
        switch = "_disable_mouse_support" if self._mouse_is_free else "_enable_mouse_support"
        if hasattr(driver, switch):
            getattr(driver, switch)()
        self.say("the mouse is the terminal's" if self._mouse_is_free else "the mouse is back")

    # Looking

    def get_default_screen(self) -> Screen[object]:
        return self._kept("home")

    def on_mount(self) -> None:
        hangup = Hangup()
        self.set_interval(LOOK_SECONDS, hangup.follow)
        self.set_interval(LOOK_SECONDS, self._look_when_due)
        self.call_after_refresh(self.look_now)

    def _look_when_due(self) -> None:
        if self.now() >= self._next_look:
            # Failing looks come further and further apart.
            self._next_look = self.now() + self.link.wait_seconds * 0.9
            self.run_worker(self._look(), group="look", exclusive=self.link.tries > 2)
        elif page := self.page:
            page.show_link()

    async def _look(self) -> None:
        try:
            report = await self.door.overview()
        except AutoclaveError as error:
            self.link = self.link.failed(error, now=self.now())
            self._next_look = self.now() + self.link.wait_seconds * 0.9
        else:
            self.link = self.link.read(report, now=self.now())
            self._notice([f"{each['kind']}:{each['id']}" for each in report["needs"]])
        if page := self.page:
            page.show_link()

    def _notice(self, waiting: list[str]) -> None:
        """Ring and name the count in the title when something starts to need a person."""
        before, self._known = self._known, frozenset(waiting)
        if before == self._known:
            return
        self.title = f"autoclave: {len(waiting)} waiting" if waiting else "autoclave"
        self._write_title(self.title)
        if before is not None and self._known - before:
            self.run_worker(self._ring, thread=True, group="ring")

    def _ring(self) -> None:
        if self._rings():
            self.call_from_thread(self.bell)

    def _write_title(self, title: str) -> None:
        driver = self._driver
        if driver is not None and not self.is_headless:
            driver.write(f"\x1b]2;{title}\x07")

    # Doing

    async def _write(self, work: Callable[[], Awaitable[object]], done: str) -> None:
        try:
            await work()
        except AutoclaveError as error:
            hint = f" Next: {error.hint}" if error.hint else ""
            rules = f" ({', '.join(error.rules)})" if isinstance(error, NotAllowed) else ""
            self.say(f"{error.message}{rules}.{hint}", "bad")
        else:
            self.say(done, "good")
        self.look_now()

    def _open_proposal(self, name: str) -> None:
        from .review.screen import ReviewScreen

        review = ReviewScreen(
            name,
            door=self.door,
            sign=self.sign,
            clock=self.now,
            by=self.me,
            memory=self._notes(),
            is_ascii=self.glyphs.is_ascii,
        )
        self.push_screen(review, lambda said: self._reviewed(name, said))

    def _notes(self) -> ReviewMemory:
        """What was seen, marked and commented, kept over the ends of the dashboard."""
        from .review.memory import ReviewMemory

        if self._memory is None:
            self._memory = ReviewMemory(self._drafts)
        return self._memory

    def _reviewed(self, name: str, said: str | None) -> None:
        if said:
            self.say(f"{name} is {said}")
        self.look_now()

    def _do(self, command: Command | None) -> None:
        if command is not None:
            command.do()

    def _commands(self) -> list[Command]:
        from .commands import commands_of

        return commands_of(self)

    def _kept(self, page: str) -> Screen[object]:
        """The page itself, made once, so that it is found again as it was left."""
        if page not in self._kept_pages:
            self._kept_pages[page] = made = self._made(page)
            if page != "home":
                self.install_screen(made, page)
        return self._kept_pages[page]

    def _made(self, page: str) -> Screen[object]:
        _, module, name = PAGES[page]
        made: Screen[object] = getattr(import_module(f".pages.{module}", __package__), name)()
        return made

    def _fatal_error(self) -> None:
        """The edge of the process writes down what went wrong; here only the terminal is left."""
        self._close_messages_no_wait()
