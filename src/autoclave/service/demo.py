"""The whole loop on real code, in a throw-away home: no key, no network."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject, digest_bytes
from ..domain.errors import AutoclaveError, Conflict
from ..domain.risk import Risk
from .control import Control
from .goals import GoalSpec
from .home import Home, init_home

_DATA = Path(__file__).parent / "demo_data"
_CAPABILITY = "describe_table"
_BY = "person:demo"

Tell = Callable[[str, JsonObject], None]
"""Hears each chapter of the story: its name and its facts."""


class Signer(Protocol):
    """An owner's key, open."""

    @property
    def key(self) -> str: ...

    def sign(self, sheet: Sheet) -> Approval: ...


Approve = Callable[[JsonObject], Awaitable[bool]]
"""Asked with the whole proposal; yes approves exactly that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    text: str
    done: tuple[str, ...]


_TASKS = (
    _Task(
        text="describe latencies.csv and write a report to latencies.md",
        done=("python", "check_report.py", "latencies.csv", "latencies.md"),
    ),
    _Task(
        text="describe orders.csv and write a report to orders.md",
        done=("python", "check_report.py", "orders.csv", "orders.md"),
    ),
    _Task(
        text='search for "TODO" and write a report to todo.md',
        done=("grep", "-q", "signing key", "todo.md"),
    ),
)


async def run_demo(
    open_control: Callable[[Home], Control],
    *,
    owner: Callable[[Path], Signer],
    approve: Approve,
    tell: Tell,
) -> JsonObject:
    """Run the story and return its facts. Everything it makes is removed afterwards.

    `owner` makes a key in a folder; it approves in the throw-away home and nowhere else.
    """
    with tempfile.TemporaryDirectory(prefix="autoclave-demo-") as folder:
        root = Path(folder)
        home = init_home(root / "home").home
        workspace = root / "workspace"
        shutil.copytree(_DATA / "workspace", workspace)
        control = open_control(home)
        try:
            signer = owner(root / "owner")
            await control.enrol_first_owner("demo", signer.key, by=_BY)
            story = _Story(control, home, workspace, owner=signer, approve=approve, tell=tell)
            return await story.run()
        finally:
            await control.aclose()


class _Story:
    """The chapters, in order."""

    def __init__(
        self,
        control: Control,
        home: Home,
        workspace: Path,
        *,
        owner: Signer,
        approve: Approve,
        tell: Tell,
    ) -> None:
        self._control = control
        self._owner = owner
        self._home = home
        self._workspace = workspace
        self._approve = approve
        self._tell = tell
        self._started = time.monotonic()

    async def run(self) -> JsonObject:
        self._tell("home", {"home": str(self._home.root), "workspace": str(self._workspace)})
        sheet = await self._control.capability_sheet(_DATA / _CAPABILITY)
        signed = self._owner.sign(sheet)
        await self._control.add_capability(_DATA / _CAPABILITY, signed=signed, by=_BY)
        self._tell("capability", {"name": _CAPABILITY})
        goals = await self._try_goals()
        before = _score(goals)
        proposal = await self._find_fix()
        if not await self._approve(proposal):
            await self._control.reject_proposal(proposal["id"], "the answer was no", by=_BY)
            raise Conflict("the proposal was not approved, so the story ends here")
        applied = await self._sign(proposal)
        self._tell("applied", {"id": applied["id"], "commit": applied["commit"]})
        goals = await self._try_again(goals)
        after = _score(goals)
        undo_ok, redo_ok = await self._undo_and_redo(applied)
        audit = await self._control.audit_verify()
        self._tell("audit", audit)
        return self._facts(
            before, after, applied, undo_ok=undo_ok, redo_ok=redo_ok, audit_ok=audit["ok"]
        )

    async def _sign(self, proposal: JsonObject) -> JsonObject:
        sheet = await self._control.proposal_sheet(proposal["id"])
        if sheet.digest != proposal["digest"]:
            raise Conflict("the proposal changed while it was looked at")
        signed = self._owner.sign(sheet)
        return await self._control.approve_proposal(proposal["id"], signed=signed, by=_BY)

    async def _try_goals(self) -> list[JsonObject]:
        ids = []
        for task in _TASKS:
            spec = GoalSpec(
                text=task.text, workspace=self._workspace, done=task.done, allow_up_to=Risk.R1
            )
            ids.append((await self._control.add_goal(spec, by=_BY))["id"])
        return await self._drive(ids, "goal")

    async def _try_again(self, goals: list[JsonObject]) -> list[JsonObject]:
        """The goals that failed were queued again when the fix was applied."""
        return await self._drive([goal["id"] for goal in goals], "goal again")

    async def _drive(self, goals: list[str], chapter: str) -> list[JsonObject]:
        queued = [g for g in goals if (await self._control.goal(g))["status"] == "queued"]
        await self._control.run_again(queued)
        seen = [await self._control.goal(goal) for goal in goals]
        for goal in seen:
            if goal["id"] in queued:
                self._tell(chapter, goal)
        return seen

    async def _find_fix(self) -> JsonObject:
        self._tell("improving", {})
        found = await self._control.improve()
        self._tell("improved", found)
        waiting = [each for each in found["proposals"] if each["status"] == "waiting"]
        if not waiting:
            tried = "; ".join(str(each["reason"]) for each in found["tried"])
            raise AutoclaveError(f"no fix passed the gates: {tried or 'no opportunity was raised'}")
        proposal = await self._control.show_proposal(waiting[0]["id"], by=_BY)
        self._tell("proposal", proposal)
        return proposal

    async def _undo_and_redo(self, applied: JsonObject) -> tuple[bool, bool]:
        """Undone means: the old bytes, and the old failure. Redone means the opposite."""
        fixed = self._bytes_of(applied)
        await self._control.undo_proposal(applied["id"], by=_BY)
        undo_ok = self._bytes_of(applied) != fixed and not await self._works()
        self._tell("undone", {"ok": undo_ok})
        signed = self._owner.sign(await self._control.redo_sheet(applied["id"]))
        await self._control.redo_proposal(applied["id"], signed=signed, by=_BY)
        redo_ok = self._bytes_of(applied) == fixed and await self._works()
        self._tell("redone", {"ok": redo_ok})
        return undo_ok, redo_ok

    async def _works(self) -> bool:
        table = {"columns": ["n"], "rows": [["1"], ["2"], ["3"]]}
        ran = await self._control.run_capability(_CAPABILITY, {"table": table}, None)
        return ran["failure"] is None

    def _bytes_of(self, applied: JsonObject) -> list[str]:
        return [digest_bytes((self._home.root / path).read_bytes()) for path in applied["files"]]

    def _facts(
        self, before: JsonObject, after: JsonObject, applied: JsonObject, **checks: bool
    ) -> JsonObject:
        gates = [
            {"name": gate["name"], "verdict": gate["verdict"], "seconds": gate["seconds"]}
            for gate in applied["gates"]
        ]
        proposal = {"id": applied["id"], "digest": applied["digest"], "gates": gates}
        spent = before["model_calls"] + after["model_calls"]
        return {
            "before": {"goals": before["goals"], "succeeded": before["succeeded"]},
            "after": {"goals": after["goals"], "succeeded": after["succeeded"]},
            "proposal": proposal,
            **checks,
            "model_calls": spent,
            "seconds": round(time.monotonic() - self._started, 2),
        }


def _score(goals: list[JsonObject]) -> JsonObject:
    return {
        "goals": len(goals),
        "succeeded": sum(goal["status"] == "done" for goal in goals),
        "model_calls": sum(goal["spend"]["model_calls"] for goal in goals),
    }
