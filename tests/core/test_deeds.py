"""What changes the agent without a proposal: owners' yeses to exactly that, once, in time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeClock, FakeToolbox, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.deeds import Deeds
from autoclave.core.owners import Owners
from autoclave.domain.approval import Approval, Quorum
from autoclave.domain.deeds import STREAM, Deed
from autoclave.domain.errors import AutoclaveError, CredentialMissing, NotAllowed, Stale
from autoclave.domain.events import EventKind

ANN, BOB = Person("ann"), Person("bob")
DAY = 86_400.0
DEED = Deed(subject="capability add shout", facts={"tree": "t1", "needs": {"network": []}})


class Desk:
    """A home of Ann's where deeds are put before owners."""

    def __init__(self, loop: Loop, clock: FakeClock) -> None:
        self.loop = loop
        self.clock = clock
        self.deeds = Deeds(loop.parts)

    async def signed(self, deed: Deed, who: Person = ANN) -> Approval:
        return who.sign(await self.deeds.sheet(deed), now=self.clock.now)

    async def allowed(self) -> int:
        """How often anything was allowed."""
        events = await self.loop.parts.ledger.events(STREAM)
        return sum(each.kind is EventKind.DEED_ALLOWED for each in events)


@pytest.fixture
async def desk(fast_tmp_path: Path) -> AsyncIterator[Desk]:
    clock = FakeClock()
    loop = open_loop(fast_tmp_path, FakeToolbox(), clock=clock)
    await ANN.own(loop.parts)
    yield Desk(loop, clock)
    loop.close()


def _changed(signed: Approval, changes: Mapping[str, Any]) -> Approval:
    return replace(signed, **changes)


async def _add(desk: Desk, who: Person) -> None:
    """Ann takes somebody in, which takes her two days' words."""
    owners = Owners(desk.loop.parts)
    for _ in range(2):
        sheet = await owners.change_sheet("add", who.name, who.key)
        signed = ANN.sign(sheet, now=desk.clock.now)
        await owners.change("add", who.name, who.key, signed=signed, by=ANN.by)
        desk.clock.now += DAY


async def test_an_owners_yes_allows_it_once(desk: Desk) -> None:
    """And stands in the journal before anything is done; replayed, it is worth nothing."""
    signed = await desk.signed(DEED)

    word = await desk.deeds.allow(DEED, signed, by=ANN.by)

    assert (word.is_enough, word.yeses) == (True, (signed,))
    with pytest.raises(NotAllowed, match="used before"):
        await desk.deeds.allow(DEED, signed, by=ANN.by)
    assert await desk.allowed() == 1


@pytest.mark.parametrize(
    ("spoilt", "error", "said"),
    [
        ({"signature": ""}, CredentialMissing, "is not signed"),
        ({"signature": "00" * 64}, NotAllowed, "not ann's"),
        ({"home": "another"}, NotAllowed, "another home"),
        ({"key": BOB.key}, NotAllowed, "not that of an owner"),
        ({"granted_by": "person:bob"}, NotAllowed, "did not sign this"),
    ],
)
async def test_what_no_owner_signed_allows_nothing(
    desk: Desk, spoilt: dict[str, str], error: type[AutoclaveError], said: str
) -> None:
    """For this home, with an owner's key."""
    signed = _changed(await desk.signed(DEED), spoilt)

    with pytest.raises(error, match=said):
        await desk.deeds.allow(DEED, signed, by=ANN.by)

    assert await desk.allowed() == 0


async def test_a_yes_dies_when_any_fact_changes(desk: Desk) -> None:
    """Other bytes, other needs, other rules."""
    signed = await desk.signed(DEED)
    later = replace(DEED, facts={**DEED.facts, "tree": "t2"})

    with pytest.raises(Stale, match="changed after person:ann approved it"):
        await desk.deeds.allow(later, signed, by=ANN.by)

    assert await desk.allowed() == 0


async def test_a_yes_to_one_thing_is_none_to_another(desk: Desk) -> None:
    """Even where the facts are the same."""
    signed = await desk.signed(DEED)
    other = replace(DEED, subject="capability add whisper")

    with pytest.raises(NotAllowed, match="is for capability add shout"):
        await desk.deeds.allow(other, signed, by=ANN.by)


@pytest.mark.parametrize("later", [301.0, 3601.0])
async def test_a_late_yes_is_none(desk: Desk, later: float) -> None:
    """It is signed just before it is used."""
    signed = await desk.signed(DEED)
    desk.clock.now += later

    with pytest.raises(Stale, match=r"too long ago|expired"):
        await desk.deeds.allow(DEED, signed, by=ANN.by)


async def test_nobody_but_a_person_hands_it_in(desk: Desk) -> None:
    """The agent's parts allow nothing, with whatever signature."""
    signed = await desk.signed(DEED)

    with pytest.raises(NotAllowed, match="not a person"):
        await desk.deeds.allow(DEED, signed, by="mind")


async def test_without_an_owner_nobody_can(fast_tmp_path: Path) -> None:
    """It says what to do."""
    loop = open_loop(fast_tmp_path, FakeToolbox())

    with pytest.raises(CredentialMissing, match="no owner yet") as missing:
        await Deeds(loop.parts).sheet(DEED)

    assert missing.value.hint == "autoclave owner create"
    loop.close()


async def test_two_people_have_to_say_yes_where_the_rules_want_two(desk: Desk) -> None:
    """One person's second yes is no second person's."""
    await _add(desk, BOB)
    deed = replace(DEED, quorum=Quorum(people=2))

    for _ in range(2):
        once = await desk.deeds.allow(deed, await desk.signed(deed), by=ANN.by)
        assert not once.is_enough
        assert [each.granted_by for each in once.yeses] == [ANN.by]
    twice = await desk.deeds.allow(deed, await desk.signed(deed, BOB), by=BOB.by)

    assert twice.is_enough
    assert [each.granted_by for each in twice.yeses] == [ANN.by, BOB.by]
    assert await desk.allowed() == 1


async def test_a_used_yes_is_not_the_first_of_the_next_two(desk: Desk) -> None:
    """Each time takes two fresh ones."""
    await _add(desk, BOB)
    deed = replace(DEED, quorum=Quorum(people=2))
    await desk.deeds.allow(deed, await desk.signed(deed), by=ANN.by)
    await desk.deeds.allow(deed, await desk.signed(deed, BOB), by=BOB.by)

    again = await desk.deeds.allow(deed, await desk.signed(deed, BOB), by=BOB.by)

    assert not again.is_enough
    assert await desk.allowed() == 1


async def test_one_person_may_think_it_over(desk: Desk) -> None:
    """Where the rules let them: the same key twice, with the cooling-off between."""
    deed = replace(DEED, quorum=Quorum(people=2, cooling_off=DAY))
    first = await desk.deeds.allow(deed, await desk.signed(deed), by=ANN.by)
    desk.clock.now += DAY

    second = await desk.deeds.allow(deed, await desk.signed(deed), by=ANN.by)

    assert (first.is_enough, second.is_enough) == (False, True)


async def test_no_changed_yes_allows_anything(desk: Desk) -> None:
    """Whatever is changed of what was signed, it is worth nothing."""
    signed = await desk.signed(DEED)
    changed: dict[str, object] = {
        "subject": "capability add other",
        "digest": "0" * 64,
        "granted_by": "person:bob",
        "granted_at": signed.granted_at - 1,
        "expires_at": signed.expires_at + 1,
        "nonce": "0" * 32,
        "home": "",
        "key": BOB.key,
        "signature": signed.signature.upper() + "00",
    }

    for name, value in changed.items():
        with pytest.raises(AutoclaveError):
            await desk.deeds.allow(DEED, _changed(signed, {name: value}), by=ANN.by)

    assert set(changed) == {each.name for each in fields(Approval)}
    assert await desk.allowed() == 0
