"""Who owns a home under attack: first come, then only what owners have signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeClock, FakeToolbox, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.owners import Owners
from autoclave.core.redaction import Redaction
from autoclave.domain.approval import Approval, Sheet
from autoclave.domain.canonical import canonical
from autoclave.domain.errors import (
    AutoclaveError,
    Conflict,
    CredentialMissing,
    InvalidInput,
    NotAllowed,
    Stale,
)
from autoclave.domain.events import EventKind, NewEvent

DAY = 86_400.0
ANN, BOB, EVE = Person("ann"), Person("bob"), Person("eve")


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    opened = open_loop(fast_tmp_path, FakeToolbox(), clock=FakeClock(1000.0))
    yield opened
    opened.close()


@pytest.fixture
async def owners(loop: Loop) -> Owners:
    """A home that Ann owns."""
    await ANN.own(loop.parts)
    return Owners(loop.parts)


async def _names(owners: Owners) -> set[str]:
    return {each.name for each in (await owners.book()).owners.values()}


async def _change(owners: Owners, person: Person, *what: Any) -> bool:
    sheet = await owners.change_sheet(*what)
    signed = person.sign(sheet, now=owners._parts.clock())
    return await owners.change(*what, signed=signed, by=person.by)


async def _both(owners: Owners, loop: Loop) -> None:
    """Let Bob own the home as well."""
    await _change(owners, ANN, "add", "bob", BOB.key)
    loop.clock.now += DAY  # type: ignore[attr-defined]
    assert await _change(owners, ANN, "add", "bob", BOB.key)


async def test_the_first_owner_needs_nobody_and_the_second_one_does(owners: Owners) -> None:
    """Trust on first use, once."""
    with pytest.raises(Conflict, match="has an owner"):
        await owners.enrol_first("eve", EVE.key, by=EVE.by)

    assert await _names(owners) == {"ann"}


async def test_only_a_person_becomes_the_first_owner(loop: Loop) -> None:
    """The kernel and the mind are none."""
    for by in ("kernel", "mind", "", "person:", "agent:x"):
        with pytest.raises(NotAllowed, match="not a person"):
            await Owners(loop.parts).enrol_first("ann", ANN.key, by=by)


@pytest.mark.parametrize(
    ("name", "key"), [("", "0" * 64), ("../x", "0" * 64), ("a b", "0" * 64), ("ann", "xyz")]
)
async def test_names_and_keys_are_what_they_look_like(loop: Loop, name: str, key: str) -> None:
    """They are shown, and stand in signed statements."""
    with pytest.raises(InvalidInput):
        await Owners(loop.parts).enrol_first(name, key, by="person:x")


async def test_a_single_owner_thinks_a_day_over_who_else_owns_the_home(
    owners: Owners, loop: Loop
) -> None:
    """Else one key could make the second person up."""
    assert not await _change(owners, ANN, "add", "bob", BOB.key)
    assert not await _change(owners, ANN, "add", "bob", BOB.key)
    assert await _names(owners) == {"ann"}
    (waiting,) = (await owners.book()).waiting.values()
    assert waiting.subject == "owner add bob"

    loop.clock.now += DAY  # type: ignore[attr-defined]

    assert await _change(owners, ANN, "add", "bob", BOB.key)
    assert await _names(owners) == {"ann", "bob"}
    assert (await owners.book()).waiting == {}


async def test_two_owners_change_owners_together(owners: Owners, loop: Loop) -> None:
    """No cooling-off stands in for the second one any more."""
    await _both(owners, loop)
    assert not await _change(owners, ANN, "add", "eve", EVE.key)
    loop.clock.now += DAY  # type: ignore[attr-defined]
    assert not await _change(owners, ANN, "add", "eve", EVE.key)

    assert await _change(owners, BOB, "add", "eve", EVE.key)
    assert await _names(owners) == {"ann", "bob", "eve"}


async def test_a_removed_owner_signs_nothing_any_more(owners: Owners, loop: Loop) -> None:
    """Neither for the future nor what lies there from before."""
    await _both(owners, loop)
    sheet = await owners.sheet("P-0001", "d", expires_at=loop.clock() + DAY)
    signed = BOB.sign(sheet, now=loop.clock())
    await owners.check_new(signed, sheet)

    await _change(owners, ANN, "remove", "bob")
    assert await _change(owners, BOB, "remove", "bob")

    with pytest.raises(NotAllowed, match="not that of an owner"):
        await owners.check_new(signed, sheet)
    with pytest.raises(Conflict, match="the only owner"):
        await owners.change_sheet("remove", "ann")


async def test_a_stranger_changes_no_owners(owners: Owners) -> None:
    """Whatever name and key they give."""
    sheet = await owners.change_sheet("add", "eve", EVE.key)
    named = replace(sheet, owners={EVE.key: "ann"})

    with pytest.raises(NotAllowed, match="not that of an owner"):
        await owners.change("add", "eve", EVE.key, signed=EVE.sign(named, now=1000.0), by=EVE.by)
    forged = replace(EVE.sign(named, now=1000.0), key=ANN.key)
    with pytest.raises(NotAllowed, match="is not ann's"):
        await owners.change("add", "eve", EVE.key, signed=forged, by=EVE.by)


@pytest.mark.parametrize("approvals", [[], [{}], None, "all of them"])
async def test_an_event_that_no_owner_signed_enrols_nobody(
    owners: Owners, loop: Loop, approvals: object
) -> None:
    """Even written by the kernel itself: it does not count, and stops nothing."""
    payload = {"name": "eve", "key": EVE.key, "home": "mine", "approvals": approvals}
    for kind in (EventKind.OWNER_ENROLLED, EventKind.OWNER_REMOVED, EventKind.OWNER_CHANGE_SIGNED):
        event = NewEvent(kind=kind, payload=payload)
        await loop.parts.ledger.post("owners", event, actor="kernel")

    assert await _names(owners) == {"ann"}


async def test_a_yes_to_one_change_is_none_to_another(owners: Owners, loop: Loop) -> None:
    """Taken from the journal and written down for somebody else's key."""
    await _change(owners, ANN, "add", "bob", BOB.key)
    loop.clock.now += DAY  # type: ignore[attr-defined]
    sheet = await owners.change_sheet("add", "bob", BOB.key)
    yeses = [(await owners.book()).signed[sheet.digest][0], ANN.sign(sheet, now=loop.clock())]
    payload = {"name": "eve", "key": EVE.key, "approvals": [each.to_json() for each in yeses]}

    event = NewEvent(kind=EventKind.OWNER_ENROLLED, payload=payload)
    await loop.parts.ledger.post("owners", event, actor=ANN.by)

    assert await _names(owners) == {"ann"}


def _other_home(yes: Approval, sheet: Sheet) -> Approval:
    return ANN.sign(replace(sheet, home="another"), now=1000.0)


def _other_subject(yes: Approval, sheet: Sheet) -> Approval:
    return ANN.sign(replace(sheet, subject="P-0002"), now=1000.0)


def _longer(yes: Approval, sheet: Sheet) -> Approval:
    return ANN.sign(replace(sheet, expires_at=9e9), now=1000.0)


def _ahead(yes: Approval, sheet: Sheet) -> Approval:
    return ANN.sign(sheet, now=2000.0)


def _old(yes: Approval, sheet: Sheet) -> Approval:
    return ANN.sign(sheet, now=600.0)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda yes, sheet: replace(yes, expires_at=9e9), "is not ann's"),
        (lambda yes, sheet: replace(yes, nonce="again"), "is not ann's"),
        (lambda yes, sheet: replace(yes, granted_at=999.0), "is not ann's"),
        (lambda yes, sheet: replace(yes, signature="00" * 64), "is not ann's"),
        (lambda yes, sheet: replace(yes, signature="x"), "is not ann's"),
        (lambda yes, sheet: replace(yes, signature=""), "is not signed"),
        (lambda yes, sheet: replace(yes, granted_by="person:bob"), "bob did not sign"),
        (lambda yes, sheet: replace(yes, key=EVE.key), "not that of an owner"),
        (_other_home, "another home"),
        (_other_subject, "is for P-0002"),
        (_longer, "cannot last"),
        (_ahead, "from the future"),
        (_old, "too long ago"),
    ],
)
async def test_a_yes_that_is_not_exactly_that_counts_for_nothing(
    owners: Owners, spoil: Any, why: str
) -> None:
    """Each for one named reason."""
    sheet = await owners.sheet("P-0001", "d", expires_at=4000.0)
    good = ANN.sign(sheet, now=1000.0)
    await owners.check_new(good, sheet)

    with pytest.raises(AutoclaveError, match=why):
        await owners.check_new(spoil(good, sheet), sheet)


async def test_other_bytes_than_were_signed_are_stale(owners: Owners) -> None:
    """With what was signed and what it is now."""
    sheet = await owners.sheet("P-0001", "d" * 64, expires_at=4000.0)

    with pytest.raises(Stale, match="dddddddd was approved, it is eeeeeeee now"):
        await owners.check_new(ANN.sign(sheet, now=1000.0), replace(sheet, digest="e" * 64))


async def test_a_clock_that_ran_backwards_brings_nothing_back(owners: Owners, loop: Loop) -> None:
    """What expired by the journal's own time is not asked the clock again."""
    sheet = await owners.sheet("P-0001", "d", expires_at=1500.0)
    signed = ANN.sign(sheet, now=1000.0)
    loop.clock.now = 2000.0  # type: ignore[attr-defined]
    await loop.parts.ledger.post("agent", NewEvent(kind=EventKind.AGENT_STOPPED), actor="kernel")
    loop.clock.now = 1001.0  # type: ignore[attr-defined]

    with pytest.raises(NotAllowed, match="behind the journal"):
        await owners.check_new(signed, sheet)


async def test_a_home_without_an_owner_says_what_to_do(loop: Loop) -> None:
    """Nobody can approve anything in it yet."""
    with pytest.raises(CredentialMissing) as error:
        await Owners(loop.parts).sheet("P-0001", "d", expires_at=1.0)

    assert error.value.hint == "autoclave owner create"


async def test_a_signature_is_no_secret(owners: Owners) -> None:
    """The journal hides what looks like one, and must not hide what it checks by."""
    sheet = await owners.sheet("P-0001", "d" * 64, expires_at=4000.0)
    text = canonical({"approval": ANN.sign(sheet, now=1000.0).to_json(), "key": ANN.key})

    assert not Redaction(b"k" * 32).suspects(text)
