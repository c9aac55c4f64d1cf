"""Permission for one action: by a rule, by a person, beforehand, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeGate, FakeToolbox, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.permission import Parked, permit
from autoclave.core.signed_answers import answer_sheet, collect, yeses_of
from autoclave.domain.approval import Quorum
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import NotAllowed
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.risk import Action, ActionKind, Risk
from autoclave.domain.run import Run, RunStatus

ANN = Person("ann")
KIND = ActionKind.WORKSPACE_WRITE
ACTION = Action(kind=KIND, target="a.txt", goal_id="G-0001")


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    """A loop whose rules ask before anything is written."""
    opened = open_loop(fast_tmp_path, FakeToolbox(), gate=FakeGate(ask=[KIND]))
    yield opened
    opened.close()


async def _taken(loop: Loop, **payload: object) -> Run:
    goal = await loop.add("x", **payload)
    return await loop.parts.ledger.take(await loop.parts.ledger.load(goal), mind="m")


async def _permit(loop: Loop, run: Run, action: Action = ACTION, shown: str = "+a") -> JsonObject:
    return await permit(loop.parts, run, action, request="r", question="Write a.txt?", shown=shown)


async def _asked(loop: Loop, run: Run) -> Run:
    with pytest.raises(Parked) as parked:
        await _permit(loop, run)
    return parked.value.run


async def _answer(loop: Loop, run: Run, *, yes: bool, **spoilt: object) -> Run:
    asked = run.question or {}
    payload = {"request": "r", "digest": asked["digest"], "yes": yes, "reason": "said so"}
    event = NewEvent(kind=EventKind.ANSWER_GIVEN, payload={**payload, **spoilt})
    await loop.parts.ledger.post(run.stream, event, actor="person:maria")
    return await loop.parts.ledger.load(run.id)


async def test_a_rule_that_allows_is_the_permission(loop: Loop) -> None:
    """Nobody is asked."""
    run = await _taken(loop)

    allowed = await _permit(loop, run, replace(ACTION, kind=ActionKind.WORKSPACE_READ))

    assert allowed["by"] == "rule"
    assert allowed["ruling"]["verdict"] == "allow"


async def test_a_rule_that_denies_names_itself(fast_tmp_path: Path) -> None:
    """No answer beforehand helps."""
    loop = open_loop(fast_tmp_path, FakeToolbox(), gate=FakeGate(deny=[KIND]))
    run = await _taken(loop, allow_up_to=2)

    with pytest.raises(NotAllowed) as refused:
        await _permit(loop, run)

    assert refused.value.rules == ("fake",)
    loop.close()


async def test_a_question_parks_the_run_with_all_that_a_person_needs(loop: Loop) -> None:
    """What, why, the diff, the risk and until when."""
    parked = await _asked(loop, await _taken(loop))

    asked = parked.question or {}
    assert parked.status is RunStatus.AWAITING_HUMAN
    assert asked["question"].startswith("Write a.txt?")
    assert asked["shown"] == "+a"
    assert asked["ruling"]["risk"] == "R1"
    assert asked["expires_at"] > loop.clock()


async def test_a_yes_is_the_permission_and_says_whose(loop: Loop) -> None:
    """As often as the same thing is asked within the run."""
    parked = await _asked(loop, await _taken(loop))

    run = await _answer(loop, parked, yes=True)

    assert (await _permit(loop, run))["by"] == "person:maria"


async def test_a_no_is_final_and_gives_the_reason(loop: Loop) -> None:
    """It is not asked again."""
    parked = await _asked(loop, await _taken(loop))

    run = await _answer(loop, parked, yes=False)

    with pytest.raises(NotAllowed, match="person:maria said no: said so"):
        await _permit(loop, run)


@pytest.mark.parametrize("other", ["action", "shown", "rules"])
async def test_a_yes_is_worth_nothing_for_anything_else(loop: Loop, other: str) -> None:
    """Another target, another diff, other rules: it is asked anew."""
    parked = await _asked(loop, await _taken(loop))
    run = await _answer(loop, parked, yes=True)
    run = await loop.parts.ledger.take(run, mind="m")
    if other == "rules":
        loop.parts.gate.digest = "other rules"  # type: ignore[misc]

    with pytest.raises(Parked):
        await _permit(
            loop,
            run,
            replace(ACTION, target="b.txt") if other == "action" else ACTION,
            shown="+b" if other == "shown" else "+a",
        )


async def test_a_yes_with_a_forged_hash_is_worth_nothing(loop: Loop) -> None:
    """The run asks on."""
    parked = await _asked(loop, await _taken(loop))
    run = await _answer(loop, parked, yes=True, digest="forged")
    run = await loop.parts.ledger.take(run, mind="m")

    with pytest.raises(Parked):
        await _permit(loop, run)


async def test_a_yes_given_beforehand_is_written_down_as_that(loop: Loop) -> None:
    """Who gave it, and how far it goes."""
    run = await _taken(loop, allow_up_to=int(Risk.R1))

    allowed = await _permit(loop, run)

    assert allowed["by"] == "person:test, beforehand up to R1"


@pytest.fixture
async def grave(loop: Loop) -> Loop:
    """A loop whose questions are of R4."""
    loop.parts.gate.risk = Risk.R4  # type: ignore[attr-defined]
    return loop


async def test_from_r4_on_an_unsigned_yes_is_asked_again(grave: Loop) -> None:
    """Whoever wrote it down."""
    parked = await _asked(grave, await _taken(grave))
    await ANN.own(grave.parts)
    run = await _answer(grave, parked, yes=True)
    run = await grave.parts.ledger.take(run, mind="m")

    with pytest.raises(Parked):
        await _permit(grave, run)


async def test_from_r4_on_an_owner_signs_the_answer(grave: Loop) -> None:
    """Exactly the question's digest, and it stands in the journal."""
    parked = await _asked(grave, await _taken(grave))
    await ANN.answer(grave.parts, parked, yes=True)
    run = await grave.parts.ledger.load(parked.id)

    assert (await _permit(grave, run))["by"] == ANN.by
    assert run.answers["r"]["approvals"][0]["subject"] == "G-0001/r"


@pytest.mark.parametrize("forge", ["signature", "digest", "subject", "home", "expires_at"])
async def test_a_yes_that_was_signed_for_something_else_is_asked_again(
    grave: Loop, forge: str
) -> None:
    """Or that was changed since."""
    parked = await _asked(grave, await _taken(grave))
    await ANN.own(grave.parts)
    signed = ANN.sign(await answer_sheet(grave.parts, parked), now=grave.clock())
    spoilt = 9e9 if forge == "expires_at" else "00" * 64
    yes = {**signed.to_json(), forge: spoilt}
    run = await _answer(grave, parked, yes=True, approvals=[yes])
    run = await grave.parts.ledger.take(run, mind="m")

    with pytest.raises(Parked):
        await _permit(grave, run)


async def test_a_signed_yes_ends_with_its_time_and_with_its_owner(grave: Loop) -> None:
    """It is asked again rather than taken for granted."""
    parked = await _asked(grave, await _taken(grave))
    await ANN.answer(grave.parts, parked, yes=True)
    grave.clock.now += 2 * 3600  # type: ignore[attr-defined]
    run = await grave.parts.ledger.load(parked.id)

    with pytest.raises(Parked):
        await _permit(grave, await grave.parts.ledger.take(run, mind="m"))


async def test_a_no_needs_no_signature(grave: Loop) -> None:
    """It hurts nobody."""
    parked = await _asked(grave, await _taken(grave))
    run = await _answer(grave, parked, yes=False)

    with pytest.raises(NotAllowed, match="said no"):
        await _permit(grave, run)


async def test_a_question_for_two_people_waits_for_both(grave: Loop) -> None:
    """One yes stands in the run and is not the answer."""
    grave.parts.gate.quorum = Quorum(people=2)  # type: ignore[attr-defined]
    parked = await _asked(grave, await _taken(grave))
    await ANN.own(grave.parts)
    signed = ANN.sign(await answer_sheet(grave.parts, parked), now=grave.clock())

    yeses, is_enough = await collect(grave.parts, parked, signed)

    assert (yeses, is_enough) == ([signed], False)
    named = {name: (parked.question or {})[name] for name in ("request", "digest")}
    payload = {**named, "approvals": [signed.to_json()]}
    event = NewEvent(kind=EventKind.ANSWER_SIGNED, payload=payload)
    await grave.parts.ledger.post(parked.stream, event, actor=ANN.by)
    run = await grave.parts.ledger.load(parked.id)
    assert run.status is RunStatus.AWAITING_HUMAN
    assert yeses_of(run.question or {}) == (signed,)
    assert await collect(grave.parts, run, signed) == ([signed], False)


async def test_where_nobody_attends_a_question_may_be_refused_at_once(loop: Loop) -> None:
    """With the reason, and without a question that waits; what was answered before holds."""

    def refuse(ruling: object) -> None:
        raise NotAllowed("nobody is there to ask", hint="run it at a terminal")

    run = await _taken(loop)
    answered = await _answer(loop, await _asked(loop, run), yes=True)
    loop.parts = replace(loop.parts, may_ask=refuse)

    with pytest.raises(NotAllowed, match="nobody is there") as refused:
        await _permit(loop, await _taken(loop))

    assert refused.value.denied == ""
    assert (await _permit(loop, answered))["by"] == "person:maria"
