"""The way from a yes to written bytes under attack: nothing but that yes, once, for those bytes."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.fakes_owner import Person

from autoclave.core.proposals import Proposals
from autoclave.core.proposing import Proposing
from autoclave.core.surface import rule_on_surface
from autoclave.domain.errors import Conflict, JournalBroken, NotFound, Stale
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.intents import Propose
from autoclave.domain.proposal import Contract, Edit, Evidence, GateResult, GateVerdict
from autoclave.domain.proposal_record import draft_to_json
from autoclave.domain.run import Run
from autoclave.wiring import open_control

pytestmark = pytest.mark.slow

CODE = "capabilities/totals/code.py"
OWNER = Person("me")
ME = OWNER.by
CONTRACT = Contract(cause=(7,), expected_fixes=())


@dataclass(kw_only=True)
class Desk:
    """A home with one proposal that waits, and the means to attack it."""

    shop: Any
    proposal: str = ""

    @property
    def control(self) -> Any:
        return self.shop.control

    @property
    def code(self) -> Path:
        path: Path = self.shop.home.root / CODE
        return path

    async def file(self, *edits: Edit, passing: bool = True) -> str:
        """Write a proposal down as the kernel does when the gates have judged."""
        draft = self.shop.workshop.draft(edits or [self.shop.edit()])
        verdict = GateVerdict.PASS if passing else GateVerdict.FAIL
        gate = GateResult(name="surface", verdict=verdict, seconds=0.0, summary="as it is")
        evidence = Evidence(gates=(gate,), tier="RESTRICTED", self_test="0")
        intent = Propose(title="Mean of nothing", reason="it fails", edits=[], contract={})
        run = Run(id="G-0001", facts={})
        key = f"k-{time.monotonic_ns()}"
        parts = self.control._parts
        ruling = rule_on_surface(parts, draft.changes, goal=run.id)
        return await Proposing(parts)._write_down(
            run, intent, key, draft, evidence, CONTRACT, ruling=ruling, answers=[]
        )

    async def digest(self, proposal: str = "") -> str:
        shown = await self.control.proposal(proposal or self.proposal)
        found: str = shown["digest"]
        return found

    async def approve(self, proposal: str = "", digest: str | None = None) -> Any:
        wanted = proposal or self.proposal
        given = await self.digest(wanted) if digest is None else digest
        return await OWNER.approve(self.control, wanted, digest=given)

    async def status(self, proposal: str = "") -> str:
        found: str = (await self.control.proposal(proposal or self.proposal))["status"]
        return found

    async def applied(self) -> int:
        """How often anything was ever applied in this home."""
        events = await self.control._parts.ledger.events_below("proposal/")
        return sum(each.kind is EventKind.PROPOSAL_APPLIED for each in events)

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.shop.home.database) as database:
            database.execute(statement, values)


@pytest_asyncio.fixture
async def desk(make_shop: Callable[[], Any]) -> AsyncIterator[Desk]:
    desk = Desk(shop=make_shop())
    desk.shop.workshop.begin()
    desk.proposal = await desk.file()
    yield desk


async def test_the_digest_that_is_shown_applies_it(desk: Desk) -> None:
    """So that all the noes below mean something."""
    done = await desk.approve()

    assert done["status"] == "applied"
    assert "if amounts else 0.0" in desk.code.read_text(encoding="utf-8")


@pytest.mark.parametrize("forge", [lambda d: "", lambda d: d[:7], lambda d: d[1:], str.upper])
async def test_a_digest_that_is_not_it_applies_nothing(
    desk: Desk, forge: Callable[[str], str]
) -> None:
    """Empty, too short to mean anything, shifted, spelt otherwise."""
    digest = await desk.digest()

    with pytest.raises(Stale, match="is not that of"):
        await desk.approve(digest=forge(digest))

    assert (await desk.status(), await desk.applied()) == ("waiting", 0)


async def test_a_yes_for_one_is_none_for_another(desk: Desk) -> None:
    """Two proposals for the same code, one digest."""
    other = await desk.file(desk.shop.edit("append", "", "\n\nEXTRA = 1\n"))

    with pytest.raises(Stale, match="is not that of"):
        await desk.approve(other, digest=await desk.digest())

    assert await desk.applied() == 0


async def test_an_approval_is_used_once(desk: Desk) -> None:
    """Replayed after an undo, by the digest or by the journal's own event."""
    digest = await desk.digest()
    await desk.approve()
    await desk.control.undo_proposal(desk.proposal, by=ME)
    before = desk.code.read_bytes()
    events = await desk.control._parts.ledger.events(f"proposal/{desk.proposal}")
    approved = next(each for each in events if each.kind is EventKind.PROPOSAL_APPROVED)

    again = NewEvent(kind=EventKind.PROPOSAL_APPROVED, payload=approved.payload)
    await desk.control._parts.ledger.post(f"proposal/{desk.proposal}", again, actor=ME)
    with pytest.raises(Conflict):
        await desk.approve(digest=digest)
    with pytest.raises(Conflict):
        await Proposals(desk.control._parts).apply(desk.proposal)

    assert await Proposals(desk.control._parts).finish_interrupted() == []
    assert (await desk.status(), desk.code.read_bytes()) == ("undone", before)


async def test_nothing_is_applied_without_an_approval(desk: Desk) -> None:
    """The kernel's own way in asks for it too."""
    with pytest.raises(Conflict):
        await Proposals(desk.control._parts).apply(desk.proposal)

    assert await Proposals(desk.control._parts).finish_interrupted() == []


async def test_what_a_gate_refused_cannot_be_approved(desk: Desk) -> None:
    """Not even by the right digest."""
    failed = await desk.file(desk.shop.edit("append", "", "\n\nEXTRA = 1\n"), passing=False)

    with pytest.raises(Conflict, match="failed"):
        await desk.approve(failed)


@pytest.mark.parametrize("decide", ["reject", "return"])
async def test_a_no_stays_a_no(desk: Desk, decide: str) -> None:
    """The digest is still known to everybody who saw it."""
    digest = await desk.digest()
    if decide == "reject":
        await desk.control.reject_proposal(desk.proposal, "no", by=ME)
    else:
        await desk.control.return_proposal(desk.proposal, ["not so"], by=ME)

    with pytest.raises(Conflict):
        await desk.approve(digest=digest)

    assert await desk.applied() == 0


async def test_a_changed_base_makes_the_approval_void(desk: Desk) -> None:
    """It was measured on other code."""
    desk.code.write_text(desk.code.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    with pytest.raises(Stale, match="changed since"):
        await desk.approve()

    assert "if amounts else" not in desk.code.read_text(encoding="utf-8")


async def test_changed_rules_make_the_approval_void(
    desk: Desk, make_shop: Callable[[], Any]
) -> None:
    """Judged under the old ones, it would be applied under the new ones."""
    _tighten(desk)
    later = Desk(shop=make_shop(), proposal=desk.proposal)

    with pytest.raises(Stale, match="rules changed"):
        await later.approve()


async def test_changed_rules_stop_a_redo_too(desk: Desk, make_shop: Callable[[], Any]) -> None:
    """The yes was given under rules that are no more."""
    await desk.approve()
    await desk.control.undo_proposal(desk.proposal, by=ME)
    _tighten(desk)
    later = Desk(shop=make_shop(), proposal=desk.proposal)
    before = desk.code.read_bytes()

    with pytest.raises(Stale, match="rules changed"):
        await OWNER.redo(later.control, desk.proposal)

    assert desk.code.read_bytes() == before


async def test_a_late_yes_is_no_yes(desk: Desk) -> None:
    """And it stays expired when the clock is turned back."""
    parts = desk.control._parts
    late = Proposals(replace(parts, clock=lambda: time.time() + 10 * 86_400))
    digest = await desk.digest()

    with pytest.raises(Stale, match="expired"):
        await OWNER.approve(late, desk.proposal, digest=digest)
    with pytest.raises(Conflict, match="expired"):
        await desk.approve(digest=digest)


async def test_an_edited_row_is_noticed_before_it_is_applied(desk: Desk) -> None:
    """Approve X, apply Y, by way of the database."""
    digest = await desk.digest()
    draft = desk.shop.workshop.draft([desk.shop.edit("append", "", "\n\nEVIL = 1\n")])
    await desk.control._parts.ledger.events("agent")
    with sqlite3.connect(desk.shop.home.database) as database:
        (text,) = database.execute(
            "SELECT payload FROM events WHERE kind = 'ProposalDrafted'"
        ).fetchone()
        payload = {**json.loads(text), "draft": draft_to_json(draft)}
        database.execute(
            "UPDATE events SET payload = ? WHERE kind = 'ProposalDrafted'", [json.dumps(payload)]
        )

    with pytest.raises(JournalBroken, match="changed after it was written"):
        await OWNER.approve(desk.control, desk.proposal, digest=digest)

    audit = await desk.control.audit_verify()
    assert not audit["ok"]
    assert audit["first_bad"]
    assert "EVIL" not in desk.code.read_text(encoding="utf-8")


async def test_a_second_verdict_counts_for_nothing(desk: Desk) -> None:
    """What failed stays failed, even if the kernel itself wrote something kinder after it."""
    failed = await desk.file(desk.shop.edit("append", "", "\n\nEXTRA = 1\n"), passing=False)
    ledger = desk.control._parts.ledger
    passing = (await ledger.events(f"proposal/{desk.proposal}"))[1]

    kinder = NewEvent(kind=EventKind.GATES_JUDGED, payload=passing.payload)
    await ledger.post(f"proposal/{failed}", kinder, actor="kernel")

    with pytest.raises(Conflict, match="failed"):
        await desk.approve(failed)


async def test_a_deleted_no_is_noticed_by_the_audit(desk: Desk) -> None:
    """The row is gone, its place in the chain is not."""
    await desk.control.reject_proposal(desk.proposal, "no", by=ME)

    desk.sql("DELETE FROM events WHERE kind = 'ProposalRejected'")

    audit = await desk.control.audit_verify()
    assert not audit["ok"]


async def test_an_older_copy_of_the_database_is_not_opened(
    desk: Desk, make_shop: Callable[[], Any], tmp_path: Path
) -> None:
    """Nobody gets a second try at a proposal that was rejected."""
    with sqlite3.connect(desk.shop.home.database) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(desk.shop.home.database, tmp_path / "copy.db")
    await desk.control.reject_proposal(desk.proposal, "no", by=ME)
    await desk.control.aclose()
    for path in desk.shop.home.database.parent.glob("autoclave.db*"):
        path.unlink()
    shutil.copyfile(tmp_path / "copy.db", desk.shop.home.database)

    with pytest.raises(JournalBroken):
        open_control(desk.shop.home)


APPROVE = """\
import asyncio, sys
from pathlib import Path
from tests.fakes_owner import Person
from autoclave.domain.errors import AutoclaveError
from autoclave.service.home import Home
from autoclave.wiring import open_control

async def main():
    control = open_control(Home(root=Path(sys.argv[1])))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        _, root, proposal, digest, who = sys.argv
        done = await Person("me").approve(control, proposal, digest=digest, by="person:" + who)
        print(done["status"])
    except AutoclaveError as error:
        print(type(error).__name__)
    await control.aclose()

asyncio.run(main())
"""


@pytest.mark.slow
async def test_two_people_in_two_processes_apply_it_once(desk: Desk) -> None:
    """Both say yes at the same moment; one yes is used, the other one is told."""
    await OWNER.own(desk.control)
    digest = await desk.digest()
    root = str(desk.shop.home.root)
    pipe = asyncio.subprocess.PIPE
    both = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", APPROVE, root, desk.proposal, digest, who),
            stdin=pipe,
            stdout=pipe,
            cwd=Path(__file__).parents[2],
        )
        for who in ("ann", "bob")
    ]
    for process in both:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

    said = [out.decode().strip() for out, _ in [await p.communicate(b"go\n") for p in both]]

    assert "applied" in said
    assert set(said) <= {"applied", "Conflict", "Busy", "Stale"}
    assert (await desk.status(), await desk.applied()) == ("applied", 1)
    steps = [each["proposal"] for each in await desk.control.lineage()]
    assert steps.count(desk.proposal) == 1
    assert (await desk.control.audit_verify())["ok"]


async def test_undo_and_redo_take_turns(desk: Desk) -> None:
    """Neither is possible twice, nor before anything was applied."""
    with pytest.raises(Conflict):
        await desk.control.undo_proposal(desk.proposal, by=ME)
    with pytest.raises(Conflict):
        await OWNER.redo(desk.control, desk.proposal)
    await desk.approve()
    with pytest.raises(Conflict):
        await OWNER.redo(desk.control, desk.proposal)
    await desk.control.undo_proposal(desk.proposal, by=ME)
    with pytest.raises(Conflict):
        await desk.control.undo_proposal(desk.proposal, by=ME)
    with pytest.raises(NotFound):
        await desk.control.undo_proposal("P-0999", by=ME)


async def test_the_reviewer_sees_how_far_small_steps_have_led(desk: Desk) -> None:
    """Each step is harmless and approved; what they add up to is stated with every next one.

    The gates promise no more: whether the sum is harmless is for the person to say.
    """
    await desk.approve()
    steps = []
    for number in (1, 2):
        edit = desk.shop.edit("append", "", f"\n\nSTEP_{number} = {number}\n")
        steps.append(await desk.file(edit))
        await desk.approve(steps[-1])

    verdict = await desk.shop.try_edits(
        [desk.shop.edit("append", "", "\n\nimport socket\n")], cases=[]
    )

    surface = verdict.evidence.gates[0]
    walked = surface.facts["since_first"][CODE]
    assert [step["proposal"] for step in walked["steps"]] == [desk.proposal, *steps]
    assert walked["lines"] >= sum(step["lines"] for step in walked["steps"])
    assert f"{walked['lines']} lines away from the first version" in surface.summary
    assert verdict.gate == "capability delta"


async def test_no_step_may_add_the_part_that_matters(desk: Desk) -> None:
    """First a helper that looks harmless, then its use: the step that adds the power is refused."""
    helper = "\n\ndef _apply(action: Any, value: Any) -> Any:\n    return action(value)\n"
    await desk.approve()
    await desk.approve(await desk.file(desk.shop.edit("append", "", helper)))

    use = "\n\ndef run(text: str) -> Any:\n    return _apply(eval, text)\n"
    verdict = await desk.shop.try_edits([desk.shop.edit("append", "", use)], cases=[])

    assert verdict.gate == "capability delta"
    assert "eval: eval" in verdict.reason


def _tighten(desk: Desk) -> None:
    """A person edits the rules."""
    rules = desk.shop.home.rules
    text = rules.read_text(encoding="utf-8")
    tighter = text.replace("protected_paths: []", "protected_paths: [precious.txt]")
    assert tighter != text
    rules.write_text(tighter, encoding="utf-8")
