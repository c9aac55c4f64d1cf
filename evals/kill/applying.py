"""Proposals whose application is killed at every write, every event, and at random moments."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.fakes import FakeSandbox, FakeToolbox, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.ledger import Ledger
from autoclave.core.proposals import Proposals
from autoclave.core.writer import Writer
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.proposal import (
    Contract,
    Draft,
    Evidence,
    GateResult,
    GateVerdict,
    ProposalStatus,
    approval_digest,
)
from autoclave.domain.proposal_record import draft_to_json
from autoclave.domain.risk import Risk
from autoclave.domain.run import RunStatus
from autoclave.modification.body import Body, read_body
from autoclave.modification.lineage import Lineage
from autoclave.modification.workshop import LibcstWorkshop
from autoclave.sandbox.files import SafeFiles

from .faults import Faults
from .life import begin, collect, ended_within

_OWNER = Person("kill")
_GOAL, _PROPOSAL = "G-0001", "P-0001"
_POINT = "apply"
_BEFORE = {
    "capabilities/mean/code.py": b"def mean(numbers):\n    return sum(numbers) / len(numbers)\n",
    "capabilities/mean/old.py": b"GONE = True\n",
    "capabilities/mean/util.py": b"SIDE = 1\n",
}
_AFTER = {
    "capabilities/mean/code.py": b"def mean(numbers):\n    return sum(numbers) / 1\n",
    "capabilities/mean/new/more.py": b"ADDED = True\n",
    "capabilities/mean/util.py": b"SIDE = 2\n",
}


class FaultyLedger(Ledger):
    """A fault point before and after every fact that is posted."""

    def __init__(self, loop: Loop, faults: Faults) -> None:
        super().__init__(Writer(loop.journal), loop.journal)
        self._faults = faults

    async def post(self, stream: str, *events: NewEvent, actor: str) -> tuple[Event, ...]:
        self._faults.reach(_POINT)
        posted = await super().post(stream, *events, actor=actor)
        self._faults.reach(_POINT)
        return posted


class Applying:
    """One proposal, again and again, killed at another place each time."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311
        self._ready = folder / "proposal"
        self.kills = Counter[str]()
        self.ends = Counter[str]()
        self.half = 0
        self.twice = 0
        self.empty_commits = 0
        """Commits that say `apply` again and change nothing: the other one was a late git's."""
        self.lost_retries = 0
        self.chains_ok = 0
        self.places = 0
        self.overtaken = 0
        """Starts that failed because the git of the killed process was still committing."""
        self.span = 0.0

    def run(self, kills: int) -> None:
        """At every place once, then at `kills` random moments; each is then taken up again."""
        asyncio.run(_prepare(self._ready))
        while self._at_a_place(self.places + 1):
            self.places += 1
        while self.kills["at random"] < kills:
            self._at_a_moment()

    def figures(self) -> dict[str, object]:
        return {
            "figure": "proposal",
            "kills": self.kills.total(),
            "kills_by": dict(self.kills),
            "places": self.places,
            "applied_once": self.ends["applied"],
            "not_at_all": self.ends["waiting"],
            "half": self.half,
            "twice": self.twice,
            "starts_overtaken_by_a_late_git": self.overtaken,
            "empty_commits_after_a_late_git": self.empty_commits,
            "goals_not_tried_again": self.lost_retries,
            "chain_ok": self.chains_ok == self.ends.total(),
        }

    def _at_a_place(self, number: int) -> bool:
        """Whether there was such a place; what follows is killed as well, somewhere."""
        folder = self._fresh()
        start = time.monotonic()
        killed = self._life(folder, _approve, fault=f"kill:{_POINT}:{number}")
        if not killed:
            self.span = time.monotonic() - start
        self.kills["at a place"] += killed
        again = self._chance.randint(1, 30)
        self.kills["while finishing"] += self._life(folder, _finish, fault=f"kill:{_POINT}:{again}")
        self._close(folder)
        return killed

    def _at_a_moment(self) -> None:
        folder = self._fresh()
        moment = self._chance.uniform(0, self.span)
        self.kills["at random"] += self._life(folder, _approve, seconds=moment)
        self._close(folder)

    def _life(
        self,
        folder: Path,
        work: Callable[[Path], None],
        *,
        fault: str = "",
        seconds: float | None = None,
    ) -> bool:
        pid = begin(partial(work, folder), folder, fault=fault)
        if not ended_within(pid, seconds):
            os.kill(pid, signal.SIGKILL)
        try:
            return collect(pid, folder) == -signal.SIGKILL
        except RuntimeError as error:
            # The git of a killed process lives on, and was faster: the next start sees its commit.
            if "git fast-import failed" not in str(error):
                raise
            self.overtaken += 1
            return self._life(folder, work)

    def _fresh(self) -> Path:
        folder = self._folder / "case"
        shutil.copytree(self._ready, folder)
        return folder

    def _close(self, folder: Path) -> None:
        """Start once more without harm, and look at what it came to."""
        self._life(folder, _finish)
        asyncio.run(self._count(folder))
        shutil.rmtree(folder)

    async def _count(self, folder: Path) -> None:
        loop, workshop = _open(folder)
        status = (await Proposals(loop.parts).get(_PROPOSAL)).status
        events = await loop.parts.ledger.events(f"proposal/{_PROPOSAL}")
        goal = await loop.parts.ledger.events(f"goal/{_GOAL}")
        self.chains_ok += loop.journal.verify().ok
        loop.close()
        commits = [each for each in workshop.lineage() if each["step"] == "apply"]
        applied = sum(each["tree"] != each["base_tree"] for each in commits)
        said = sum(each.kind is EventKind.PROPOSAL_APPLIED for each in events)
        retried = sum(each.kind is EventKind.GOAL_RETRIED for each in goal)
        is_applied = status is ProposalStatus.APPLIED
        files = {
            path.relative_to(folder / "home").as_posix(): path.read_bytes()
            for path in (folder / "home").rglob("*")
            if path.is_file() and ".lineage" not in path.parts
        }
        self.ends[str(status)] += 1
        self.empty_commits += len(commits) - applied
        self.half += files != (_AFTER if is_applied else _BEFORE) or applied < is_applied
        self.twice += max(applied, said, retried) > is_applied
        self.lost_retries += retried < is_applied


def _open(folder: Path, faults: Faults | None = None) -> tuple[Loop, LibcstWorkshop]:
    loop = open_loop(folder, FakeToolbox(), clock=time.time)
    home = folder / "home"
    workshop = LibcstWorkshop(
        root=home,
        sandbox=FakeSandbox(),
        files=SafeFiles(),
        lineage=Lineage(home / ".lineage", clock=time.time),
        run_examples=_no_examples,
    )
    ledger = FaultyLedger(loop, faults) if faults else loop.parts.ledger
    return replace(loop, parts=replace(loop.parts, workshop=workshop, ledger=ledger)), workshop


def _approve(folder: Path) -> None:
    """What `autoclave proposal approve` does."""
    _with_proposals(folder, _approve_it)


async def _approve_it(proposals: Proposals) -> None:
    await _OWNER.approve(proposals, _PROPOSAL)


def _finish(folder: Path) -> None:
    """What the engine does first when it starts."""
    _with_proposals(folder, Proposals.finish_interrupted)


def _with_proposals(folder: Path, work: Callable[[Proposals], Any]) -> None:
    faults = Faults.from_environment()
    loop, _ = _open(folder, faults)
    with faults.every_write(_POINT):
        asyncio.run(work(Proposals(loop.parts)))
    loop.close()


async def _prepare(folder: Path) -> None:
    """A home with a failed goal, and a proposal that passed its gates and waits."""
    for name, data in _BEFORE.items():
        (folder / "home" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "home" / name).write_bytes(data)
    loop, workshop = _open(folder)
    workshop.begin()
    ledger = loop.parts.ledger
    await loop.add("mean of nothing")
    run = await ledger.take(await ledger.load(_GOAL), mind="tree")
    ended = {"success": "failed", "reason": "ZeroDivisionError"}
    run = await ledger.record(run, NewEvent(kind=EventKind.GOAL_ENDED, payload=ended))
    assert run.status is RunStatus.FAILED
    body = read_body(SafeFiles(), folder / "home", ("capabilities",))
    events = [
        NewEvent(kind=EventKind.PROPOSAL_DRAFTED, payload=_drafted(body)),
        NewEvent(kind=EventKind.GATES_JUDGED, payload=_judged(_draft(body))),
    ]
    await ledger.post(f"proposal/{_PROPOSAL}", *events, actor="kernel")
    await _OWNER.own(loop.parts)
    loop.close()


def _draft(body: Body) -> Draft:
    changes = ChangeSet(
        tuple(
            FileChange(path=path, before=_BEFORE.get(path), after=_AFTER.get(path))
            for path in sorted(_BEFORE.keys() | _AFTER.keys())
        )
    )
    return Draft(
        edits=(),
        changes=changes,
        base_tree=body.digest,
        candidate_tree=body.after(changes).digest,
        diff=changes.diff(),
        risk=Risk.R4,
    )


def _drafted(body: Body) -> JsonObject:
    contract = Contract(cause=(), expected_fixes=(_GOAL,))
    return {
        "key": "G-0002-1",
        "title": "mean of nothing",
        "reason": "it divides by zero",
        "goal_id": "G-0002",
        "opportunity_key": "",
        "capability": "mean",
        "operators": [],
        "draft": draft_to_json(_draft(body)),
        "contract": contract.to_json(),
    }


def _judged(draft: Draft) -> JsonObject:
    gate = GateResult(name="tests", verdict=GateVerdict.PASS, seconds=0.0, summary="fine")
    evidence = Evidence(gates=(gate,), tier="restricted", self_test="seen")
    return {
        "gates": [gate.to_json()],
        "tier": evidence.tier,
        "self_test": evidence.self_test,
        "rules_digest": "rules",
        "digest": approval_digest(draft, evidence, rules_digest="rules"),
        "expires_at": time.time() + 3600,
    }


async def _no_examples(root: Path, capability: str) -> list[JsonObject]:
    return []
