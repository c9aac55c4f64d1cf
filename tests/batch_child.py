"""A process that asks for lessons in a batch, for tests that kill it on the way.

`python -m tests.batch_child FOLDER [DEATH]`: what it has written, as JSON, when it lives.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.fakes import FakeClock, FakeKnowledge, FakeToolbox, open_loop
from tests.fakes_batches import pattern

from autoclave.core.consolidating import Consolidation
from autoclave.core.models.choosing import Models, ModelSettings
from autoclave.domain.knowledge import Pattern


class KnowsOnePattern(FakeKnowledge):
    """Port Knowledge with one pattern."""

    def patterns(self, *, kind: Any = None) -> list[Pattern]:
        return [pattern()]


class Doomed:
    """A BatchModel whose process is killed around one of its calls."""

    def __init__(self, model: Any, death: str) -> None:
        self._model = model
        self.name, self.price = model.name, model.price
        when, _, what = death.partition(" ")
        self._call = {"sending": "submit", "collecting": "results"}.get(what, "")
        self._when = when

    def __getattr__(self, name: str) -> Any:
        async def call(*given: Any, **more: Any) -> Any:
            if name == self._call and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = await getattr(self._model, name)(*given, **more)
            if name == self._call:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return call


async def work(folder: Path, death: str) -> dict[str, Any]:
    """Ask, unless that was done before, and collect."""
    clock = FakeClock(_now(folder))
    models = Models(ModelSettings(model="claude"))
    loop = open_loop(folder, FakeToolbox(), clock=clock, knowledge=KnowsOnePattern())
    loop.parts = replace(
        loop.parts,
        batches=lambda asked: Doomed(models.batches(asked), death),
        prompts=lambda: {"consolidate": "write a lesson"},
    )
    lessons = Consolidation(loop.parts)
    if not await lessons.batching.every():
        await lessons.start()
    while (due := await lessons.batching.look()) is not None:
        clock.now = max(clock.now, due)
    [batch] = await lessons.batching.every()
    events = await loop.parts.ledger.events_below("batch/")
    await models.aclose()
    loop.close()
    return {"kinds": [str(each.kind) for each in events], "spend_usd": batch.spend.usd}


def _now(folder: Path) -> float:
    """The time of the server, for whoever looks for a batch by when it was sent."""
    from time import time

    return time() + 60 * (folder / "journal.db").exists()


if __name__ == "__main__":
    done = asyncio.run(work(Path(sys.argv[1]), (sys.argv[2:] or [""])[0]))
    sys.stdout.write(json.dumps(done))
