"""What people do with snapshots: make one, list them, go back to one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..core.checkpoints import Checkpoint, Checkpoints
from ..core.deeds import Deeds
from ..core.journal import SqlJournal
from ..core.owners import Owners
from ..core.parts import Parts
from ..core.writer import Writer
from ..domain.approval import Approval, Quorum, Sheet
from ..domain.canonical import JsonObject, digest
from ..domain.deeds import STREAM as DEEDS
from ..domain.deeds import Deed
from ..domain.errors import JournalBroken, NotAllowed
from ..domain.events import Event
from ..domain.owners import STREAM as OWNERS
from ..domain.owners import OwnerBook, fold_owners
from ..domain.risk import Action, ActionKind, Origin, Verdict
from .another_yes import another_yes

_FEW = 100


class KeepingDesk:
    """The snapshots of one home."""

    def __init__(
        self,
        parts: Parts,
        checkpoints: Checkpoints,
        *,
        journal: SqlJournal,
        writer: Writer,
        close: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._checkpoints = checkpoints
        self._journal = journal
        self._writer = writer
        self._close = close
        self._deeds = Deeds(parts)
        self._owners = Owners(parts)

    async def create(self, note: str) -> JsonObject:
        make = self._checkpoints.create
        return _plain(await self._writer.call(make, note, journal=self._journal))

    def every(self) -> list[JsonObject]:
        """Newest first."""
        return [_plain(each) for each in self._checkpoints.list()]

    async def sheet(self, checkpoint: str) -> Sheet:
        """What an owner of today signs to go back. Raises NotFound, JournalBroken, NotAllowed."""
        return await self._deeds.sheet(await self._going_back(checkpoint))

    async def restore(self, checkpoint: str, *, signed: Approval, by: str) -> JsonObject:
        """Take an owner's yes; with the last one it takes, go back. The present is kept first.

        The home is closed then. Raises Busy, NotFound, Stale, NotAllowed, CredentialMissing.
        """
        with self._checkpoints.alone():
            deed = await self._going_back(checkpoint)
            word = await self._deeds.allow(deed, signed, by=by)
            if not word.is_enough:
                return {"id": checkpoint, "waits_for": another_yes(word.quorum, word.yeses)}
            await self._writer.call(self._close)
            put_back = self._checkpoints.put_back
            restored = await asyncio.to_thread(put_back, checkpoint, by=by, approvals=word.yeses)
        return _plain(restored)

    async def _going_back(self, checkpoint: str) -> Deed:
        """Going back to other owners is a change of owners, and takes as many as that does."""
        info = await asyncio.to_thread(self._checkpoints.verify, checkpoint)
        quorum = self._quorum(checkpoint)
        now = await self._owners.book()
        earlier = await asyncio.to_thread(self._checkpoints.events, checkpoint, OWNERS)
        then = fold_owners(earlier, self._parts.verify)
        changes_owners = (now.home, set(now.owners)) != (then.home, set(then.owners))
        facts = {
            "checkpoint": info.id,
            "note": info.note,
            "made_at": info.made_at,
            "digest": info.digest,
            "present": await self._present(),
            "owners": _names(now),
            "owners_then": _names(then),
            "changes_owners": changes_owners,
            "rules": self._parts.gate.digest,
        }
        return Deed(
            subject=f"checkpoint restore {info.id}",
            facts=facts,
            quorum=quorum.or_stricter(now.quorum) if changes_owners else quorum,
        )

    def _quorum(self, checkpoint: str) -> Quorum:
        """It is asked for whatever the rules say; what they deny stays denied."""
        person = frozenset({Origin.PERSON})
        action = Action(kind=ActionKind.CHECKPOINT_RESTORE, target=checkpoint, origins=person)
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is Verdict.DENY:
            raise NotAllowed(f"this may not be restored: {ruling.reason}", rules=ruling.rules)
        return ruling.quorum

    async def _present(self) -> JsonObject:
        """How far the journal is. A damaged one has to be left as well, so it may say just that."""
        try:
            return await self._writer.call(self._newest)
        except JournalBroken as damaged:
            return {"damaged": damaged.message}

    def _newest(self) -> JsonObject:
        """The newest event but for what owners said to deeds: their yeses do not make each other
        void."""
        last = self._journal.last_id()
        while last > 0:
            events = self._journal.read_all(after=max(0, last - _FEW), limit=min(last, _FEW))
            for event in reversed(events):
                if event.stream != DEEDS:
                    return {"events": event.id, "digest": _digest_of(event)}
            last -= _FEW
        return {"events": 0, "digest": ""}


def _digest_of(event: Event) -> str:
    said = [event.id, event.stream, event.seq, event.kind, event.actor, event.at, event.payload]
    return digest(said)


def _names(book: OwnerBook) -> list[JsonObject]:
    return [{"name": owner.name, "key": key} for key, owner in sorted(book.owners.items())]


def _plain(checkpoint: Checkpoint) -> JsonObject:
    found = checkpoint.to_json()
    return {**found, "at": found["made_at"], "events": found["last_id"]}
