"""One goal: its question, plan, transcript, changes and spend; and everything that steers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ...domain.canonical import JsonObject
from ...domain.errors import Stale
from ..dialogs import GRACE_SECONDS, AskAmounts, AskText, Confirm
from ..ink import Line, line
from ..lines import Bar, Paper
from ..page import Page
from ..views import goal as view

if TYPE_CHECKING:
    from ..link import Link

_BATCH = 500
_SIGNED = frozenset({"R4", "R5"})
_AMOUNTS = {"usd": "more US dollars", "steps": "more steps", "seconds": "more seconds"}


class GoalPage(Page):
    """What is shown is pinned: only this goal, and a grace after what it asks has changed."""

    NAME = "goal"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "yes", "yes", tooltip="say yes to what it asks"),
        Binding("R", "no", "no", tooltip="say no, with a reason"),
        Binding("P", "hold", "hold", tooltip="pause the goal, or let it go on"),
        Binding("C", "cancel", "cancel", tooltip="end the goal for good"),
        Binding("T", "retry", "try again", tooltip="try an ended goal again"),
        Binding("B", "budget", "budget", tooltip="give it more to spend"),
        Binding("right,l", "turn(1)", "view", key_display="→", tooltip="the next view"),
        Binding("left,h", "turn(-1)", show=False),
        Binding("y", "copy", "copy", tooltip="copy its id"),
        Binding("r", "replay", "replay", tooltip="step through what it did"),
    ]

    def __init__(self, goal: str) -> None:
        super().__init__()
        self._goal_id = goal
        self._goal: JsonObject | None = None
        self._events: list[JsonObject] = []
        self._view: view.View = "plan"
        self._asked = ""
        self._asked_since = 0.0
        self._read_at = -1

    def content(self) -> ComposeResult:
        yield Bar(id="goal-head")
        yield Bar(id="goal-views")
        yield Paper(id="goal-text").add_class("part")

    def on_mount(self) -> None:
        self.query_one(Paper).focus()
        super().on_mount()

    def update_page(self, link: Link) -> None:
        if link.report is not None and link.report["events"] != self._read_at:
            self._read_at = link.report["events"]
            self.attempt(self._reload)
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        goal = self._goal
        if action in ("yes", "no", "hold", "cancel", "retry", "budget"):
            if goal is None or not self.may_decide:
                return False
            return self._can(action, goal)
        return True

    def action_turn(self, steps: int) -> None:
        place = (view.VIEWS.index(self._view) + steps) % len(view.VIEWS)
        self._view = view.VIEWS[place]
        self._draw()
        self.query_one(Paper).scroll_home(animate=False)

    def action_copy(self) -> None:
        self.host.copy(self._goal_id)

    def action_replay(self) -> None:
        from .replay import ReplayPage

        self.app.push_screen(ReplayPage(f"goal/{self._goal_id}"))

    def action_yes(self) -> None:
        goal = self._goal
        if goal is None or not goal["question"]:
            return
        if self.host.ticks() - self._asked_since < GRACE_SECONDS:
            self.host.say("a moment: what it asks has just changed", "warn")
            return
        asked = goal["question"]
        is_high = asked["must_sign"] or asked["risk"] in _SIGNED
        dialog = Confirm(
            f"Say yes to {self._goal_id}?",
            view.question_lines(goal, now=self.host.now()),
            yes="sign and say yes" if asked["must_sign"] else "say yes",
            typed=self._goal_id if is_high else "",
        )
        self.app.push_screen(dialog, lambda said: self._say_yes(asked) if said else None)

    def action_no(self) -> None:
        asked = self._goal and self._goal["question"]
        if not asked:
            return
        door, me = self.host.door, self.host.me

        def send(reason: str | None) -> None:
            if reason is not None:
                self.host.write(
                    lambda: door.answer_goal(
                        self._goal_id, False, digest=asked["digest"], reason=reason, by=me
                    ),
                    f"said no to {self._goal_id}",
                )

        lines = [line(asked["question"])]
        self.app.push_screen(AskText(f"Say no to {self._goal_id}?", lines, send="say no"), send)

    def action_hold(self) -> None:
        goal, door, me = self._goal, self.host.door, self.host.me
        if goal is None:
            return
        if goal["status"] not in ("paused", "parked"):
            self._ask_why(
                "Pause {}?",
                "pause",
                lambda why: door.pause_goal(self._goal_id, why, by=me),
                "paused",
            )
            return
        self._ask_why(
            "Let {} go on?",
            "go on",
            lambda why: door.resume_goal(self._goal_id, why, by=me),
            "goes on",
        )

    def action_cancel(self) -> None:
        door, me = self.host.door, self.host.me
        self._ask_why(
            "End {} for good?",
            "end it",
            lambda w: door.cancel_goal(self._goal_id, w, by=me),
            "cancelled",
        )

    def action_retry(self) -> None:
        door, me = self.host.door, self.host.me
        lines = [line("It begins anew; what it spent before stays spent.")]

        def send(said: bool | None) -> None:
            if said:
                self.host.write(
                    lambda: door.retry_goal(self._goal_id, by=me), f"{self._goal_id} tries again"
                )

        self.app.push_screen(Confirm(f"Try {self._goal_id} again?", lines, yes="try again"), send)

    def action_budget(self) -> None:
        door, me, goal = self.host.door, self.host.me, self._goal
        if goal is None:
            return

        def send(added: dict[str, float] | None) -> None:
            if added:
                self.host.write(
                    lambda: door.add_budget(self._goal_id, added, by=me),
                    f"{self._goal_id} has more to spend",
                )

        dialog = AskAmounts(
            f"Give {self._goal_id} more to spend", view.spend_lines(goal)[:-2], names=_AMOUNTS
        )
        self.app.push_screen(dialog, send)

    def _can(self, action: str, goal: JsonObject) -> bool:
        if action in ("yes", "no"):
            asked = goal["question"]
            return bool(asked) and self.host.now() < asked["expires_at"]
        if action == "retry":
            return goal["status"] in ("failed", "cancelled")
        return view.is_open(goal)

    def _say_yes(self, asked: JsonObject) -> None:
        self.host.write(lambda: self._answer(asked), f"said yes to {self._goal_id}")

    async def _answer(self, asked: JsonObject) -> None:
        """The yes names exactly what was on the screen; the kernel checks it again."""
        door, digest, signed = self.host.door, asked["digest"], None
        if asked["must_sign"]:
            sheet = await door.goal_sheet(self._goal_id)
            if sheet.digest != digest:
                raise Stale(f"{self._goal_id} asks something else now", hint="look at it again")
            signed = await self.host.sign(sheet)
        waits = await door.answer_goal(
            self._goal_id, True, digest=digest, by=self.host.me, signed=signed
        )
        if waits:
            self.host.say(f"the yes to {self._goal_id} waits for {waits}", "warn")

    def _ask_why(
        self, title: str, send: str, do: Callable[[str], Awaitable[object]], done: str
    ) -> None:
        def go_on(reason: str | None) -> None:
            if reason is not None:
                self.host.write(lambda: do(reason), f"{self._goal_id}: {done}")

        goal = self._goal or {}
        needed = goal.get("status") == "parked" and send == "go on"
        lines = [line((str(goal.get("text", "")), "dim"))]
        dialog = AskText(title.format(self._goal_id), lines, send=send, needed=needed)
        self.app.push_screen(dialog, go_on)

    async def _reload(self) -> None:
        door = self.host.door
        self._goal = await door.goal(self._goal_id)
        stream = f"goal/{self._goal_id}"
        while True:
            after = self._events[-1]["id"] if self._events else 0
            found = await door.history(after, _BATCH, stream)
            self._events += [each for each in found if each["stream"] == stream]
            if len(found) < _BATCH:
                break
        asked = (self._goal["question"] or {}).get("digest", "")
        if asked != self._asked:
            self._asked, self._asked_since = asked, self.host.ticks()
        self._draw()
        self.query_one("#keys", Bar).show(self.key_line(self.size.width))

    def _draw(self) -> None:
        goal, glyphs, now = self._goal, self.host.glyphs, self.host.now()
        if goal is None:
            self.query_one("#goal-head", Bar).show(line((f"{self._goal_id}: reading …", "dim")))
            return
        self.query_one("#goal-head", Bar).show(view.heading(goal, glyphs))
        self.query_one("#goal-views", Bar).show(view.view_line(self._view))
        lines: list[Line]
        if self._view == "plan":
            lines = view.plan_lines(goal, glyphs, now=now)
        elif self._view == "transcript":
            lines = view.transcript_lines(self._events, glyphs)
        elif self._view == "diff":
            lines = view.change_lines(goal)
        else:
            lines = view.spend_lines(goal)
        self.query_one(Paper).show(lines)
