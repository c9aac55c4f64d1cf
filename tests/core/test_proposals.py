"""Decisions about proposals that need no body: too late, unknown, and read under fresh rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeClock, FakeToolbox, FakeWorkshop, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.owners import Owners
from autoclave.core.proposals import Proposals
from autoclave.domain.approval import Quorum
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet
from autoclave.domain.errors import Conflict, CredentialMissing, NotAllowed, NotFound, Stale
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.proposal import (
    Draft,
    Evidence,
    GateResult,
    GateVerdict,
    ProposalStatus,
    approval_digest,
)
from autoclave.domain.proposal_record import draft_to_json
from autoclave.domain.risk import Risk

A, B = Person("a"), Person("b")
DAY = 86_400.0
DRAFT = Draft(
    edits=(), changes=ChangeSet(), base_tree="base", candidate_tree="c", diff="", risk=Risk.R4
)
PASSED = GateResult(name="parse", verdict=GateVerdict.PASS, seconds=0.1, summary="fine")
EVIDENCE = Evidence(gates=(PASSED,), tier="FULL", self_test="s")
DIGEST = approval_digest(DRAFT, EVIDENCE, rules_digest="rules")


class Applies(FakeWorkshop):
    """A workshop whose drafts are applied by counting them."""

    def __init__(self) -> None:
        self.applied = 0

    def apply(self, draft: Draft, *, proposal: str, message: str) -> str:
        self.applied += 1
        return f"commit-{self.applied}"


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    """A loop with P-0001 waiting for an hour."""
    opened = open_loop(fast_tmp_path, FakeToolbox(), clock=FakeClock(1000.0))
    opened.parts = replace(opened.parts, workshop=Applies())
    drafted: JsonObject = {
        "key": "k",
        "title": "t",
        "reason": "r",
        "goal_id": "G-0001",
        "opportunity_key": "o",
        "capability": "x",
        "draft": draft_to_json(DRAFT),
        "contract": {
            "cause": [],
            "expected_fixes": [],
            "at_risk": [],
            "undo": "u",
            "alternatives": 0,
        },
    }
    judged = {
        "gates": [PASSED.to_json()],
        "tier": "FULL",
        "self_test": "s",
        "rules_digest": "rules",
        "digest": DIGEST,
        "expires_at": 4600.0,
    }
    events = (
        NewEvent(kind=EventKind.PROPOSAL_DRAFTED, payload=drafted),
        NewEvent(kind=EventKind.GATES_JUDGED, payload=judged),
    )
    await opened.parts.ledger.post("proposal/P-0001", *events, actor="kernel")
    yield opened
    opened.close()


async def test_a_yes_in_time_applies_once(loop: Loop) -> None:
    """And is written down with who gave it."""
    record = await A.approve(Proposals(loop.parts), "P-0001", digest=DIGEST)

    assert (record.status, record.commit) == (ProposalStatus.APPLIED, "commit-1")
    assert record.decided_by == "person:a"
    assert loop.parts.workshop.applied == 1  # type: ignore[attr-defined]


async def test_a_yes_that_comes_too_late_is_no_yes(loop: Loop) -> None:
    """Silence was the answer; the proposal is over."""
    loop.clock.now = 4600.0  # type: ignore[attr-defined]

    with pytest.raises(Stale, match="expired"):
        await A.approve(Proposals(loop.parts), "P-0001", digest=DIGEST)

    assert (await Proposals(loop.parts).get("P-0001")).status is ProposalStatus.EXPIRED
    with pytest.raises(Conflict):
        await A.approve(Proposals(loop.parts), "P-0001", digest=DIGEST)


async def test_the_rules_are_looked_at_again_before_a_yes_counts(loop: Loop) -> None:
    """A person may have tightened them while this process was running."""

    async def tighten() -> None:
        loop.parts.gate.digest = "tighter"  # type: ignore[misc]

    proposals = Proposals(replace(loop.parts, refresh=tighten))

    with pytest.raises(Stale, match="safety rules changed"):
        await A.approve(proposals, "P-0001", digest=DIGEST)
    assert loop.parts.workshop.applied == 0  # type: ignore[attr-defined]


async def test_only_what_failed_or_waits_can_be_rejected(loop: Loop) -> None:
    """What was applied is undone, not rejected."""
    proposals = Proposals(loop.parts)
    await A.approve(proposals, "P-0001", digest=DIGEST)

    with pytest.raises(Conflict, match="P-0001 is applied"):
        await proposals.reject("P-0001", reason="late", by="person:b")
    with pytest.raises(NotFound, match="P-0009"):
        await proposals.get("P-0009")


async def test_nobody_but_a_person_says_yes(loop: Loop) -> None:
    """Not even with an owner's signature."""
    for by in ("kernel", "mind", "agent"):
        with pytest.raises(NotAllowed, match="not a person"):
            await A.approve(Proposals(loop.parts), "P-0001", by=by)


async def test_without_an_owner_nothing_is_lost(loop: Loop) -> None:
    """It goes on waiting; one command makes somebody its owner."""
    with pytest.raises(CredentialMissing, match="no owner"):
        await Proposals(loop.parts).sheet("P-0001")

    assert (await Proposals(loop.parts).get("P-0001")).status is ProposalStatus.WAITING


async def _two_owners(loop: Loop) -> None:
    await A.own(loop.parts)
    owners, what = Owners(loop.parts), ("add", "b", B.key)
    for _ in range(2):
        signed = A.sign(await owners.change_sheet(*what), now=loop.clock())  # type: ignore[arg-type]
        await owners.change(*what, signed=signed, by=A.by)  # type: ignore[arg-type]
        loop.clock.now += DAY  # type: ignore[attr-defined]


async def _wants_two(loop: Loop, *, cooling_off: float | None = None) -> Proposals:
    """P-0001 judged under rules that want two people, and waiting for days."""
    loop.parts.gate.quorum = Quorum(people=2, cooling_off=cooling_off)  # type: ignore[attr-defined]
    await _two_owners(loop)
    for kind in (EventKind.PROPOSAL_DRAFTED, EventKind.GATES_JUDGED):
        (old,) = [e for e in await loop.parts.ledger.events("proposal/P-0001") if e.kind is kind]
        payload = {**old.payload, **({"expires_at": 9e9} if "gates" in old.payload else {})}
        event = NewEvent(kind=kind, payload=payload)
        await loop.parts.ledger.post("proposal/P-0002", event, actor="kernel")
    return Proposals(loop.parts)


async def test_two_people_approve_with_two_keys(loop: Loop) -> None:
    """The first yes waits, the second applies; both stand in the journal."""
    proposals = await _wants_two(loop)

    first = await A.approve(proposals, "P-0002")
    again = await A.approve(proposals, "P-0002")
    assert (first.status, again.status) == (ProposalStatus.SIGNED, ProposalStatus.SIGNED)
    assert loop.parts.workshop.applied == 0  # type: ignore[attr-defined]

    done = await B.approve(proposals, "P-0002")

    assert done.status is ProposalStatus.APPLIED
    assert [each.granted_by for each in done.yeses] == [A.by, B.by]
    begun = (await loop.parts.ledger.events("proposal/P-0002"))[-2]
    assert begun.payload["nonces"] == [each.nonce for each in done.yeses]


async def test_one_person_says_it_twice_with_a_day_between(loop: Loop) -> None:
    """Not sooner, and not by handing in the first yes again."""
    proposals = await _wants_two(loop, cooling_off=DAY)
    first = await A.approve(proposals, "P-0002")
    loop.clock.now += DAY - 1  # type: ignore[attr-defined]
    assert (await A.approve(proposals, "P-0002")).status is ProposalStatus.SIGNED
    loop.clock.now += 2  # type: ignore[attr-defined]

    with pytest.raises(Stale, match="too long ago"):
        await proposals.approve("P-0002", signed=first.yeses[0], by=A.by)
    done = await A.approve(proposals, "P-0002")

    assert done.status is ProposalStatus.APPLIED
    assert [each.key for each in done.yeses] == [A.key, A.key]


async def test_without_a_cooling_off_nobody_does_it_alone(loop: Loop) -> None:
    """However long they think."""
    proposals = await _wants_two(loop)
    await A.approve(proposals, "P-0002")
    loop.clock.now += 30 * DAY  # type: ignore[attr-defined]

    assert (await A.approve(proposals, "P-0002")).status is ProposalStatus.SIGNED


async def test_the_yes_of_a_removed_owner_dies_with_them(loop: Loop) -> None:
    """The others go on from there."""
    proposals = await _wants_two(loop, cooling_off=DAY)
    await B.approve(proposals, "P-0002")
    owners = Owners(loop.parts)
    for person in (A, B):
        signed = person.sign(await owners.change_sheet("remove", "b"), now=loop.clock())
        await owners.change("remove", "b", signed=signed, by=person.by)

    assert (await A.approve(proposals, "P-0002")).status is ProposalStatus.SIGNED
    with pytest.raises(NotAllowed, match="not that of an owner"):
        await B.approve(proposals, "P-0002")


async def test_an_approval_that_nobody_signed_is_not_applied(loop: Loop) -> None:
    """Written down by the kernel itself, with too few yeses, or with a forged one."""
    await A.own(loop.parts)
    proposals = Proposals(loop.parts)
    good = A.sign(await proposals.sheet("P-0001"), now=loop.clock())
    forged = replace(good, signature="00" * 64)
    payload = {"approval": forged.to_json(), "yeses": [forged.to_json()]}
    event = NewEvent(kind=EventKind.PROPOSAL_APPROVED, payload=payload)
    await loop.parts.ledger.post("proposal/P-0001", event, actor="kernel")

    with pytest.raises(NotAllowed, match="is not a's"):
        await proposals.apply("P-0001")
    assert await proposals.finish_interrupted() == []
    assert (await proposals.get("P-0001")).status is ProposalStatus.EXPIRED
    assert loop.parts.workshop.applied == 0  # type: ignore[attr-defined]


async def test_how_long_the_reviewer_looked_is_written_down(loop: Loop) -> None:
    """From when exactly this was last on their screen; a program's look is none."""
    proposals = Proposals(loop.parts)
    await proposals.shown("P-0001", by=A.by, to="person")
    loop.clock.now += 30  # type: ignore[attr-defined]
    await proposals.shown("P-0001", by=A.by, to="person")
    loop.clock.now += 4  # type: ignore[attr-defined]
    for _ in range(3):
        await proposals.shown("P-0001", by=A.by, to="program")
    await proposals.shown("P-0001", by=B.by, to="person")

    done = await A.approve(proposals, "P-0001")

    assert done.looked_seconds == pytest.approx(4, abs=0.1)
    events = await loop.parts.ledger.events("proposal/P-0001")
    shown = [each.payload["to"] for each in events if each.kind is EventKind.PROPOSAL_SHOWN]
    assert shown == ["person", "person", "program", "person"]


async def test_a_yes_to_what_was_never_shown_says_so(loop: Loop) -> None:
    """Nothing stands for nothing."""
    assert (await A.approve(Proposals(loop.parts), "P-0001")).looked_seconds is None
