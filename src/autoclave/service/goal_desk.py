"""What people do with goals."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from ..core.engine import Board
from ..core.parts import Parts
from ..core.signed_answers import answer_sheet, collect, quorum_of, yeses_of
from ..domain.approval import Sheet
from ..domain.canonical import JsonObject
from ..domain.errors import Conflict, InvalidInput, NotAllowed, Stale
from ..domain.events import EventKind, NewEvent
from ..domain.run import ENDED, ESCALATED, Run, RunStatus
from ..domain.usage import Budget
from .another_yes import another_yes
from .goal_preview import preview
from .goals import Answer, GoalSpec, goal_payload, goal_to_json, judge_goal, question_to_json

_KEYS_LAST_SECONDS = 86_400.0

Asker = Callable[[JsonObject], Awaitable[Answer]]


class GoalDesk:
    """Adds, lists, steers and answers goals; everything is one event."""

    def __init__(self, parts: Parts, board: Board, *, budget: Budget) -> None:
        self._parts = parts
        self._board = board
        self._budget = budget
        self._adding = asyncio.Lock()
        """So that a key that comes twice at once adds one goal."""

    async def add(self, spec: GoalSpec, *, by: str) -> JsonObject:
        """Queue a goal. Raises NotFound, InvalidInput, NotAllowed; then nothing was added."""
        payload = self._payload(spec)
        async with self._adding:
            if spec.key and (known := await self._added_before(payload)):
                return await self.show(known)
            goal = await self._parts.ledger.new_id("G")
            event = NewEvent(kind=EventKind.GOAL_ADDED, payload=payload)
            await self._parts.ledger.post(f"goal/{goal}", event, actor=by)
        return await self.show(goal)

    async def _added_before(self, payload: JsonObject) -> str:
        """The goal that was added under the same key; Conflict when that was another one."""
        since = self._parts.clock() - _KEYS_LAST_SECONDS
        for event in await self._parts.ledger.events_since(since):
            given = event.payload
            if event.kind is EventKind.GOAL_ADDED and given.get("key") == payload["key"]:
                # A secret in the words is a mark by now, so the digest of what was asked decides.
                if given.get("asked") != payload["asked"]:
                    raise Conflict(
                        "another goal was added under this key", hint="use a new key for each goal"
                    )
                return event.stream.removeprefix("goal/")
        return ""

    async def preview(self, spec: GoalSpec) -> JsonObject:
        """What would become of it, and nothing was added. Raises as `add` does."""
        return await preview(self._parts, self._payload(spec))

    def _payload(self, spec: GoalSpec) -> JsonObject:
        budget = replace(
            self._budget,
            usd=self._budget.usd if spec.budget_usd is None else spec.budget_usd,
            seconds=self._budget.seconds if spec.budget_seconds is None else spec.budget_seconds,
        )
        payload = goal_payload(spec, budget=budget)
        judge_goal(self._parts.gate, payload)
        return payload

    def rows(self, status: str | None) -> list[dict[str, Any]]:
        return self._board((status,) if status else ())

    async def show(self, goal: str) -> JsonObject:
        return goal_to_json(await self._parts.ledger.load(goal))

    async def pause(self, goal: str, *, reason: str, by: str) -> None:
        run = await self._open_run(goal, "paused")
        if run.status is not RunStatus.PAUSED:
            await self._post(run, EventKind.GOAL_PAUSED, {"reason": reason}, by=by)

    async def resume(self, goal: str, *, reason: str = "", by: str) -> None:
        """Let it go on. After an escalation a person has to say why."""
        run = await self._open_run(goal, "resumed")
        if run.status not in (RunStatus.PAUSED, RunStatus.PARKED):
            raise Conflict(f"{goal} is {run.status}, not paused or parked")
        if run.parked_by == ESCALATED and not (reason.strip() and by.startswith("person:")):
            raise InvalidInput(
                f"{goal} was set aside for a person to look: {run.reason}",
                hint=f"look at its history, then: autoclave goal resume {goal} --reason TEXT",
            )
        await self._post(run, EventKind.GOAL_RESUMED, {"reason": reason}, by=by)

    async def cancel(self, goal: str, *, reason: str, by: str) -> None:
        run = await self._open_run(goal, "cancelled")
        await self._post(run, EventKind.GOAL_CANCELLED, {"reason": reason}, by=by)

    async def retry(self, goal: str, *, by: str) -> None:
        run = await self._parts.ledger.load(goal)
        if run.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
            raise Conflict(
                f"{goal} is {run.status}; only a failed or cancelled goal is tried again"
            )
        await self._post(run, EventKind.GOAL_RETRIED, {"reason": "asked for"}, by=by)

    async def add_budget(self, goal: str, added: dict[str, float], *, by: str) -> None:
        """Give it more to spend; if it was parked for its own budget, it goes on."""
        run = await self._open_run(goal, "given more")
        wrong = [name for name, amount in added.items() if not 0 < amount < math.inf]
        if not added or wrong:
            raise InvalidInput(
                f"{', '.join(wrong) or 'nothing'} is no amount to add",
                hint=f"autoclave goal budget {goal} --add-usd 0.5 --add-steps 50",
            )
        if not by.startswith("person:"):
            raise NotAllowed(f"{by!r} is no person, and only people give a goal more to spend")
        await self._post(run, EventKind.BUDGET_ADDED, dict(added), by=by)

    async def sheet(self, goal: str) -> Sheet:
        """What an owner signs to say yes to the open question. Raises CredentialMissing."""
        return await answer_sheet(self._parts, await self._parts.ledger.load(goal))

    async def answer(self, goal: str, answer: Answer, *, digest: str) -> str:
        """Answer the open question; what the yes still lacks, which is mostly nothing.

        A yes has to name what it is for, and from R4 on an owner has to sign it. Raises Stale,
        Conflict, NotAllowed, CredentialMissing.
        """
        run = await self._parts.ledger.load(goal)
        asked = question_to_json(run)
        if asked is None:
            raise Conflict(f"{goal} is {run.status} and asks nothing now")
        if answer.yes and self._parts.clock() >= asked["expires_at"]:
            raise Stale(f"the question of {goal} has expired: silence was a no")
        if answer.yes and digest != asked["digest"]:
            raise Stale(
                f"the hash {digest[:12]!r} is not that of what {goal} asks now",
                hint=f"look at it again: `autoclave goal show {goal}`",
            )
        named: JsonObject = {"request": asked["request"], "digest": asked["digest"]}
        if answer.yes and asked["must_sign"]:
            yeses, is_enough = await collect(self._parts, run, answer.signed)
            named["approvals"] = [each.to_json() for each in yeses]
            if not is_enough:
                if len(yeses) > len(yeses_of(run.question or {})):
                    await self._post(run, EventKind.ANSWER_SIGNED, named, by=answer.by)
                return another_yes(quorum_of(run.question or {}), yeses)
        payload = {**named, "yes": answer.yes, "reason": answer.reason}
        await self._post(run, EventKind.ANSWER_GIVEN, payload, by=answer.by)
        return ""

    async def _open_run(self, goal: str, doing: str) -> Run:
        run = await self._parts.ledger.load(goal)
        if run.status in ENDED:
            raise Conflict(f"{goal} is {run.status} and can't be {doing} any more")
        return run

    async def _post(self, run: Run, kind: EventKind, payload: JsonObject, *, by: str) -> None:
        if not by:
            raise InvalidInput("who says so is missing")
        event = NewEvent(kind=kind, payload=payload)
        await self._parts.ledger.post(run.stream, event, actor=by)
