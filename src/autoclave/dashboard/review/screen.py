"""The review of one proposal. It stays what it is for as long as it is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from ...domain.errors import AutoclaveError, Conflict, Stale
from ...domain.text import show_line
from . import words
from .asking import ApproveAsk, TextAsk
from .deciding import ANY_REJECT, COUNTDOWN_SECONDS, OPEN, must_type
from .frame import TICK_SECONDS
from .looking import Looking
from .working import begin

DEFER_SECONDS = 4 * 3_600.0


class ReviewScreen(Looking):
    """Shows one proposal and takes one decision. Ends with what was decided, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a,A", "approve", "approve"),
        Binding("r,R", "reject", "reject"),
        Binding("b,B", "send_back", "send back"),
        Binding("d", "defer", "defer"),
        Binding("u", "take_back", "take the yes back", show=False),
        Binding("tab,e", "switch", "diff or evidence", priority=False),
        Binding("n", "hunk(1)", "hunk"),
        Binding("N", "hunk(-1)", show=False),
        Binding("right_square_bracket", "file(1)", show=False),
        Binding("left_square_bracket", "file(-1)", show=False),
        Binding("space", "seen", "seen"),
        Binding("x", "unwanted", "unwanted"),
        Binding("c", "comment", "comment"),
        Binding("C", "next_comment", show=False),
        Binding("s", "split", "split"),
        Binding("f", "files", "files"),
        Binding("slash", "search", "search"),
        Binding("m", "match(1)", show=False),
        Binding("M", "match(-1)", show=False),
        Binding("enter", "details", show=False),
        Binding("o", "open_new", show=False),
        Binding("question_mark", "help", "keys"),
        Binding("escape", "leave", "back", show=False),
    ]

    def on_mount(self) -> None:
        # The frame's own handler is called as well.
        self.set_interval(TICK_SECONDS, self.tick)

    def tick(self) -> None:
        """Four times a second: what was looked at, and how long a yes can be taken back."""
        if not self.is_current and self._due is None:
            return
        if self.diff.tick():
            self._memory.save()
            self._draw()
        if self._due is None:
            return
        left = self._due - self._clock()
        if left > 0:
            self.say(f"approving {self.proposal_id} in {left:.0f} s; u or Esc takes it back")
            return
        self._due = None
        self._decide(self._send_yes, "signing and sending")

    # Deciding

    def action_approve(self) -> None:
        if self._due is not None:
            return
        if why := self.standing.why_not(self.given):
            self.say(f"not to be approved: {why}", "bad")
        elif self._is_quiet():
            unseen = words.unseen(self.diff)
            ask = ApproveAsk(
                f"Approve {show_line(self.proposal_id)}?",
                words.before_yes(self.given, self.notes, self._glyphs),
                clock=self._clock,
                unseen=unseen,
                typed=self.proposal_id if must_type(self.given) else "",
                is_ascii=self._glyphs.is_ascii,
            )
            self.app.push_screen(ask, self._begin_countdown)

    def _begin_countdown(self, is_yes: bool | None) -> None:
        self._quiet.disturb(self._clock())
        if not is_yes:
            self.say("not approved")
            return
        if why := self.standing.why_not(self.given):
            self.say(f"not approved: {why}", "bad")
            return
        self._due = self._clock() + COUNTDOWN_SECONDS
        self._draw()
        self.tick()

    def action_take_back(self) -> None:
        if self._due is not None:
            self._due = None
            self._quiet.disturb(self._clock())
            self._draw()
            self.say("taken back: nothing was sent")

    async def _send_yes(self) -> str:
        sheet = await self._door.proposal_sheet(self.proposal_id)
        if sheet.digest != self.given["digest"]:
            raise Stale("what would be signed is not what is on the screen", hint="press o")
        signed = await self._sign(sheet)
        done = await self._door.approve_proposal(self.proposal_id, signed=signed, by=self._by)
        self.given = done
        return words.approved(done)

    def action_reject(self) -> None:
        if not self._may("reject", ANY_REJECT):
            return
        ask = TextAsk(
            f"Reject {show_line(self.proposal_id)}",
            ["Why not? The agent learns from it."],
            clock=self._clock,
            send="reject",
            missing="Say why first",
            is_ascii=self._glyphs.is_ascii,
        )
        self.app.push_screen(ask, self._reject)

    def _reject(self, reason: str | None) -> None:
        self._quiet.disturb(self._clock())
        if reason:

            async def work() -> str:
                self.given = await self._door.reject_proposal(self.proposal_id, reason, by=self._by)
                return "rejected; the reason is written down"

            self._decide(work, "rejecting")

    def action_send_back(self) -> None:
        if not self._may("send back", OPEN):
            return
        comments = words.comments(self.diff, self.notes)
        listed = [f"{number}. {show_line(each)}" for number, each in enumerate(comments, start=1)]
        ask = TextAsk(
            f"Send {show_line(self.proposal_id)} back",
            [*(listed or ["No line has a comment yet (c makes one)."]), "", "To all of it:"],
            clock=self._clock,
            send="send back",
            text=self.notes.overall,
            missing="" if comments else "Say what has to be otherwise",
            is_ascii=self._glyphs.is_ascii,
        )

        def back(overall: str | None) -> None:
            self.notes.overall = ask.draft
            self._memory.save()
            self._send_back(comments, overall)

        self.app.push_screen(ask, back)

    def _send_back(self, comments: list[str], overall: str | None) -> None:
        self._quiet.disturb(self._clock())
        said = [*comments, *([overall] if overall else [])]
        if overall is None or not said:
            return

        async def work() -> str:
            self.given = await self._door.return_proposal(self.proposal_id, said, by=self._by)
            many = "1 comment" if len(said) == 1 else f"{len(said)} comments"
            return f"sent back with {many}; the next draft has to answer each"

        self._decide(work, "sending back")

    def action_defer(self) -> None:
        if self._due is None and not self.standing.is_busy:
            self._memory.defer(self.proposal_id, self._clock() + DEFER_SECONDS)
            self.dismiss("deferred")

    def _may(self, what: str, statuses: tuple[str, ...]) -> bool:
        why = self.standing.blocked()
        if not why and self.standing.status not in statuses:
            why = f"it is {self.standing.status or 'not read yet'}"
        if why:
            self.say(f"can't {what} it: {why}", "bad")
        return not why and self._due is None and self._is_quiet()

    def _is_quiet(self) -> bool:
        """Whether a key that decides counts now."""
        is_quiet = self._quiet.admits(self._clock())
        if not is_quiet:
            self.say("a moment: this has just changed, look first")
        return is_quiet

    def _decide(self, work: Callable[[], Awaitable[str]], doing: str) -> None:
        self._stand(is_busy=True)
        self.say(doing)
        begin(self, partial(self._decided, work), "decide")

    async def _decided(self, work: Callable[[], Awaitable[str]]) -> None:
        try:
            said = await work()
        except AutoclaveError as error:
            self._change(is_busy=False, is_changed=isinstance(error, Stale))
            self._tell_error(error)
            if isinstance(error, Conflict):
                self._change(problem=error.message, hint=error.hint)
            return
        status = str(self.given["status"])
        self._change(is_busy=False, is_decided=True, status=status)
        if status != "signed":
            self._memory.forget(self.proposal_id)
        self.say(said, "good")

    # Leaving

    def action_open_new(self) -> None:
        if self.standing.is_changed and not self.standing.is_busy:
            self._stand(is_busy=True)
            begin(self, self.load, "look", alone=True)

    def action_leave(self) -> None:
        if self._due is not None:
            self.action_take_back()
        elif self.standing.is_busy and self.given:
            self.say("a decision is under way; it takes a moment")
        else:
            self.dismiss(self.standing.status if self.standing.is_decided else None)
