"""What a proposal says to a person who sent an earlier one back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeToolbox, FakeWorkshop, Loop, open_loop

from autoclave.core.proposals import Proposals
from autoclave.core.proposing import Proposing, answers_to
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import InvalidInput
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.intents import Propose
from autoclave.domain.knowledge import Case
from autoclave.domain.ports import Replay
from autoclave.domain.proposal import Draft, Edit, Evidence, GateResult, GateVerdict
from autoclave.domain.proposal_record import ProposalRecord
from autoclave.domain.risk import Risk

COMMENTS = ("name it", "why not here?")


def test_each_comment_stands_beside_its_answer() -> None:
    """In the person's order, however they were answered."""
    given = [{"comment": 2, "answer": "it is shared"}, {"comment": 1, "answer": "named"}]

    found = answers_to(COMMENTS, given)

    assert found == [
        {"comment": "name it", "answer": "named"},
        {"comment": "why not here?", "answer": "it is shared"},
    ]


@pytest.mark.parametrize(
    "given",
    [
        [],
        None,
        "all done",
        [{"comment": 1, "answer": "named"}],
        [{"comment": 1, "answer": "named"}, {"comment": 2, "answer": " "}],
        [{"comment": 1, "answer": "named"}, {"comment": "2", "answer": "x"}],
        [{"comment": 1, "answer": "named"}, {"comment": True, "answer": "x"}, 7],
    ],
)
def test_a_comment_without_an_answer_is_named(given: object) -> None:
    """The draft is refused, and whoever drafts it hears which one is owed."""
    with pytest.raises(InvalidInput, match="has no answer"):
        answers_to(COMMENTS, given)


def test_without_comments_nothing_is_owed() -> None:
    """Whatever is given."""
    assert answers_to((), [{"comment": 1, "answer": "x"}]) == []


class Drafts(FakeWorkshop):
    """A workshop in which every draft is good."""

    def draft(self, edits: Sequence[Edit]) -> Draft:
        return Draft(
            edits=tuple(edits),
            changes=ChangeSet(),
            base_tree="base",
            candidate_tree="c",
            diff="",
            risk=Risk.R4,
        )

    async def judge(self, draft: Draft, *, cases: Sequence[Case], replay: Replay) -> Evidence:
        gate = GateResult(name="parse", verdict=GateVerdict.PASS, seconds=0.1, summary="fine")
        return Evidence(gates=(gate,), tier="FULL", self_test="s")


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    """A loop with G-0001, an improvement that takes up what was sent back."""
    opened = open_loop(fast_tmp_path, FakeToolbox())
    opened.parts = replace(opened.parts, workshop=Drafts())
    facts = {
        "key": "k",
        "title": "t",
        "capability": "x",
        "pattern_id": "p",
        "confirmations": 2,
        "goals": [],
        "cases": [],
        "returned": "P-0007",
        "comments": list(COMMENTS),
    }
    payload: JsonObject = {"kind": "improvement", "text": "repair x", "facts": facts}
    added = NewEvent(kind=EventKind.GOAL_ADDED, payload=payload)
    await opened.parts.ledger.post("goal/G-0001", added, actor="kernel")
    yield opened
    opened.close()


async def _propose(loop: Loop, answers: list[JsonObject]) -> list[ProposalRecord]:
    """All proposals after the run has proposed with these answers."""
    ledger = loop.parts.ledger
    run = await ledger.take(await ledger.load("G-0001"), mind="m")
    intent = Propose(title="t", reason="r", edits=[], contract={"answers": answers})
    await Proposing(loop.parts).perform(run, intent)
    return await Proposals(loop.parts).every()


async def test_the_next_draft_names_what_it_follows_and_answers(loop: Loop) -> None:
    """As a person reads it beside the evidence, with the rules that ask for their yes."""
    answers = [{"comment": 1, "answer": "named"}, {"comment": 2, "answer": "it is shared"}]

    (record,) = await _propose(loop, answers)

    assert record.follows == "P-0007"
    assert [each["answer"] for each in record.answers] == ["named", "it is shared"]
    assert record.status == "waiting"
    assert record.judged_at > 0


async def test_a_draft_that_owes_an_answer_is_no_proposal(loop: Loop) -> None:
    """Whoever drafts it hears which comment it is."""
    assert await _propose(loop, [{"comment": 1, "answer": "named"}]) == []

    run = await loop.parts.ledger.load("G-0001")
    assert "comment 2" in run.replies[-1]["result"]["failure"]["message"]


HIDDEN = b'password = "exec(open(chr(47)+chr(101)).read())"\nexec(password)\n'
FORGED = b"x = '<redacted:github:0123456789abcdef>'\n"


class Rewrites(Drafts):
    """A workshop in which every draft makes one file of another."""

    def __init__(self, before: bytes | None, after: bytes) -> None:
        self._file = FileChange(path="capabilities/x/code.py", before=before, after=after)

    def draft(self, edits: Sequence[Edit]) -> Draft:
        changes = ChangeSet((self._file,))
        return replace(super().draft(edits), changes=changes, diff=changes.diff())


ANSWERED: list[JsonObject] = [{"comment": n, "answer": "done"} for n in (1, 2)]


@pytest.mark.parametrize("after", [HIDDEN, FORGED])
async def test_a_draft_that_nobody_could_read_is_no_proposal(loop: Loop, after: bytes) -> None:
    """A mark would stand in the diff where the code is, and a yes would be to what it hides."""
    loop.parts = replace(loop.parts, workshop=Rewrites(b"x = 1\n", after))

    assert await _propose(loop, ANSWERED) == []

    run = await loop.parts.ledger.load("G-0001")
    assert "capabilities/x/code.py" in run.replies[-1]["result"]["failure"]["message"]


async def test_a_mark_that_stood_there_before_does_not_stop_a_draft(loop: Loop) -> None:
    """What people put there is theirs; the change beside it can be read."""
    loop.parts = replace(loop.parts, workshop=Rewrites(HIDDEN, HIDDEN + b"y = 2\n"))

    (record,) = await _propose(loop, ANSWERED)

    assert record.status == "waiting"
