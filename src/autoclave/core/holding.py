"""What keeps the engine from taking work on, and what lets work go on by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, Refused, Transient
from ..domain.events import EventKind, NewEvent
from ..domain.intents import Effect
from ..domain.run import SHORT, SPENT, RunStatus
from ..domain.standing import Standing
from ..domain.text import show_line
from .escalating import escalate, how_to_resume
from .parts import Parts
from .proposals import Proposals

_log = logging.getLogger(__name__)

_AUDIT_SECONDS = 30.0
_LET_GO_SECONDS = 1.0
_GRACE_SECONDS = 10.0
"""How long a step in hand may go on after a hard limit was reached."""

Board = Callable[[tuple[str, ...]], list[dict[str, Any]]]
"""Rows of the goals with one of these statuses, the most urgent first."""


class Holding:
    """Looks at the agent, the machine, the journal and the day before anything is taken on."""

    def __init__(self, parts: Parts, board: Board) -> None:
        self._parts = parts
        self._board = board
        self._proposals = Proposals(parts)
        self._audited_at = 0.0
        self._overloaded_since: float | None = None
        self._told = ""
        self._looked_at: float | None = None
        """When it looked last for what may go on."""
        self.standing = Standing()
        """As it was found last."""
        self.shortage = ""
        """Why the machine takes no more work; empty when all is well."""

    async def begin(self) -> None:
        """Look at everything that a start has to look at; what is wrong pauses the agent."""
        self._audited_at = 0.0
        self.standing = self._parts.standing()
        await self._finish_interrupted()

    async def look(self, active: Collection[str]) -> bool:
        """Whether work may be taken on now, while `active` goals are driven.

        Lets go on what no longer has to wait.
        """
        await self._audit()
        was_paused = self.standing.is_paused
        self.standing = self._parts.standing()
        if was_paused and not self.standing.is_paused:
            await self._look_again()
        await self._measure()
        if self.standing.is_paused or self.shortage:
            self._looked_at = None
        if self.standing.is_paused:
            self._tell(f"the agent is {self.standing}; {how_to_resume(self.standing)}")
            return False
        if self.shortage:
            self._tell(f"no more work is taken on: {self.shortage}")
            await self._set_aside_what_is_left(active)
            return False
        self._told = ""
        await self._let_go_on()
        return True

    def waiting_for_room(self) -> list[dict[str, Any]]:
        """Goals that were set aside because the machine had reached a limit."""
        return [row for row in self._board((RunStatus.PAUSED,)) if row["code"] == SHORT]

    async def too_late(self, active: Collection[str]) -> list[str]:
        """Goals among `active` whose step in hand is cut off: a hard limit gave it time enough.

        What must not be done twice is never cut off.
        """
        if not self._parts.overload():
            self._overloaded_since = None
            return []
        now = self._parts.clock()
        if self._overloaded_since is None:
            self._overloaded_since = now
        if now - self._overloaded_since < _GRACE_SECONDS:
            return []
        return [goal for goal in active if await self._may_be_repeated(goal)]

    async def _may_be_repeated(self, goal: str) -> bool:
        opened = (await self._parts.ledger.load(goal)).open_intent
        return opened is None or opened["effect"] != Effect.ONCE

    async def _look_again(self) -> None:
        """A person lets the agent go on: what it was paused for may still be so."""
        await self.check_sandbox()
        await self._finish_interrupted()
        self.standing = self._parts.standing()

    async def check_sandbox(self) -> None:
        """Pause the agent when the seal cannot be proved."""
        try:
            test = await self._parts.sandbox.self_test()
        except AutoclaveError as error:
            await escalate(self._parts, f"the sandbox cannot be tested: {error.message}")
            return
        if not test.ok:
            leaks = ", ".join(probe.name for probe in test.probes if not probe.passed)
            await escalate(self._parts, f"the sandbox's self-test fails: {leaks}")

    async def _finish_interrupted(self) -> None:
        try:
            await self._proposals.finish_interrupted()
        except Refused as stuck:
            await escalate(self._parts, stuck.message, hint=stuck.hint)
            self.standing = self._parts.standing()

    async def _audit(self) -> None:
        """Pause the agent when events are missing or were changed; once for each finding."""
        now = self._parts.clock()
        if now - self._audited_at < _AUDIT_SECONDS:
            return
        self._audited_at = now
        try:
            gap = await asyncio.to_thread(self._parts.audit_gap)
        except Transient as later:
            _log.warning("the journal could not be looked at: %s", show_line(later.message))
            return
        if gap:
            reason = f"the journal has a gap: {gap}"
            if not self._parts.standing().answered.startswith(reason):
                await escalate(self._parts, reason, hint="autoclave audit verify")

    async def _measure(self) -> None:
        """Write down when a limit is reached, and when it is kept again."""
        await self._parts.look()
        self.shortage = self._parts.shortage()
        overload = self._parts.overload()
        level = "hard" if overload else "soft" if self.shortage else "ok"
        if level != self.standing.level:
            payload = {"level": level, "reason": overload or self.shortage}
            await self._post("agent", EventKind.SHORTAGE_CHANGED, payload)

    async def _set_aside_what_is_left(self, active: Collection[str]) -> None:
        """Runs that a crash or the end of the grace cut off, while a hard limit is reached."""
        reason = self._parts.overload()
        if not reason:
            return
        for row in self._board((RunStatus.RUNNING,)):
            if row["id"] not in active:
                payload = {"reason": reason, "code": SHORT}
                await self._post(f"goal/{row['id']}", EventKind.GOAL_PAUSED, payload)

    async def _let_go_on(self) -> None:
        """What the kernel set aside for a reason that is gone; never what a person paused."""
        now = self._parts.clock()
        if self._looked_at is not None and now - self._looked_at < _LET_GO_SECONDS:
            return
        self._looked_at = now
        for row in self._board((RunStatus.PAUSED, RunStatus.PARKED)):
            if row["status"] == RunStatus.PAUSED and row["code"] == SHORT:
                payload = {"code": SHORT, "reason": "the machine is well again"}
            elif row["code"] == SPENT and row["wake_at"] is not None and row["wake_at"] <= now:
                payload = {"code": SPENT, "reason": "a new day"}
            else:
                continue
            await self._post(f"goal/{row['id']}", EventKind.GOAL_RESUMED, payload)

    async def _post(self, stream: str, kind: EventKind, payload: JsonObject) -> None:
        event = NewEvent(kind=kind, payload=payload)
        await self._parts.ledger.post(stream, event, actor="kernel")

    def _tell(self, said: str) -> None:
        """Once, as long as it stays the same."""
        if said != self._told:
            _log.warning("%s", show_line(said))
        self._told = said
