"""A change of the mind from its draft to the next decision, and back again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.fakes_owner import Person

from autoclave.core.owners import Owners
from autoclave.core.proposing import Proposing
from autoclave.core.replay import CaseReplay
from autoclave.core.surface import rule_on_surface
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.intents import Propose
from autoclave.domain.knowledge import Case
from autoclave.domain.proposal import (
    Contract,
    Edit,
    EditOperation,
    Evidence,
    GateResult,
    GateVerdict,
)
from autoclave.domain.run import Run
from autoclave.modification.targets import target_hash
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec
from autoclave.service.home import init_home
from autoclave.wiring import open_control

pytestmark = pytest.mark.slow

SEEING = """

def plan(view: View) -> Reply:
    found = next_plan(view)
    if found is None:
        return ask_for_plan(view, why="no known plan fits") if may_ask(view) else _cannot(view)
    return begin(view, found, why=f"a {found['source']} plan: {found['signature']}")
"""
ANN, BOB = Person("ann"), Person("bob")
RECOVERY = "mind/recovery.py"
FACTS = {
    "key": "k",
    "title": "waits too short",
    "capability": "",
    "pattern_id": "PT-1",
    "confirmations": 3,
    "goals": [],
    "cases": [],
}


@dataclass(kw_only=True)
class Desk:
    """A home with two owners and the real gates."""

    shop: Any

    @property
    def parts(self) -> Any:
        return self.shop.control._parts

    def bytes_of(self, file: str) -> bytes:
        data: bytes = (self.shop.home.root / file).read_bytes()
        return data

    def longer_wait(self) -> Edit:
        source = "_FIRST_WAIT_SECONDS = 2.0\n"
        edit: Edit = self.shop.edit("replace", "_FIRST_WAIT_SECONDS", source, file=RECOVERY)
        return edit

    async def own(self) -> None:
        """Ann lets Bob in; her first word on it is a day old."""
        await ANN.own(self.shop.control)
        owners, now = Owners(self.parts), self.parts.clock()
        sheet = await owners.change_sheet("add", BOB.name, BOB.key)
        early = ANN.sign(sheet, now=now - 90_000.0).to_json()
        asked = {"name": BOB.name, "key": BOB.key, "change": "add", "approval": early}
        event = NewEvent(kind=EventKind.OWNER_CHANGE_SIGNED, payload=asked)
        await self.parts.ledger.post("owners", event, actor=ANN.by)
        signed = ANN.sign(sheet, now=now)
        assert await owners.change("add", BOB.name, BOB.key, signed=signed, by=ANN.by)

    async def propose(self, *edits: Edit) -> str:
        """As an improvement does it, with every gate."""
        ledger = self.parts.ledger
        goal = await ledger.new_id("G")
        payload = {"text": "wait longer", "kind": "improvement", "facts": FACTS}
        added = NewEvent(kind=EventKind.GOAL_ADDED, payload=payload)
        await ledger.post(f"goal/{goal}", added, actor="kernel")
        run = await ledger.take(await ledger.load(goal), mind=self.parts.mind.tree)
        given = [edit.to_json() for edit in edits]
        intent = Propose(title="Wait longer", reason="too short", edits=given, contract={})
        run = await Proposing(self.parts).perform(run, intent)
        result: JsonObject = run.replies[-1]["result"]
        assert result["ok"], result
        return str(result["value"]["proposal"])

    async def file(self, *edits: Edit) -> str:
        """Write a proposal down as if every gate had let it through."""
        draft = self.shop.workshop.draft(edits)
        gate = GateResult(name="surface", verdict=GateVerdict.PASS, seconds=0.0, summary="fine")
        evidence = Evidence(gates=(gate,), tier="RESTRICTED", self_test="0")
        intent = Propose(title="A mind that fails", reason="x", edits=[], contract={})
        contract = Contract(cause=(), expected_fixes=())
        run = Run(id="G-0001", facts={})
        ruling = rule_on_surface(self.parts, draft.changes, goal=run.id)
        return await Proposing(self.parts)._write_down(
            run, intent, "k", draft, evidence, contract, ruling=ruling, answers=[]
        )

    async def approve(self, proposal: str) -> JsonObject:
        await ANN.approve(self.shop.control, proposal)
        done: JsonObject = await BOB.approve(self.shop.control, proposal)
        return done

    async def reach(self, text: str) -> JsonObject:
        spec = GoalSpec(text=text, workspace=None, done=())
        done: JsonObject = await self.shop.control.run_goal(spec, by=ANN.by)
        return done

    async def minds(self) -> list[str]:
        """The mind of every activation of a goal, oldest first."""
        events = await self.parts.ledger.events_below("goal/")
        return [each.payload["mind"] for each in events if each.kind is EventKind.RUN_TAKEN]


@pytest_asyncio.fixture
async def desk(make_shop: Callable[[], Any]) -> AsyncIterator[Desk]:
    desk = Desk(shop=make_shop())
    await desk.own()
    yield desk


async def test_a_changed_mind_decides_next_until_it_is_undone(desk: Desk) -> None:
    """Two people approve it; its bytes are written, decide, are taken back and come again."""
    before, bytes_before = desk.parts.mind.tree, desk.bytes_of(RECOVERY)
    proposal = await desk.propose(desk.longer_wait())

    once = await ANN.approve(desk.shop.control, proposal)
    assert (once["status"], desk.bytes_of(RECOVERY)) == ("signed", bytes_before)
    applied = await BOB.approve(desk.shop.control, proposal)

    after = desk.parts.mind.tree
    assert applied["status"] == "applied"
    assert after != before
    assert desk.bytes_of(RECOVERY) != bytes_before
    assert (await desk.shop.control.lineage())[0]["proposal"] == proposal
    await desk.reach("book a flight")
    assert (await desk.minds())[-1] == after

    await desk.shop.control.undo_proposal(proposal, by=ANN.by)
    assert (desk.parts.mind.tree, desk.bytes_of(RECOVERY)) == (before, bytes_before)
    once = await ANN.redo(desk.shop.control, proposal)
    assert (once["status"], once["waits_for"][:15]) == ("undone", "a second person")
    assert desk.bytes_of(RECOVERY) == bytes_before
    redone = await BOB.redo(desk.shop.control, proposal)
    assert (redone["status"], desk.parts.mind.tree) == ("applied", after)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('raise RuntimeError("no")\n', "RuntimeError"),
        ("def decide(view):\n    return {}\n", "an object that has an intent"),
    ],
)
async def test_the_kernel_takes_back_a_mind_that_does_not_answer(
    desk: Desk, source: str, said: str
) -> None:
    """Whatever the gates had said, and by itself: the old mind goes on."""
    before, file = desk.bytes_of("mind/__init__.py"), "mind/__init__.py"
    proposal = await desk.file(desk.shop.edit("replace", "", source, file=file))

    done = await desk.approve(proposal)

    events = await desk.parts.ledger.events(f"proposal/{proposal}")
    last = events[-1]
    assert done["status"] == "undone"
    assert (last.kind, last.actor) == (EventKind.PROPOSAL_UNDONE, "kernel")
    assert "the changed mind does not answer" in done["decision_reason"]
    assert said in done["decision_reason"]
    assert desk.bytes_of(file) == before
    assert (await desk.reach("book a flight"))["status"] == "failed"


async def test_a_home_whose_mind_cannot_be_read_says_so_and_can_be_mended(
    desk: Desk, make_shop: Callable[[], Any]
) -> None:
    """It opens, names what is wrong, and an earlier change can still be taken back."""
    bytes_before = desk.bytes_of(RECOVERY)
    proposal = await desk.file(desk.longer_wait())
    await desk.approve(proposal)
    broken = desk.shop.home.root / "mind/__init__.py"
    whole = broken.read_bytes()
    broken.write_bytes(b"\xff")

    again = Desk(shop=make_shop())
    health = await again.shop.control.doctor()
    undone = await again.shop.control.undo_proposal(proposal, by=ANN.by)
    broken.write_bytes(whole)

    mind = next(each for each in health["checks"] if each["name"] == "mind")
    assert mind["verdict"] == "fail"
    assert "can't be read" in mind["detail"]
    assert undone["status"] == "undone"
    assert again.bytes_of(RECOVERY) == bytes_before
    assert (await again.reach("book a flight"))["status"] == "failed"


@pytest.fixture
def blind_home(tmp_path: Path) -> Iterator[Control]:
    """A whole home whose mind never finds a plan."""
    home = init_home(tmp_path / "home").home
    planning = home.mind / "planning.py"
    text = planning.read_text(encoding="utf-8")
    assert "found = next_plan(view)" in text
    planning.write_text(text.replace("found = next_plan(view)", "found = None"), encoding="utf-8")
    control = open_control(home)
    yield control
    asyncio.run(control.aclose())


async def test_a_mend_of_the_mind_is_proved_on_the_goal_that_failed(
    blind_home: Control, tmp_path: Path
) -> None:
    """The goal fails without the change and is reached with it; a change of words mends nothing."""
    (tmp_path / "notes.txt").write_text("water the plants\n")
    spec = GoalSpec(text="show notes.txt", workspace=tmp_path, done=())
    failed = await blind_home.run_goal(spec, by=ANN.by)
    notes = {"notes.txt": "water the plants\n"}
    given: dict[str, Any] = {"event_id": 1, "capability": "", "inputs": {}, "done": ()}
    case = Case(goal_id=failed["id"], files=notes, **given)

    async def judged(target: str, source: str) -> tuple[str, str]:
        """The name and the words of the last gate that had something to say."""
        file = "mind/planning.py"
        text = (blind_home.home.root / file).read_text(encoding="utf-8")
        edit = Edit(
            operation=EditOperation.REPLACE,
            file=file,
            target=target,
            target_hash=target_hash(text, target),
            source=source,
        )
        parts = blind_home._parts
        draft = parts.workshop.draft([edit])
        evidence = await parts.workshop.judge(draft, cases=[case], replay=CaseReplay(parts))
        spoke = [gate for gate in evidence.gates if "after an earlier fail" not in gate.summary]
        return str(spoke[-1].verdict), spoke[-1].summary

    mended = await judged("plan", SEEING)
    reworded = await judged("_SIMILAR", "_SIMILAR = 0.6\n")

    assert mended[1].startswith("1 recorded failures succeed now, and fail without the change")
    assert mended[0] == "pass"
    assert reworded == ("fail", "it decides nothing else in the goals that failed")
