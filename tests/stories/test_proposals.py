"""What people do with a proposal, and what can go wrong between looking at it and saying yes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes_owner import Person

from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import Conflict, NotFound, Stale
from autoclave.service.control import Control
from autoclave.service.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OWNER = Person()
ME = OWNER.by
Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture
async def control(waiting: Home, open_home: Any) -> AsyncIterator[Control]:
    """A door to the home that waits with P-0001."""
    async with open_home(waiting) as control:
        yield control


async def _look(control: Control) -> JsonObject:
    return await control.proposal("P-0001")


async def test_what_is_shown_is_what_is_applied(
    control: Control, waiting: Home, tree: Tree
) -> None:
    """The diff, the gates, the case against; then exactly those bytes, and the goals again."""
    before = tree(waiting.capabilities)
    shown = await _look(control)
    assert {gate["verdict"] for gate in shown["gates"]} == {"pass"}
    assert shown["case_against"]

    applied = await OWNER.approve(control, "P-0001", digest=shown["digest"])

    after = tree(waiting.capabilities)
    changed = [f"capabilities/{name}" for name in after if after[name] != before.get(name)]
    assert changed == applied["files"] == shown["files"]
    assert (applied["status"], applied["decided_by"]) == ("applied", ME)
    assert {goal["status"] for goal in await control.goals()} == {"queued", "done"}
    lineage = await control.lineage()
    assert lineage[0]["commit"] == applied["commit"]


async def test_the_whole_hash_is_signed(control: Control) -> None:
    """People type its beginning; what they sign is all of it."""
    digest = (await _look(control))["digest"]

    with pytest.raises(Stale):
        await OWNER.approve(control, "P-0001", digest=digest[:32])
    applied = await OWNER.approve(control, "P-0001", digest=digest)

    assert applied["status"] == "applied"


@pytest.mark.parametrize("wrong", ["", "0" * 64, "f" * 8])
async def test_a_wrong_hash_applies_nothing(
    control: Control, waiting: Home, tree: Tree, wrong: str
) -> None:
    """It says to look again, and the proposal goes on waiting."""
    before = tree(waiting.capabilities)

    with pytest.raises(Stale, match="is not that of P-0001"):
        await OWNER.approve(control, "P-0001", digest=wrong)

    assert tree(waiting.capabilities) == before
    assert (await _look(control))["status"] == "waiting"


async def test_rules_that_changed_since_make_the_yes_worthless(
    control: Control, waiting: Home, tree: Tree
) -> None:
    """Also when the door was open all the time."""
    before = tree(waiting.capabilities)
    digest = (await _look(control))["digest"]
    text = waiting.rules.read_text()
    waiting.rules.write_text(text.replace("per_day: {usd: 5,", "per_day: {usd: 4,"))

    with pytest.raises(Stale, match="safety rules changed"):
        await OWNER.approve(control, "P-0001", digest=digest)

    assert tree(waiting.capabilities) == before


async def test_rules_that_are_broken_make_the_yes_worthless(
    control: Control, waiting: Home, tree: Tree
) -> None:
    """Nothing but looking goes on until they are mended; then the yes counts."""
    before = tree(waiting.capabilities)
    digest = (await _look(control))["digest"]
    text = waiting.rules.read_text()
    waiting.rules.write_text("rules: [")

    with pytest.raises(Stale):
        await OWNER.approve(control, "P-0001", digest=digest)
    assert tree(waiting.capabilities) == before

    waiting.rules.write_text(text)
    applied = await OWNER.approve(control, "P-0001", digest=digest)
    assert applied["status"] == "applied"


async def test_a_base_that_was_changed_by_hand_makes_the_yes_worthless(
    control: Control, waiting: Home
) -> None:
    """It was measured on other bytes."""
    digest = (await _look(control))["digest"]
    other = waiting.capabilities / "read_file" / "code.py"
    other.write_text(other.read_text() + "# mine\n")

    with pytest.raises(Stale, match="changed since P-0001 was measured"):
        await OWNER.approve(control, "P-0001", digest=digest)

    assert other.read_text().endswith("# mine\n")


async def test_a_second_yes_is_one_too_many(control: Control) -> None:
    """It was applied already."""
    digest = (await _look(control))["digest"]
    await OWNER.approve(control, "P-0001", digest=digest)

    with pytest.raises(Conflict, match="P-0001 is applied"):
        await OWNER.approve(control, "P-0001", digest=digest)


async def test_two_people_who_say_yes_at_the_same_moment_apply_it_once(
    control: Control, waiting: Home, open_home: Any
) -> None:
    """One of them is told; the proposal is applied and can be undone."""
    digest = (await _look(control))["digest"]
    async with open_home(waiting) as other:
        said = await asyncio.gather(
            OWNER.approve(control, "P-0001", digest=digest),
            OWNER.approve(other, "P-0001", digest=digest),
            return_exceptions=True,
        )

    errors = [each for each in said if isinstance(each, BaseException)]
    assert len(errors) == 1, said
    assert (await _look(control))["status"] == "applied"
    assert len(await control.lineage()) == 2
    assert (await control.undo_proposal("P-0001", by=ME))["status"] == "undone"


async def test_a_rejected_proposal_is_over(control: Control, waiting: Home, tree: Tree) -> None:
    """With who and why; nothing applies it any more, and it does not come back by itself."""
    before = tree(waiting.capabilities)
    digest = (await _look(control))["digest"]

    rejected = await control.reject_proposal("P-0001", "too clever", by=ME)

    assert (rejected["status"], rejected["decided_by"]) == ("rejected", ME)
    assert rejected["decision_reason"] == "too clever"
    with pytest.raises(Conflict, match="P-0001 is rejected"):
        await OWNER.approve(control, "P-0001", digest=digest)
    assert (await control.improve())["proposals"] == []
    assert tree(waiting.capabilities) == before


async def test_a_returned_proposal_keeps_the_comments_and_can_still_be_rejected(
    control: Control,
) -> None:
    """It waits for nobody until then."""
    returned = await control.return_proposal("P-0001", ["add a test", "name it"], by=ME)

    assert returned["status"] == "returned"
    assert returned["decision_reason"] == "add a test; name it"
    with pytest.raises(Conflict, match="is returned"):
        await OWNER.approve(control, "P-0001", digest=returned["digest"])
    assert (await control.reject_proposal("P-0001", "no", by=ME))["status"] == "rejected"


async def test_undone_and_redone_the_bytes_are_what_they_were(
    control: Control, waiting: Home, tree: Tree
) -> None:
    """Each way as a commit of its own; what is undone is not undone twice."""
    old = tree(waiting.capabilities)
    digest = (await _look(control))["digest"]
    await OWNER.approve(control, "P-0001", digest=digest)
    new = tree(waiting.capabilities)

    undone = await control.undo_proposal("P-0001", by=ME)
    assert undone["status"] == "undone"
    assert tree(waiting.capabilities) == old
    with pytest.raises(Conflict, match="is undone"):
        await control.undo_proposal("P-0001", by=ME)

    redone = await OWNER.redo(control, "P-0001")
    assert redone["status"] == "applied"
    assert tree(waiting.capabilities) == new
    assert (await control.audit_verify())["ok"]


async def test_an_unknown_proposal_is_not_found(control: Control) -> None:
    """Whatever one wants to do with it."""
    for doing in (
        OWNER.approve(control, "P-0404", digest="0" * 64),
        control.reject_proposal("P-0404", "x", by=ME),
        control.undo_proposal("P-0404", by=ME),
    ):
        with pytest.raises(NotFound, match="P-0404"):
            await doing


async def test_after_the_yes_the_goals_are_reached(control: Control, waiting: Home) -> None:
    """That is what the proposal promised."""
    shown = await _look(control)
    await OWNER.approve(control, "P-0001", digest=shown["digest"])
    promised = shown["contract"]["expected_fixes"]

    goals = [await control.goal(goal) for goal in promised]

    assert [goal["status"] for goal in goals] == ["queued", "queued"]
    assert [goal["attempt"] for goal in goals] == [2, 2]
