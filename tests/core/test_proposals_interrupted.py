"""Proposals whose application was cut off: finished once, or ended, and the engine starts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeGate, FakeToolbox, FakeWorkshop, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.owners import Owners
from autoclave.core.proposals import Proposals
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import Conflict, Stale
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

ME = Person("test")
GOAL, PROPOSAL = "G-0001", "P-0001"
CHANGES = ChangeSet((FileChange(path="capabilities/a/code.py", before=b"1", after=b"2"),))
DRAFT = Draft(
    edits=(), changes=CHANGES, base_tree="base", candidate_tree="new", diff="", risk=Risk.R4
)
GATE = GateResult(name="tests", verdict=GateVerdict.PASS, seconds=0.0, summary="")
EVIDENCE = Evidence(gates=(GATE,), tier="restricted", self_test="")
DIGEST = approval_digest(DRAFT, EVIDENCE, rules_digest="rules")


class Workshop(FakeWorkshop):
    """Counts what is applied; its body can move on."""

    def __init__(self) -> None:
        self.body = "base"
        self.applied = 0

    def apply(self, draft: Draft, *, proposal: str, message: str) -> str:
        if self.body != draft.base_tree:
            raise Stale("the body changed")
        self.applied += 1
        return "c0ffee"

    def base_tree(self) -> str:
        return self.body


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def loop(tmp_path: Path, workshop: Workshop) -> Iterator[Loop]:
    """A failed goal, and an approved proposal that promises to fix it."""
    loop = open_loop(tmp_path, FakeToolbox())
    loop.parts = replace(loop.parts, workshop=workshop)
    asyncio.run(_prepare(loop))
    yield loop
    loop.close()


async def test_the_goals_are_tried_again_after_a_crash_in_between(loop: Loop) -> None:
    """Applied and then killed: the promise is kept at the next start, and kept once."""
    await _post(loop, EventKind.PROPOSAL_APPLIED, commit="c0ffee", tree="new")

    for _ in range(2):
        await Proposals(loop.parts).finish_interrupted()

    assert (await loop.parts.ledger.load(GOAL)).attempt == 2


async def test_an_approved_proposal_is_applied_at_the_next_start(
    loop: Loop, workshop: Workshop
) -> None:
    """A crash between the word and the deed."""
    finished = await Proposals(loop.parts).finish_interrupted()

    assert finished == [PROPOSAL]
    assert workshop.applied == 1
    assert (await loop.parts.ledger.load(GOAL)).status is RunStatus.QUEUED


async def test_one_that_no_longer_fits_ends_and_does_not_stop_the_engine(
    loop: Loop, workshop: Workshop
) -> None:
    """The body was changed by hand before it could be begun: it has expired, with the reason."""
    workshop.body = "changed by hand"

    finished = await Proposals(loop.parts).finish_interrupted()

    record = await Proposals(loop.parts).get(PROPOSAL)
    assert finished == []
    assert record.status is ProposalStatus.EXPIRED
    assert "changed" in record.decision_reason


async def test_one_that_was_begun_and_no_longer_fits_is_put_to_a_person(
    loop: Loop, workshop: Workshop
) -> None:
    """It may be half written: nobody may say that it was not."""
    approval = (await Proposals(loop.parts).get(PROPOSAL)).approval
    assert approval is not None
    await _post(loop, EventKind.APPLY_BEGUN, nonce=approval.nonce, digest=DIGEST)
    workshop.body = "changed by hand"

    with pytest.raises(Stale, match=f"{PROPOSAL} was begun") as stuck:
        await Proposals(loop.parts).finish_interrupted()

    assert f"settle {PROPOSAL}" in stuck.value.hint
    assert (await Proposals(loop.parts).get(PROPOSAL)).status is ProposalStatus.APPROVED


async def test_that_it_was_cut_off_is_an_incident_and_said_once(
    loop: Loop, workshop: Workshop
) -> None:
    """It was begun, and nothing says what became of it; each further start adds nothing."""
    approval = (await Proposals(loop.parts).get(PROPOSAL)).approval
    assert approval is not None
    await _post(loop, EventKind.APPLY_BEGUN, nonce=approval.nonce, digest=DIGEST)
    workshop.body = "changed by hand"

    for _ in range(2):
        with pytest.raises(Stale):
            await Proposals(loop.parts).finish_interrupted()
    workshop.body = "base"
    finished = await Proposals(loop.parts).finish_interrupted()

    told = [e.payload for e in await _incidents(loop)]
    assert [(each["kind"], each["key"]) for each in told] == [("interrupted", approval.nonce)]
    assert finished == [PROPOSAL]


@pytest.mark.parametrize("change", ["too late", "other rules"])
async def test_one_that_was_begun_but_not_written_needs_a_yes_that_is_still_good(
    loop: Loop, workshop: Workshop, change: str
) -> None:
    """A begun application is finished; one of which nothing is written is dead like any other."""
    approval = (await Proposals(loop.parts).get(PROPOSAL)).approval
    assert approval is not None
    await _post(loop, EventKind.APPLY_BEGUN, nonce=approval.nonce, digest=DIGEST)
    if change == "too late":
        now = loop.parts.clock()
        loop.parts = replace(loop.parts, clock=lambda: now + 7200)
    else:
        gate = FakeGate()
        gate.digest = "stricter"
        loop.parts = replace(loop.parts, gate=gate)

    finished = await Proposals(loop.parts).finish_interrupted()

    record = await Proposals(loop.parts).get(PROPOSAL)
    assert (finished, workshop.applied) == ([], 0)
    assert record.status is ProposalStatus.EXPIRED
    assert "nothing of it was written" in record.decision_reason


async def test_one_that_was_never_begun_is_no_incident(loop: Loop) -> None:
    """An approval that waits to be applied has lost nothing."""
    await Proposals(loop.parts).finish_interrupted()

    assert await _incidents(loop) == []


async def test_a_person_settles_what_cannot_be_finished(loop: Loop, workshop: Workshop) -> None:
    """As taken back; as applied only where the agent's history holds it. Then the way is free."""
    proposals = Proposals(loop.parts)
    with pytest.raises(Conflict, match="not begun"):
        await proposals.settle(PROPOSAL, as_applied=False, by="person:test")
    approval = (await proposals.get(PROPOSAL)).approval
    assert approval is not None
    await _post(loop, EventKind.APPLY_BEGUN, nonce=approval.nonce, digest=DIGEST)
    workshop.body = "changed by hand"

    with pytest.raises(Conflict, match="holds no commit"):
        await proposals.settle(PROPOSAL, as_applied=True, by="person:test")
    record = await proposals.settle(PROPOSAL, as_applied=False, by="person:test")

    assert (record.status, record.decided_by) == (ProposalStatus.EXPIRED, "person:test")
    assert await proposals.finish_interrupted() == []


async def test_what_another_process_applied_meanwhile_is_not_applied_again(
    loop: Loop, workshop: Workshop
) -> None:
    """How it stands is looked up under the lock of the body, not before."""
    journal = loop.journal

    @contextmanager
    def other_was_faster() -> Iterator[None]:
        applied = {"commit": "c0ffee", "tree": "new"}
        event = NewEvent(kind=EventKind.PROPOSAL_APPLIED, payload=applied)
        journal.post(f"proposal/{PROPOSAL}", [event], actor="kernel")
        yield

    parts = replace(loop.parts, body_lock=other_was_faster)
    finished = await Proposals(parts).finish_interrupted()

    assert finished == []
    assert workshop.applied == 0


async def _prepare(loop: Loop) -> None:
    ledger = loop.parts.ledger
    await loop.add("divide")
    run = await ledger.take(await ledger.load(GOAL), mind="tree")
    ended = {"success": "failed", "reason": ""}
    await ledger.record(run, NewEvent(kind=EventKind.GOAL_ENDED, payload=ended))
    now = loop.parts.clock()
    await _post(
        loop,
        EventKind.PROPOSAL_DRAFTED,
        key="G-0002-1",
        title="t",
        reason="r",
        goal_id="G-0002",
        opportunity_key="",
        capability="a",
        operators=[],
        draft=draft_to_json(DRAFT),
        contract=Contract(cause=(), expected_fixes=(GOAL,)).to_json(),
    )
    await _post(
        loop,
        EventKind.GATES_JUDGED,
        gates=[GATE.to_json()],
        tier="restricted",
        self_test="",
        rules_digest="rules",
        digest=DIGEST,
        expires_at=now + 3600,
    )
    await ME.own(loop.parts)
    sheet = await Owners(loop.parts).sheet(PROPOSAL, DIGEST, expires_at=now + 3600)
    approval = ME.sign(sheet, now=now)
    await _post(loop, EventKind.PROPOSAL_APPROVED, approval=approval.to_json())


async def _incidents(loop: Loop) -> list[Event]:
    events = await loop.parts.ledger.events(f"proposal/{PROPOSAL}")
    return [each for each in events if each.kind is EventKind.INCIDENT_RECORDED]


async def _post(loop: Loop, kind: EventKind, **payload: object) -> None:
    event = NewEvent(kind=kind, payload=payload)
    await loop.parts.ledger.post(f"proposal/{PROPOSAL}", event, actor="kernel")
