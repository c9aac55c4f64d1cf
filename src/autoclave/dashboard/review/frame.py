"""The frame of a review: what is drawn where, and how it is read from the door."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Static

from ...domain.canonical import JsonObject
from ...domain.errors import AutoclaveError, Transient
from ...domain.text import show_line
from ..glyphs import ASCII, UNICODE
from . import words
from .deciding import OPEN, Quiet, Standing
from .diff_view import DiffView
from .door import Clock, Door, Sign
from .evidence import Seen
from .evidence_view import EvidenceView
from .ink import fit
from .memory import Notes, ReviewMemory
from .working import begin

TICK_SECONDS = 0.25
LOOK_SECONDS = 2.0
SHEET_EVERY = 5
"""Looks after which it is asked anew whether it could be signed."""
WIDE, LEAST = 110, (40, 12)


class ReviewFrame(Screen[str | None]):
    """Shows one proposal and goes on looking whether it is still the one that is shown."""

    CSS_PATH = "review.tcss"
    AUTO_FOCUS = ""

    def __init__(
        self,
        proposal_id: str,
        *,
        door: Door,
        sign: Sign,
        clock: Clock,
        by: str = "person:dashboard",
        memory: ReviewMemory | None = None,
        is_ascii: bool = False,
    ) -> None:
        super().__init__(classes="-ascii" if is_ascii else "")
        self.proposal_id = proposal_id
        self._door, self._sign, self._clock, self._by = door, sign, clock, by
        self._memory = memory or ReviewMemory()
        self._glyphs = ASCII if is_ascii else UNICODE
        self._quiet = Quiet()
        self.given: JsonObject = {}
        self._goal: JsonObject | None = None
        self.standing = Standing(is_busy=True)
        self.pane = "evidence"
        self._wanted = ""
        self._due: float | None = None
        """When the yes is sent."""
        self._looks = 0

    # What is on the screen

    def compose(self) -> ComposeResult:
        yield Static(id="review-head")
        yield Static(id="review-title")
        with Horizontal(id="review-body"):
            yield DiffView(id="review-diff", glyphs=self._glyphs)
            yield EvidenceView(id="review-evidence")
        yield Static(Text(f"enlarge the window to {LEAST[0]} by {LEAST[1]}"), id="review-small")
        yield Static(id="review-said")
        yield Static(id="review-keys")

    def on_mount(self) -> None:
        self.say(f"reading {show_line(self.proposal_id)}")
        self.set_interval(LOOK_SECONDS, self.look_again)
        begin(self, self.load, "look", alone=True)

    def on_resize(self, event: Resize) -> None:
        width, height = event.size
        self.set_class(width >= WIDE, "-wide")
        self.set_class(height < 18, "-low")
        small = width < LEAST[0] or height < LEAST[1]
        self.set_class(small, "-small")
        if small != self.standing.is_small:
            self._quiet.disturb(self._clock())
        self._stand(is_small=small)
        self._show_pane()

    @property
    def diff(self) -> DiffView:
        return self.query_one("#review-diff", DiffView)

    @property
    def evidence(self) -> EvidenceView:
        return self.query_one("#review-evidence", EvidenceView)

    @property
    def notes(self) -> Notes:
        return self._memory.notes(self.proposal_id, str(self.given.get("digest") or ""))

    @property
    def is_wide(self) -> bool:
        """Whether there is room for both sides."""
        return self.size.width >= WIDE

    @property
    def is_counting_down(self) -> bool:
        return self._due is not None

    def say(self, text: str, tone: str = "") -> None:
        """One sentence above the keys; the newest replaces the one before."""
        said = self.query_one("#review-said", Static)
        said.update(Text(fit(show_line(text), self._glyphs), no_wrap=False))
        said.set_classes(f"-{tone}" if tone else "")

    def _stand(self, **changes: object) -> None:
        self.standing = self.standing.with_(**changes)
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        width = self.size.width
        head = words.head(self, now=self._clock(), glyphs=self._glyphs)
        self.query_one("#review-head", Static).update(Text(head[:width], no_wrap=True))
        title = Text(words.title(self, self._glyphs), no_wrap=True)
        self.query_one("#review-title", Static).update(title)
        self.query_one("#review-keys", Static).update(Text(words.keys(self, width), no_wrap=True))

    def _show_evidence(self) -> None:
        problem = self.standing.why_not(self.given)
        self.evidence.show_evidence(
            Seen(
                proposal=self.given,
                goal=self._goal,
                now=self._clock(),
                problem=problem,
                hint=self.standing.hint if problem == self.standing.problem else "",
                glyphs=self._glyphs,
            )
        )

    def _show_pane(self) -> None:
        is_wide = self.is_wide
        self.diff.display = is_wide or self.pane == "diff"
        self.evidence.display = is_wide or self.pane == "evidence"
        (self.diff if self.pane == "diff" else self.evidence).focus()
        self._draw()

    # Reading

    async def load(self) -> None:
        """Read it for a person's eyes, which is written down, and show it from the beginning."""
        try:
            self.given = await self._door.show_proposal(self.proposal_id, by=self._by, to="person")
        except AutoclaveError as error:
            self._stand(is_busy=False, is_lost=isinstance(error, Transient), problem=error.message)
            self._tell_error(error)
            return
        self._goal = await self._read_goal()
        problem, hint = await self._ask_sheet()
        self._quiet.disturb(self._clock())
        self.diff.open_diff(str(self.given.get("diff") or ""), self.notes)
        self._stand(
            status=str(self.given["status"]),
            problem=problem,
            hint=hint,
            is_busy=False,
            is_changed=False,
            is_lost=False,
        )
        self._show_evidence()
        self._show_pane()
        self.say(words.opening(self.diff.diff, self.given))

    async def _read_goal(self) -> JsonObject | None:
        try:
            return await self._door.goal(str(self.given.get("run") or ""))
        except AutoclaveError:
            return None  # the evidence says that its cost is not known

    async def _ask_sheet(self) -> tuple[str, str]:
        """Why it could not be signed now, and what to do about it; empty when it could."""
        if self.given.get("status") not in OPEN:
            return "", ""
        try:
            await self._door.proposal_sheet(self.proposal_id)
        except AutoclaveError as error:
            return error.message, error.hint
        return "", ""

    def look_again(self) -> None:
        """See whether it is still what is on the screen."""
        if self.given and not self.standing.is_busy:
            begin(self, self.look, "look", alone=True)

    async def look(self) -> None:
        """Newer words about it are taken in; a newer version of it is only announced."""
        try:
            now = await self._door.proposal(self.proposal_id)
        except AutoclaveError as error:
            if not self.standing.is_lost:
                self._stand(is_lost=True)
                self._tell_error(error)
            return
        if self.standing.is_lost:
            self._quiet.disturb(self._clock())
            self._stand(is_lost=False)
            self.say("the agent's home answers again")
        if self.standing.is_busy or self.standing.is_decided:
            return
        if (now.get("digest"), now.get("diff")) != (self.given["digest"], self.given["diff"]):
            self._change(is_changed=True)
            self.say("it changed since you opened it; o opens the new one", "bad")
        elif now["status"] != self.standing.status or now.get("waits_for") != self.given.get(
            "waits_for"
        ):
            self.given = now
            self._change(status=str(now["status"]))
            self.say(words.became(now), "bad")
        self._looks += 1
        if self._looks % SHEET_EVERY == 0:
            await self._check_sheet()

    async def _check_sheet(self) -> None:
        problem, hint = await self._ask_sheet()
        if problem != self.standing.problem:
            self._change(problem=problem, hint=hint)
            self.say(problem or "it can be approved again", "bad" if problem else "")

    def _change(self, **changes: object) -> None:
        """What is decided about changed: a yes that was on its way is void."""
        self._quiet.disturb(self._clock())
        self._due = None
        self._stand(**changes)
        self._show_evidence()

    def _tell_error(self, error: AutoclaveError) -> None:
        self.say(f"{error.message}{f'; {error.hint}' if error.hint else ''}", "bad")
