"""The owners of one home: who may say yes, whose signature counts, how one is added or removed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from ..domain.approval import Approval, Quorum, Sheet
from ..domain.canonical import JsonObject
from ..domain.errors import Conflict, NotAllowed, NotFound, Stale
from ..domain.events import EventKind, NewEvent
from ..domain.owners import (
    CHANGE_LASTS,
    STREAM,
    Change,
    Owner,
    OwnerBook,
    OwnerChange,
    check_change,
    fold_owners,
)
from .parts import Parts

_FRESH_SECONDS = 300.0
"""How old a signature may be when it is handed in; a cooling-off is counted from it."""
_CLOCK_SLACK = 60.0


class Owners:
    """The journal's word on owners; no file has one."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def book(self) -> OwnerBook:
        """The owners as they stand."""
        return fold_owners(await self._parts.ledger.events(STREAM), self._parts.verify)

    async def now(self) -> float:
        """The time. Raises NotAllowed when it ran backwards: what has expired would live again."""
        now, newest = self._parts.clock(), await self._parts.ledger.newest_at()
        if now < newest - _CLOCK_SLACK:
            raise NotAllowed(
                f"the clock is {newest - now:.0f} seconds behind the journal, so nobody can say "
                "what has expired",
                hint="set the clock right",
            )
        return now

    async def sheet(
        self, subject: str, digest: str, *, expires_at: float, facts: JsonObject | None = None
    ) -> Sheet:
        """What an owner signs to say yes. Raises CredentialMissing where there is none."""
        return (await self.book()).sheet(subject, digest, expires_at=expires_at, facts=facts)

    async def check_new(
        self, signed: Approval, sheet: Sheet, *, used: frozenset[str] = frozenset()
    ) -> float:
        """The time; raises unless an owner signed exactly that sheet, just now."""
        (await self.book()).check(signed, self._parts.verify)
        now = await self.now()
        signed.check(sheet.subject, sheet.digest, now=now, used=used)
        if signed.expires_at > sheet.expires_at:
            raise NotAllowed(f"a yes to {sheet.subject} cannot last as long as this one says")
        if now - signed.granted_at > _FRESH_SECONDS:
            raise Stale(f"the yes to {sheet.subject} was signed too long ago", hint="sign it again")
        return now

    async def check_all(
        self,
        yeses: Sequence[Approval],
        *,
        subject: str,
        digest: str,
        quorum: Quorum,
        used: frozenset[str] = frozenset(),
    ) -> None:
        """Raise unless these yeses, all of them valid today, are enough for exactly that."""
        book, now = await self.book(), await self.now()
        for each in yeses:
            book.check(each, self._parts.verify)
            each.check(subject, digest, now=now, used=used)
        if not quorum.is_met(yeses):
            raise NotAllowed(f"too few owners have said yes to {subject}")

    async def enrol_first(self, name: str, key: str, *, by: str) -> Owner:
        """Take the first owner in, unsigned: there is nobody to ask. Raises Conflict after that."""
        owner = Owner(name=name, key=key)
        if (await self.book()).home:
            raise Conflict("this home has an owner", hint=f"autoclave owner add {name} {key}")
        payload = {"name": owner.name, "key": owner.key, "home": secrets.token_hex(16)}
        await self._post(EventKind.OWNER_ENROLLED, payload, by=by)
        enrolled = (await self.book()).owners.get(key)
        if enrolled is None:
            raise Conflict("somebody else became the first owner at the same moment")
        return enrolled

    async def change_sheet(self, change: Change, name: str, key: str = "") -> Sheet:
        """What is signed to add or remove an owner. Raises Conflict, NotFound, InvalidInput."""
        book = await self.book()
        wanted = _change_of(book, change, name, key)
        until = self._parts.clock() + CHANGE_LASTS
        return book.sheet(wanted.subject, book.digest_of(wanted), expires_at=until)

    async def change(
        self, change: Change, name: str, key: str = "", *, signed: Approval, by: str
    ) -> bool:
        """Add or remove an owner; whether that was the last yes it took."""
        book = await self.book()
        wanted = _change_of(book, change, name, key)
        named = book.digest_of(wanted)
        sheet = await self.change_sheet(change, name, key)
        now = await self.check_new(signed, sheet)
        earlier = _living(book.signed.get(named, ()), now)
        check_change(book, wanted, earlier, at=now, verify=self._parts.verify)
        payload: JsonObject = {"name": wanted.name, "key": wanted.key}
        if not book.quorum.is_met((*earlier, signed)):
            if all(each.key != signed.key for each in earlier):
                asked = {**payload, "change": change, "approval": signed.to_json()}
                await self._post(EventKind.OWNER_CHANGE_SIGNED, asked, by=by)
            return False
        payload["approvals"] = [each.to_json() for each in (*earlier, signed)]
        kind = EventKind.OWNER_ENROLLED if change == "add" else EventKind.OWNER_REMOVED
        await self._post(kind, payload, by=by)
        if (wanted.key in (await self.book()).owners) is not (change == "add"):
            raise Conflict("the owners changed at the same moment", hint="autoclave owner list")
        return True

    async def _post(self, kind: EventKind, payload: JsonObject, *, by: str) -> None:
        check_person(by)
        await self._parts.ledger.post(STREAM, NewEvent(kind=kind, payload=payload), actor=by)


def check_person(by: str) -> None:
    """Raise NotAllowed for whoever is none: the agent and its parts decide nothing."""
    if not by.removeprefix("person:").strip() or not by.startswith("person:"):
        raise NotAllowed(f"{by!r} is not a person, so it cannot approve anything")


def _living(yeses: Sequence[Approval], now: float) -> tuple[Approval, ...]:
    return tuple(each for each in yeses if now < each.expires_at)


def _change_of(book: OwnerBook, change: Change, name: str, key: str) -> OwnerChange:
    known = book.named(name)
    if change == "remove":
        if known is None:
            raise NotFound(f"there is no owner {name}", hint="autoclave owner list")
        if len(book.owners) == 1:
            raise Conflict(f"{name} is the only owner, and a home without one can approve nothing")
        return OwnerChange(change=change, name=name, key=known.key)
    owner = Owner(name=name, key=key)
    if known is not None or key in book.owners:
        raise Conflict(f"{name} or that key is an owner's already", hint="autoclave owner list")
    return OwnerChange(change=change, name=owner.name, key=owner.key)
