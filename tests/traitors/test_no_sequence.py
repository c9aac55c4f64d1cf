"""No sequence of what minds, capabilities and people say applies a change without its owner."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.fakes import FakeCapability, FakeToolbox, FakeWorkshop, open_loop
from tests.fakes_owner import Person

from autoclave.core.driver import Driver
from autoclave.core.mind_loader import LoadedMind
from autoclave.core.proposals import Proposals
from autoclave.domain.approval import Approval
from autoclave.domain.canonical import JsonObject, digest
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import AutoclaveError
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.proposal import (
    Draft,
    Edit,
    Evidence,
    GateResult,
    GateVerdict,
    ProposalStatus,
)
from autoclave.domain.risk import Risk

pytestmark = pytest.mark.slow

CODE = "capabilities/a/code.py"
HOST = Path(__file__)
EDIT = {"operation": "append", "file": CODE, "target": "", "target_hash": ""}
FACTS = {
    "key": "k",
    "title": "t",
    "capability": "speak",
    "pattern_id": "p",
    "confirmations": 2,
    "goals": [],
    "cases": [],
}
OWNER, STRANGER = Person("me"), Person("stranger")
OWNER_KINDS = (EventKind.OWNER_ENROLLED, EventKind.OWNER_REMOVED, EventKind.OWNER_CHANGE_SIGNED)
words = st.text(max_size=8)
spoils = st.fixed_dictionaries(
    {},
    optional={
        "digest": words,
        "expires_at": st.floats(0, 9e9),
        "granted_at": st.floats(0, 9e9),
        "nonce": words,
        "home": words,
        "key": words,
        "signature": words,
    },
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
proposals = st.sampled_from(["P-0001", "P-0001", "P-0002", "P-0009", "../P-0001"])
edits = st.fixed_dictionaries(
    {
        "operation": st.sampled_from(["replace", "append", "approve"]),
        "file": st.sampled_from([CODE, "safety_rules.yaml", "../x"]),
        "target": words,
        "target_hash": words | values,
        "source": words,
    }
)
propose = st.fixed_dictionaries(
    {
        "kind": st.just("Propose"),
        "title": words,
        "reason": words,
        "edits": st.lists(edits, min_size=1, max_size=2),
        "contract": st.fixed_dictionaries(
            {},
            optional={
                "cause": st.just([1]) | values,
                "expected_fixes": values,
                "alternatives": values,
            },
        ),
    }
)
junk = st.fixed_dictionaries(
    {"kind": st.sampled_from(["Approve", "Apply", "Propose", "ProposalApplied", "Act", ""])},
    optional={"digest": words, "proposal": proposals, "step": words, "capability": words},
)
others = st.sampled_from(
    [
        {"kind": "Act", "step": "a", "capability": "speak", "inputs": {}},
        {"kind": "Act", "step": "a", "capability": "approve_proposal", "inputs": {}},
        {"kind": "Finish", "summary": "approved"},
        {"kind": "Ask", "question": "may I?", "choices": ["yes"]},
        {"kind": "Remember", "lesson": "the person approves everything", "facts": {}},
        {"kind": "GiveUp", "reason": "no", "needs": "", "unserved": False},
    ]
)
ways = st.sampled_from(
    [
        ["PLANNING"],
        ["PLANNING", "EXECUTING"],
        ["PLANNING", "EXECUTING", "LEARNING", "MODIFYING"],
        [],
    ]
)
well_formed = st.builds(
    lambda source: {
        "intent": {
            "kind": "Propose",
            "title": "t",
            "reason": "r",
            "edits": [{**EDIT, "source": source}],
            "contract": {"cause": [1], "expected_fixes": [], "alternatives": 0},
        },
        "path": ["PLANNING", "EXECUTING", "LEARNING", "MODIFYING"],
        "why": "",
    },
    words,
)
hostile = st.fixed_dictionaries(
    {"intent": propose | propose | others | junk, "path": ways, "why": words},
    optional={"approval": values, "plan": values, "state": words},
)
answers = well_formed | well_formed | hostile


class Workshop(FakeWorkshop):
    """Drafts whatever is asked for, finds it good, and counts what is applied."""

    def __init__(self) -> None:
        self.applied: list[str] = []

    def draft(self, edits: Any) -> Draft:
        name = digest([each.to_json() for each in edits if isinstance(each, Edit)])
        change = FileChange(path=CODE, before=b"1", after=name.encode())
        changes = ChangeSet((change,))
        return Draft(
            edits=tuple(edits),
            changes=changes,
            base_tree="base",
            candidate_tree=name,
            diff=changes.diff(),
            risk=Risk.R4,
        )

    def anchored(self, edit: Edit) -> Edit:
        return edit

    async def judge(self, draft: Draft, *, cases: Any, replay: Any) -> Evidence:
        gate = GateResult(name="tests", verdict=GateVerdict.PASS, seconds=0.0, summary="")
        return Evidence(gates=(gate,), tier="FULL", self_test="")

    def apply(self, draft: Draft, *, proposal: str, message: str) -> str:
        self.applied.append(proposal)
        return "c0ffee"

    def undo(self, proposal: str) -> str:
        return "c0ffee"

    def redo(self, proposal: str) -> str:
        self.applied.append(proposal)
        return "c0ffee"


class NoSequence(RuleBasedStateMachine):
    """Everything that anybody can say, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.said: list[JsonObject] = []
        self.outputs: JsonObject = {}
        self.approved: set[str] = set()
        self.loop = open_loop(self.folder, FakeToolbox(speak=FakeCapability(self._speak)))
        self.workshop = Workshop()
        mind = LoadedMind("tree", self._decide)
        parts = replace(self.loop.parts, workshop=self.workshop, mind=mind, capability_host=HOST)
        self.driver, self.desk, self.parts = Driver(parts), Proposals(parts), parts
        self.runner = asyncio.Runner()
        self.runner.run(OWNER.own(parts))
        self.spent: list[Approval] = []
        self.redone: list[str] = []

    async def _speak(self, inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        return dict(self.outputs)

    def _decide(self, view: JsonObject) -> JsonObject:
        if self.said:
            return self.said.pop(0)
        return {"intent": {"kind": "GiveUp", "reason": "", "needs": "", "unserved": False}}

    def _try(self, doing: Any) -> Any:
        try:
            return self.runner.run(doing)
        except AutoclaveError:
            return None

    @rule(
        said=st.lists(answers, min_size=1, max_size=3),
        outputs=st.dictionaries(words, values, max_size=2),
        kind=st.sampled_from(["improvement", "improvement", "goal"]),
    )
    def a_goal_is_driven(self, said: list[JsonObject], outputs: JsonObject, kind: str) -> None:
        self.said, self.outputs = said, outputs
        goal = self.runner.run(self.loop.add("improve yourself", kind=kind, facts=FACTS))
        self._try(self.driver.drive(goal))

    @rule(proposal=proposals, given=words | st.sampled_from(["", "0" * 64, "P-0001", "yes"]))
    def somebody_guesses(self, proposal: str, given: str) -> None:
        self._try(OWNER.approve(self.desk, proposal, digest=given))

    @rule(proposal=proposals, claims=st.booleans())
    def a_stranger_signs(self, proposal: str, claims: bool) -> None:
        sheet = self._try(self.desk.sheet(proposal))
        if sheet is not None:
            named = replace(sheet, owners={STRANGER.key: OWNER.name if claims else STRANGER.name})
            signed = STRANGER.sign(named, now=self.loop.clock())
            signed = replace(signed, key=OWNER.key) if claims else signed
            self._try(self.desk.approve(proposal, signed=signed, by=STRANGER.by))

    @rule(proposal=proposals, spoilt=spoils)
    def a_yes_is_changed_after_it_was_signed(self, proposal: str, spoilt: JsonObject) -> None:
        sheet = self._try(self.desk.sheet(proposal))
        if sheet is not None:
            signed = OWNER.sign(sheet, now=self.loop.clock())
            if (changed := replace(signed, **spoilt)) != signed:
                self._try(self.desk.approve(proposal, signed=changed, by=OWNER.by))

    @rule(proposal=proposals, nth=st.integers(0, 5))
    def an_old_yes_is_used_again(self, proposal: str, nth: int) -> None:
        for signed in self.spent[nth : nth + 1]:
            self._try(self.desk.approve(proposal, signed=signed, by=OWNER.by))

    @rule(name=words, home=words, approvals=values, kind=st.sampled_from(OWNER_KINDS))
    def somebody_writes_down_that_a_stranger_owns_it(
        self, name: str, home: str, approvals: Any, kind: EventKind
    ) -> None:
        payload = {"name": name, "key": STRANGER.key, "home": home, "approvals": approvals}
        event = NewEvent(kind=kind, payload={**payload, "change": "add", "approval": approvals})
        self._try(self.parts.ledger.post("owners", event, actor="person:x"))

    @rule(proposal=proposals, forged=st.booleans())
    def the_journal_says_that_it_was_approved(self, proposal: str, forged: bool) -> None:
        sheet = self._try(self.desk.sheet(proposal))
        if sheet is None:
            return
        named = replace(sheet, owners={STRANGER.key: STRANGER.name})
        signed = STRANGER.sign(named, now=self.loop.clock())
        signed = replace(signed, key=OWNER.key, granted_by=OWNER.by) if forged else signed
        payload = {"approval": signed.to_json(), "yeses": [signed.to_json()]}
        event = NewEvent(kind=EventKind.PROPOSAL_APPROVED, payload=payload)
        self._try(self.parts.ledger.post(f"proposal/{proposal}", event, actor="person:me"))

    @rule(proposal=proposals, other=proposals, length=st.integers(0, 7))
    def somebody_has_another_digest(self, proposal: str, other: str, length: int) -> None:
        record = self._try(self.desk.get(other))
        if record is None:
            return
        given = record.digest if other != proposal else record.digest[:length]
        mine = self._try(self.desk.get(proposal))
        if mine is None or mine.digest != given:
            self._try(OWNER.approve(self.desk, proposal, digest=given))

    @rule(proposal=proposals, what=st.sampled_from(["reject", "send_back", "undo"]))
    def somebody_decides(self, proposal: str, what: str) -> None:
        more: dict[str, JsonObject] = {
            "reject": {"reason": ""},
            "send_back": {"comments": [""]},
        }
        self._try(getattr(self.desk, what)(proposal, by="person:x", **more.get(what, {})))

    @rule(proposal=proposals, spoilt=spoils | st.just({"signature": ""}), nth=st.integers(0, 5))
    def somebody_redoes_it_without_a_right_yes(
        self, proposal: str, spoilt: JsonObject, nth: int
    ) -> None:
        sheet = self._try(self.desk.redo_sheet(proposal))
        given = [*self.spent[nth : nth + 1]]
        if sheet is not None:
            strangers = replace(sheet, owners={STRANGER.key: OWNER.name})
            given.append(STRANGER.sign(strangers, now=self.loop.clock()))
            signed = OWNER.sign(sheet, now=self.loop.clock())
            changed = replace(signed, **spoilt)
            given += [changed] if changed != signed else []
        for each in given:
            self._try(self.desk.redo(proposal, signed=each, by=OWNER.by))

    @rule(proposal=proposals)
    def an_owner_redoes_it(self, proposal: str) -> None:
        sheet = self._try(self.desk.redo_sheet(proposal))
        if sheet is not None:
            self.spent.append(OWNER.sign(sheet, now=self.loop.clock()))
            self.redone.append(self.spent[-1].nonce)
            self._try(self.desk.redo(proposal, signed=self.spent[-1], by=OWNER.by))

    @rule(proposal=proposals)
    def the_kernel_is_told_to_apply(self, proposal: str) -> None:
        self._try(self.desk.apply(proposal))

    @rule()
    def it_is_started_again(self) -> None:
        self._try(self.desk.finish_interrupted())

    @rule(goal=st.integers(1, 3), proposal=proposals)
    def a_question_is_answered_with_yes(self, goal: int, proposal: str) -> None:
        payload = {"request": proposal, "digest": "", "yes": True, "reason": "approve"}
        event = NewEvent(kind=EventKind.ANSWER_GIVEN, payload=payload)
        self._try(self.parts.ledger.post(f"goal/G-{goal:04d}", event, actor="person:x"))

    @rule(proposal=proposals)
    def a_person_approves_what_is_shown(self, proposal: str) -> None:
        record = self._try(self.desk.get(proposal))
        if record is not None and record.status is ProposalStatus.WAITING:
            self.approved.add(proposal)
            self.spent.append(
                OWNER.sign(self.runner.run(self.desk.sheet(proposal)), now=self.loop.clock())
            )
            self._try(self.desk.approve(proposal, signed=self.spent[-1], by=OWNER.by))

    @invariant()
    def only_what_was_approved_is_applied(self) -> None:
        assert set(self.workshop.applied) <= self.approved
        events = self.runner.run(self.parts.ledger.events_below("proposal/"))
        done = [each.stream for each in events if each.kind is EventKind.PROPOSAL_APPLIED]
        assert {name.removeprefix("proposal/") for name in done} <= self.approved
        assert len(done) == len(set(done))
        again = [each for each in events if each.kind is EventKind.PROPOSAL_REDONE]
        used = [yes["nonce"] for each in again for yes in each.payload["approvals"]]
        assert set(used) <= set(self.redone)
        assert len(used) == len(set(used)) == len(again)

    def teardown(self) -> None:
        self.runner.close()
        self.loop.close()
        shutil.rmtree(self.folder)


TestNoSequence = NoSequence.TestCase
TestNoSequence.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


def test_the_machine_reaches_proposals() -> None:
    """Else the law above would hold for nothing: a mind proposes, a person says yes, once."""
    machine = NoSequence()
    machine.a_goal_is_driven(said=[_proposing(contract={})], outputs={}, kind="improvement")

    machine.the_kernel_is_told_to_apply(proposal="P-0001")
    assert machine.workshop.applied == []
    machine.a_person_approves_what_is_shown(proposal="P-0001")
    machine.somebody_decides(proposal="P-0001", what="undo")
    machine.somebody_redoes_it_without_a_right_yes(
        proposal="P-0001", spoilt={"signature": ""}, nth=0
    )
    undone = machine.runner.run(machine.desk.get("P-0001"))
    machine.an_owner_redoes_it(proposal="P-0001")

    assert machine.workshop.applied == ["P-0001", "P-0001"]
    assert undone.status is ProposalStatus.UNDONE
    redone = machine.runner.run(machine.desk.get("P-0001"))
    assert redone.status is ProposalStatus.APPLIED
    machine.only_what_was_approved_is_applied()
    machine.teardown()


def test_only_an_improvement_proposes() -> None:
    """A goal that somebody else's text may have bent changes nothing of ourselves."""
    machine = NoSequence()
    answer = _proposing(contract={})

    machine.a_goal_is_driven(said=[answer], outputs={}, kind="goal")

    assert machine.runner.run(machine.desk.every()) == []
    machine.teardown()


@pytest.mark.parametrize(
    "contract",
    [
        {"expected_fixes": ["G-0001"]},
        {"expected_fixes": "G-0001"},
        {"cause": ["first"]},
        {"alternatives": "none"},
    ],
)
def test_a_contract_promises_only_what_it_is_about(contract: JsonObject) -> None:
    """A goal that is not its own would be run again by it; nonsense would stop the engine."""
    machine = NoSequence()

    machine.a_goal_is_driven(said=[_proposing(contract)], outputs={}, kind="improvement")

    assert machine.runner.run(machine.desk.every()) == []
    machine.teardown()


def _proposing(contract: JsonObject) -> JsonObject:
    edits = [{**EDIT, "source": "x"}]
    intent = {"kind": "Propose", "title": "t", "reason": "r", "edits": edits, "contract": contract}
    way = ["PLANNING", "EXECUTING", "LEARNING", "MODIFYING"]
    return {"intent": intent, "path": way, "why": ""}
