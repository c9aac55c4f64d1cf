"""Asking for lessons: what a person wants of it, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ..core.consolidating import BUDGET_USD, Consolidation
from ..core.parts import Parts
from ..domain.batch import Batch
from ..domain.canonical import JsonObject
from ..domain.events import EventKind

_SHORTEST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonWish:
    """What a person asked for."""

    model: str = "auto"
    budget_usd: float = BUDGET_USD
    wait: bool = False
    """Stay until the answers are there."""
    cancel: str = ""
    """A batch that is not wanted any more."""


class LessonDesk:
    """Collects first, so that nothing is asked twice, then asks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lessons = Consolidation(parts)

    async def work(self, wish: LessonWish) -> JsonObject:
        """`batches` that were open or are new, `lessons` written meanwhile, and a `note`."""
        batching = self._lessons.batching
        open_before = {each.id for each in await batching.every() if each.is_open}
        if wish.cancel:
            return await self._report({(await batching.cancel(wish.cancel)).id}, "")
        await batching.look(only_due=False)
        started = await self._lessons.start(wish.model, budget_usd=wish.budget_usd)
        if wish.wait:
            await self._wait()
        note = "" if started else "no pattern wants a lesson now"
        return await self._report(open_before | ({started.id} if started else set()), note)

    async def _wait(self) -> None:
        due = await self._lessons.batching.look()
        while due is not None:
            await asyncio.sleep(max(_SHORTEST_WAIT_SECONDS, due - self._parts.clock()))
            due = await self._lessons.batching.look()

    async def _report(self, ids: set[str], note: str) -> JsonObject:
        batches = [each for each in await self._lessons.batching.every() if each.id in ids]
        lessons = [each for batch in batches for each in await self._written(batch)]
        return {"batches": [each.to_json() for each in batches], "lessons": lessons, "note": note}

    async def _written(self, batch: Batch) -> list[JsonObject]:
        events = await self._parts.ledger.events(batch.stream)
        return [each.payload for each in events if each.kind is EventKind.LESSON_WRITTEN]
