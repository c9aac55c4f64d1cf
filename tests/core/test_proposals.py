"""Decisions about proposals that need no body: too late, unknown, and read under fresh rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeClock, FakeToolbox, FakeWorkshop, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.proposals import Proposals
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet
from autoclave.domain.errors import Conflict, NotFound, Stale
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

A = Person("a")
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
