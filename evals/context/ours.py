"""The story pursued by the real agent: home, rules, sandbox, journal, adapter and SDK."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.messages import MessagesServer
from tests.servers.turns import FOREVER, Turn

from autoclave.core.models.claude import Claude
from autoclave.core.models.prices import Price
from autoclave.domain.canonical import JsonObject
from autoclave.domain.risk import Risk
from autoclave.domain.run import Run, RunStatus
from autoclave.service.control import Control
from autoclave.service.goals import Answer, GoalSpec
from autoclave.service.home import init_home
from autoclave.settings import Settings
from autoclave.wiring import open_control

from .project import Project
from .story import GOAL, Step
from .worker import Worker

_ME = "person:eval"
_PER_GOAL = "{steps: 1000, seconds: 36000, tokens: 1000000000, usd: 1000, depth: 3}"
_PER_DAY = "{usd: 1000, tokens: 1000000000, model_calls: 20000}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pursued:
    """What the agent sent and heard, from its own requests and its own journal."""

    bodies: tuple[JsonObject, ...]
    usages: tuple[JsonObject, ...]
    """What the server counted for each."""
    asked_before: int
    """How many requests there were when the person answered."""
    turns: tuple[tuple[list[JsonObject], list[JsonObject]], ...]
    """For each answer about the work: its blocks, and the results of its calls."""
    worker: Worker
    usd: float
    """As the journal has it."""


async def pursue(
    folder: Path, project: Project, steps: Sequence[Step], price: Price, *, model: str, away: float
) -> Pursued:
    """The whole goal. Raises RuntimeError when it does not come to its end."""
    work = project.write(folder / "work")
    worker = Worker(steps, {name: len(text) for name, text in project.files.items()})
    with MessagesServer([Turn(reply=worker, repeat=FOREVER)]) as server:
        os.environ |= server.environment()
        adapter = Claude(price, model=model, base_url=server.base_url)
        control = open_control(_home(folder), settings=Settings(), model=adapter)
        before: list[int] = []

        async def answer(question: JsonObject) -> Answer:
            before.append(len(server.bodies))
            server.clock.advance(away)
            return Answer(yes=True, by=_ME, reason="yes, it is in the new contract")

        try:
            run = await _pursued(control, work, answer)
        finally:
            await adapter.aclose()
            await control.aclose()
        if run.status is not RunStatus.DONE:
            raise RuntimeError(f"the goal ended {run.status}: {run.reason}")
        asked = [each for each in server.requests if each.path.endswith("/messages")]
    return Pursued(
        bodies=tuple(each.body for each in asked),
        usages=tuple(dict(each.note["usage"]) for each in asked),
        asked_before=before[0],
        turns=tuple(_turns(run)),
        worker=worker,
        usd=run.spend.usd,
    )


async def _pursued(control: Control, work: Path, answer: Any) -> Run:
    spec = GoalSpec(text=GOAL, workspace=work, budget_usd=900.0, allow_up_to=Risk.R2)
    report = await control.run_goal(spec, by=_ME, ask=answer)
    return await control._parts.ledger.load(report["id"])  # for its transcript


def _home(folder: Path) -> Any:
    """A fresh one whose budgets are no part of what is measured."""
    home = init_home(folder / "home").home
    text = home.rules.read_text()
    for name, most in (("per_goal", _PER_GOAL), ("per_day", _PER_DAY)):
        start = text.index(f"  {name}: ")
        text = text[:start] + f"  {name}: {most}" + text[text.index("\n", start) :]
    home.rules.write_text(text)
    return home


def _turns(run: Run) -> list[tuple[list[JsonObject], list[JsonObject]]]:
    turns: list[tuple[list[JsonObject], list[JsonObject]]] = []
    for entry in run.transcript:
        if entry["intent"]["kind"] != "Think":
            turns[-1][1].append(entry)
        elif entry["intent"]["purpose"] == "work" and entry["result"]["ok"]:
            turns.append((entry["result"]["value"]["blocks"], []))
    return turns
