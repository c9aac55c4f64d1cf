"""An undo or redo that was killed between its commit and its event is finished by asking again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeToolbox, FakeWorkshop, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.proposals import Proposals
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet
from autoclave.domain.errors import Conflict, CredentialMissing, Stale
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.proposal import Draft, ProposalStatus
from autoclave.domain.proposal_record import draft_to_json
from autoclave.domain.risk import Risk

ANN = Person("ann")
DRAFT = Draft(
    edits=(), changes=ChangeSet(), base_tree="base", candidate_tree="c", diff="", risk=Risk.R4
)


class Steps(FakeWorkshop):
    """A workshop that commits in memory, and refuses a step that it has done, as the real one."""

    def __init__(self) -> None:
        self.log: list[JsonObject] = [{"commit": "c1", "step": "apply", "proposal": "P-0001"}]

    def lineage(self) -> list[JsonObject]:
        return self.log

    def undo(self, proposal: str) -> str:
        return self._commit("undo", proposal)

    def redo(self, proposal: str) -> str:
        return self._commit("redo", proposal)

    def _commit(self, step: str, proposal: str) -> str:
        if self.log[0]["step"] == step:
            raise Conflict(f"{proposal} had its {step} already")
        commit = f"c{len(self.log) + 1}"
        self.log.insert(0, {"commit": commit, "step": step, "proposal": proposal})
        return commit


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    """A loop with P-0001 applied."""
    opened = open_loop(fast_tmp_path, FakeToolbox())
    opened.parts = replace(opened.parts, workshop=Steps())
    names = {"title": "t", "reason": "r", "goal_id": "G-0001", "opportunity_key": "o"}
    contract = {"cause": [], "expected_fixes": [], "at_risk": [], "undo": "u", "alternatives": 0}
    drafted = {
        **names,
        "key": "k",
        "capability": "x",
        "draft": draft_to_json(DRAFT),
        "contract": contract,
    }
    approval = {
        "subject": "P-0001",
        "digest": "d",
        "granted_by": "person:ann",
        "granted_at": 0.0,
        "expires_at": 1.0,
        "nonce": "n",
    }
    judged = {"gates": [_GATE], "tier": "FULL", "self_test": "s", "rules_digest": "rules"}
    await opened.parts.ledger.post(
        "proposal/P-0001",
        NewEvent(kind=EventKind.PROPOSAL_DRAFTED, payload=drafted),
        NewEvent(kind=EventKind.GATES_JUDGED, payload={**judged, "digest": "d", "expires_at": 1.0}),
        NewEvent(kind=EventKind.PROPOSAL_APPROVED, payload={"approval": approval}),
        NewEvent(kind=EventKind.PROPOSAL_APPLIED, payload={"commit": "c1", "tree": "c"}),
        actor="kernel",
    )
    yield opened
    opened.close()


_GATE = {"name": "parse", "verdict": "pass", "seconds": 0.1, "summary": "fine", "facts": {}}


async def test_each_step_is_written_down_once_whenever_it_was_cut_off(loop: Loop) -> None:
    """Undo and redo, each committed by a process that died before it could say so."""
    proposals, workshop = Proposals(loop.parts), loop.parts.workshop

    workshop.undo("P-0001")
    undone = await proposals.undo("P-0001", by="person:ann")
    workshop.redo("P-0001")
    await ANN.redo(proposals, "P-0001")
    redone = await proposals.get("P-0001")

    assert (undone.status, undone.commit) == (ProposalStatus.UNDONE, "c2")
    assert (redone.status, redone.commit) == (ProposalStatus.APPLIED, "c3")
    assert [each["step"] for each in workshop.lineage()] == ["redo", "undo", "apply"]


async def test_a_redo_takes_an_owners_yes_to_this_very_undo(loop: Loop) -> None:
    """After another undo the old yes is void, as it is when the body changed."""
    proposals = Proposals(loop.parts)
    await ANN.own(loop.parts)
    await proposals.undo("P-0001", by=ANN.by)
    signed = ANN.sign(await proposals.redo_sheet("P-0001"), now=loop.parts.clock())
    unsigned = replace(signed, signature="")

    with pytest.raises(CredentialMissing):
        await proposals.redo("P-0001", signed=unsigned, by=ANN.by)
    assert (await proposals.get("P-0001")).status is ProposalStatus.UNDONE
    await proposals.redo("P-0001", signed=signed, by=ANN.by)
    await proposals.undo("P-0001", by=ANN.by)
    with pytest.raises(Stale, match="changed after"):
        await proposals.redo("P-0001", signed=signed, by=ANN.by)

    assert (await proposals.get("P-0001")).status is ProposalStatus.UNDONE
    events = await loop.parts.ledger.events("proposal/P-0001")
    redone = next(each for each in events if each.kind is EventKind.PROPOSAL_REDONE)
    assert [each["nonce"] for each in redone.payload["approvals"]] == [signed.nonce]


async def test_the_usual_way_commits_anew_each_time(loop: Loop) -> None:
    """An older undo of the same proposal is not taken for the one that is asked for now."""
    proposals, workshop = Proposals(loop.parts), loop.parts.workshop

    for _ in range(2):
        await proposals.undo("P-0001", by="person:ann")
        await ANN.redo(proposals, "P-0001")

    steps = [each["step"] for each in workshop.lineage()]
    assert steps == ["redo", "undo", "redo", "undo", "apply"]
