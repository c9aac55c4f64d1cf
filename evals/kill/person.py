"""The person behind the goals: adds them, answers from what can be seen, looks at the end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes import KEY
from tests.fakes_owner import Person as Owner

from autoclave.core.board import BoardProjection
from autoclave.core.journal import SqlJournal
from autoclave.domain.approval import Approval
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.folding import fold_all
from autoclave.domain.owners import STREAM, fold_owners
from autoclave.domain.run import Run, RunStatus
from autoclave.governance.credentials import verify

from .world import World

_BUSY = "another process is writing"
_OWNER = Owner("kill")
_HOUR = 3600.0
_WORDS = ("pure", "idempotent", "verifiable", "once", "write")


@contextmanager
def journal_of(folder: Path) -> Iterator[SqlJournal]:
    """The journal, open for a moment: nothing of it may be open when a life is begun."""
    url = f"sqlite:///{folder / 'journal.db'}"
    journal = SqlJournal(url, KEY, folder / "anchor", projections=(BoardProjection(),))
    try:
        yield journal
    finally:
        journal.close()


def add_goals(folder: Path, chance: random.Random, *, goals: int, steps: int) -> None:
    """Chains of all effect classes in any order; the last goal is bound to fail at its end."""
    world = World(folder)
    (folder / "log").mkdir(parents=True)
    with journal_of(folder) as journal:
        first = {"name": _OWNER.name, "key": _OWNER.key, "home": "kill"}
        enrolled = NewEvent(kind=EventKind.OWNER_ENROLLED, payload=first)
        journal.post(STREAM, [enrolled], actor=_OWNER.by)
        for number in range(goals):
            kinds = [*_WORDS, *chance.choices(_WORDS, k=max(0, steps - len(_WORDS)))]
            chance.shuffle(kinds)
            kinds += ["fail"] if number == goals - 1 and goals > 1 else []
            name = journal.new_id("G")
            chain = [[f"s{at}", kind] for at, kind in enumerate(kinds, start=1)]
            world.seed(name, [step for step, _ in chain])
            payload = {
                "text": "walk",
                "workspace": str(world.workspace(name)),
                "facts": {"goal": name, "steps": chain},
            }
            added = NewEvent(kind=EventKind.GOAL_ADDED, payload=payload)
            journal.post(f"goal/{name}", [added], actor="person:kill")


def runs_of(journal: SqlJournal) -> list[Run]:
    """Every goal as the whole journal has it, without the cache."""
    events: dict[str, list[object]] = {}
    for event in journal.read_all(limit=1_000_000, stream="goal/"):
        events.setdefault(event.stream, []).append(event)
    return [fold_all(name.removeprefix("goal/"), found) for name, found in events.items()]  # type: ignore[arg-type]


class Person:
    """Answers truthfully: run it again only if it cannot be seen to have happened."""

    def __init__(self) -> None:
        self.said_yes = 0
        self.said_no = 0
        self.resumed = 0
        """Goals that were parked because nothing came of five lives."""

    def look(self, folder: Path, *, frozen: bool = False) -> bool:
        """Answer and resume whatever waits; whether any goal can go on.

        What waits for a workspace that a frozen process holds can't.
        """
        with journal_of(folder) as journal:
            going = [run for run in runs_of(journal) if not run.is_ended]
            going = [run for run in going if not (frozen and _BUSY in run.reason)]
            for run in going:
                if run.status is RunStatus.AWAITING_HUMAN:
                    self._answer(World(folder), journal, run)
                elif run.status is RunStatus.PARKED:
                    self._resume(journal, run)
        return bool(going)

    def _answer(self, world: World, journal: SqlJournal, run: Run) -> None:
        assert run.question is not None
        assert run.open_intent is not None
        inputs = run.open_intent["intent"]["inputs"]
        wanted = ("once", inputs["goal"], inputs["step"])
        seen = any((t.effect, t.goal, t.step) == wanted for t in world.traces())
        self.said_no += seen
        self.said_yes += not seen
        asked = {name: run.question[name] for name in ("request", "digest")}
        payload: JsonObject = {**asked, "yes": not seen, "reason": ""}
        if not seen:
            payload["approvals"] = [_signed(journal, run, asked).to_json()]
        event = NewEvent(kind=EventKind.ANSWER_GIVEN, payload=payload)
        journal.post(run.stream, [event], actor="person:kill")

    def _resume(self, journal: SqlJournal, run: Run) -> None:
        if "nothing came of it" not in run.reason and _BUSY not in run.reason:
            raise RuntimeError(f"{run.id} was parked: {run.reason}")
        self.resumed += 1
        event = NewEvent(kind=EventKind.GOAL_RESUMED)
        journal.post(run.stream, [event], actor="person:kill")


def _signed(journal: SqlJournal, run: Run, asked: JsonObject) -> Approval:
    book = fold_owners(journal.read(STREAM), verify)
    subject = f"{run.id}/{asked['request']}"
    return _OWNER.sign(book.sheet(subject, asked["digest"], expires_at=time.time() + _HOUR))
