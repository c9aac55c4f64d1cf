"""Many goals at once through one queue, to a slow model on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeToolbox, open_loop
from tests.servers.turns import FOREVER, Expect, Reply, ToolCall, Turn

from autoclave.core.engine import Engine
from autoclave.core.models.claude import Claude
from autoclave.core.models.queueing import Queued
from autoclave.domain.canonical import JsonObject
from autoclave.domain.model import Hear, ModelAnswer, ModelRequest
from autoclave.domain.run import RunStatus

pytestmark = pytest.mark.slow


@dataclass
class Counted:
    """Port LanguageModel: counts the calls that are under way."""

    inner: Claude
    in_flight: int = 0
    most: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            return await self.inner.complete(request, hear=hear)
        finally:
            self.in_flight -= 1


async def greet(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"said": "hello"}


async def test_eight_goals_share_four_places(
    fast_tmp_path: Path, serve: Callable[..., Any], claude: Callable[..., Claude]
) -> None:
    """Never more than four requests at once, and every goal is reached."""
    plan = {"approach": "greet, then stop", "uses": ["greet"], "steps": []}
    finish = ToolCall(name="complete_task", input={"summary": "greeted"})
    server = serve(
        Turn(
            expect=Expect(purpose="plan"),
            reply=Reply(structured=plan, delay_seconds=0.2),
            repeat=FOREVER,
        ),
        Turn(
            expect=Expect(purpose="work"),
            reply=Reply(tools=(finish,), delay_seconds=0.2),
            repeat=FOREVER,
        ),
    )
    counted = Counted(claude(server))
    queue = Queued(counted, at_once=4, clock=time)
    loop = open_loop(
        fast_tmp_path, FakeToolbox(greet=FakeCapability(greet)), model=queue, clock=time
    )
    goals = [await loop.add(f"say something nice to number {n}") for n in range(8)]

    await Engine(loop.parts, loop.board, at_once=8).run_until_idle()
    runs = [await loop.parts.ledger.load(goal) for goal in goals]
    loop.close()

    assert [run.status for run in runs] == [RunStatus.DONE] * 8
    assert counted.most == 4
    assert len(server.requests) == 16
    server.check()
