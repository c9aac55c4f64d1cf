"""Leave for what changes the agent without a proposal: an owner's yes to exactly that, once."""

from __future__ import annotations

from contextlib import suppress

from ..domain.approval import Approval, Quorum, Sheet
from ..domain.canonical import JsonObject
from ..domain.deeds import STREAM, Deed, DeedBook, Word, fold_deeds
from ..domain.errors import Conflict, Refused
from ..domain.events import EventKind, NewEvent
from .owners import Owners, check_person
from .parts import Parts


class Deeds:
    """Puts deeds before owners, and takes their yeses."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._owners = Owners(parts)

    async def sheet(self, deed: Deed) -> Sheet:
        """What an owner signs to allow it. Raises CredentialMissing where nobody can."""
        lasts = self._parts.approval_seconds + (deed.quorum.cooling_off or 0.0)
        until = self._parts.clock() + lasts
        return await self._owners.sheet(
            deed.subject, deed.digest, expires_at=until, facts=deed.facts
        )

    async def allow(self, deed: Deed, signed: Approval, *, by: str) -> Word:
        """Take an owner's yes to exactly this. With the last one it takes, it is allowed, once.

        Raises Stale, NotAllowed, CredentialMissing, Conflict. The caller does it at once and has
        made sure that nobody else does the same meanwhile.
        """
        check_person(by)
        sheet = await self.sheet(deed)
        book = await self._book()
        await self._owners.check_new(signed, sheet, used=frozenset(book.used))
        earlier = await self._living(deed, book)
        if not deed.quorum.is_met((*earlier, signed)):
            is_new = all(each.key != signed.key for each in earlier)
            if is_new:
                await self._post(EventKind.DEED_SIGNED, deed, {"approval": signed.to_json()}, by)
            yeses = (*earlier, signed) if is_new else earlier
            return Word(yeses=yeses, quorum=deed.quorum, is_enough=False)
        yeses = (*earlier, signed)
        approvals = [each.to_json() for each in yeses]
        mine = await self._post(EventKind.DEED_ALLOWED, deed, {"approvals": approvals}, by)
        used = (await self._book()).used
        if any(used[each.nonce] != mine for each in yeses):
            raise Conflict(f"a yes to {deed.subject} was used at the same moment")
        return Word(yeses=yeses, quorum=deed.quorum, is_enough=True)

    async def _book(self) -> DeedBook:
        return fold_deeds(await self._parts.ledger.events(STREAM))

    async def _living(self, deed: Deed, book: DeedBook) -> tuple[Approval, ...]:
        """The earlier yeses that still count: their owners may have been removed since."""
        living = []
        for each in book.signed.get(deed.digest, ()):
            with suppress(Refused):
                await self._owners.check_all(
                    [each],
                    subject=deed.subject,
                    digest=deed.digest,
                    quorum=Quorum(),
                    used=frozenset(book.used),
                )
                living.append(each)
        return tuple(living)

    async def _post(self, kind: EventKind, deed: Deed, said: JsonObject, by: str) -> int:
        payload = {"subject": deed.subject, "digest": deed.digest, "facts": deed.facts, **said}
        (event,) = await self._parts.ledger.post(
            STREAM, NewEvent(kind=kind, payload=payload), actor=by
        )
        return event.id
