"""Saying yes to several harmless proposals: each is marked, and the first trouble ends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from ...domain.canonical import JsonObject
from ...domain.errors import AutoclaveError, Stale
from ...domain.text import show_line
from ...service.batch import BATCH_UP_TO, check_batch
from ..glyphs import ASCII, UNICODE
from .asking import ApproveAsk
from .deciding import COUNTDOWN_SECONDS, Quiet, batch_hindrance
from .door import Clock, Door, Sign
from .ink import Piece, Row, fit
from .memory import ReviewMemory
from .rows import RowsView
from .working import begin

MOST = 10
TICK_SECONDS = 0.25


class BatchRows(RowsView):
    """One row for each proposal that waits."""

    DEFAULT_CSS = "BatchRows { height: 1fr; background: $background; }"

    def __init__(self, *, id: str | None = None, is_ascii: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self.found: list[JsonObject] = []
        self.marked: set[str] = set()
        self.hindered: Mapping[str, str] = {}
        self._glyphs = ASCII if is_ascii else UNICODE

    def count(self) -> int:
        return len(self.found)

    def row(self, index: int, width: int) -> Row:
        given = self.found[index]
        name = str(given["id"])
        hindrance = self.hindered.get(name, "")
        mark = "[x]" if name in self.marked else "   " if hindrance else "[ ]"
        head = f"{mark} {name:<8} {given.get('lines', 0):>4} lines  "
        why = f"{hindrance}:  " if hindrance else ""
        return [
            Piece(fit(show_line(head), self._glyphs), "head" if mark == "[x]" else "plain"),
            Piece(fit(show_line(why), self._glyphs), "warn"),
            Piece(fit(show_line(str(given["title"])), self._glyphs), "dim" if why else "plain"),
        ]


class BatchScreen(Screen[int | None]):
    """Ends with how many were approved, or with None."""

    CSS_PATH = "review.tcss"
    AUTO_FOCUS = "BatchRows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark"),
        Binding("a,A", "approve", "approve what is marked"),
        Binding("u", "take_back", show=False),
        Binding("escape", "leave", "back"),
    ]

    def __init__(
        self,
        *,
        door: Door,
        sign: Sign,
        clock: Clock,
        by: str = "person:dashboard",
        memory: ReviewMemory | None = None,
        is_ascii: bool = False,
    ) -> None:
        super().__init__(classes="-ascii" if is_ascii else "")
        self._door, self._sign, self._clock, self._by = door, sign, clock, by
        self._memory = memory or ReviewMemory()
        self._is_ascii = is_ascii
        self._quiet = Quiet()
        self._due: float | None = None
        self._is_busy = True
        self.approved = 0

    def compose(self) -> ComposeResult:
        yield Static(Text(" Approve together: only what can be taken back"), id="review-head")
        yield BatchRows(id="batch", is_ascii=self._is_ascii)
        yield Static(id="review-said")
        keys = " Space mark  a approve what is marked  u take it back  Esc back"
        yield Static(Text(keys, no_wrap=True), id="review-keys")

    @property
    def rows(self) -> BatchRows:
        return self.query_one(BatchRows)

    def on_mount(self) -> None:
        self.set_interval(TICK_SECONDS, self.tick)
        begin(self, self.load, "look", alone=True)

    async def load(self) -> None:
        """What waits, once: newcomers are for the next time."""
        try:
            found = await self._door.proposals("waiting")
        except AutoclaveError as error:
            self.say(error.message, "bad")
            return
        now = self._clock()
        rows = self.rows
        rows.found = [p for p in found if not self._memory.is_deferred(p["id"], now=now)]
        rows.hindered = {
            p["id"]: batch_hindrance(p, now=now, up_to=BATCH_UP_TO) for p in rows.found
        }
        rows.changed()
        self._quiet.disturb(now)
        self._is_busy = False
        free = sum(not why for why in rows.hindered.values())
        self.say(f"{free} of {len(rows.found)} may go together; nothing is marked yet")

    def say(self, text: str, tone: str = "") -> None:
        said = self.query_one("#review-said", Static)
        said.update(Text(show_line(text)))
        said.set_classes(f"-{tone}" if tone else "")

    def tick(self) -> None:
        if self._due is None:
            return
        left = self._due - self._clock()
        if left > 0:
            marked = len(self.rows.marked)
            self.say(f"approving {marked} in {left:.0f} s; u or Esc takes it back")
            return
        self._due = None
        self._is_busy = True
        begin(self, self._send, "decide")

    def action_mark(self) -> None:
        rows = self.rows
        if self._is_busy or self._due is not None or not rows.found:
            return
        given = rows.found[rows.cursor]
        name = str(given["id"])
        if why := self._hindrance(given):
            self.say(f"{name} goes by itself: {why}", "bad")
            return
        rows.marked ^= {name}
        self._quiet.disturb(self._clock())
        rows.refresh()
        self.say(f"{len(rows.marked)} marked")

    def _hindrance(self, given: JsonObject) -> str:
        rows = self.rows
        if why := rows.hindered.get(given["id"], ""):
            return why
        if given["id"] in rows.marked:
            return ""
        if len(rows.marked) >= MOST:
            return f"at most {MOST} go together"
        taken = {file for each in self._marked() for file in each.get("files", ())}
        shared = sorted(taken & set(given.get("files", ())))
        return f"one that is marked changes {shared[0]} as well" if shared else ""

    def _marked(self) -> list[JsonObject]:
        return [each for each in self.rows.found if each["id"] in self.rows.marked]

    def action_approve(self) -> None:
        marked = self._marked()
        if self._is_busy or self._due is not None:
            return
        if not marked:
            self.say("mark some first, each with Space")
        elif not self._quiet.admits(self._clock()):
            self.say("a moment: this has just changed, look first")
        else:
            lines = [f"{show_line(each['id'])}  {show_line(each['title'])}" for each in marked]
            title = f"Approve these {len(marked)}?"
            ask = ApproveAsk(title, lines, clock=self._clock, is_ascii=self._is_ascii)
            self.app.push_screen(ask, self._begin_countdown)

    def _begin_countdown(self, is_yes: bool | None) -> None:
        self._quiet.disturb(self._clock())
        if is_yes:
            self._due = self._clock() + COUNTDOWN_SECONDS
            self.tick()
        else:
            self.say("nothing was approved")

    def action_take_back(self) -> None:
        if self._due is not None:
            self._due = None
            self._quiet.disturb(self._clock())
            self.say("taken back: nothing was sent")

    async def _send(self) -> None:
        """One after the other, each signed by itself as it was shown."""
        marked = self._marked()
        at = ""
        try:
            check_batch(marked)
            for given in marked:
                at = str(given["id"])
                await self._send_one(given)
                self.approved += 1
                self.rows.marked.discard(at)
                self._memory.forget(at)
        except AutoclaveError as error:
            self.say(f"{self.approved} approved, then {at} ended it: {error.message}", "bad")
        else:
            self.say(f"{self.approved} approved and applied", "good")
        self.rows.found = [each for each in self.rows.found if each not in marked[: self.approved]]
        self.rows.changed()
        self._is_busy = False

    async def _send_one(self, given: JsonObject) -> None:
        sheet = await self._door.proposal_sheet(given["id"])
        if sheet.digest != given["digest"]:
            raise Stale(f"{given['id']} is not what was on the screen")
        signed = await self._sign(sheet)
        done = await self._door.approve_proposal(given["id"], signed=signed, by=self._by)
        if done["status"] not in ("applied", "signed"):
            raise Stale(f"{given['id']} is {done['status']}: {done.get('decision_reason', '')}")

    def action_leave(self) -> None:
        if self._due is not None:
            self.action_take_back()
        elif not self._is_busy:
            self.dismiss(self.approved or None)
