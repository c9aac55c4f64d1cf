"""An owner with a real key, who approves: the one place where tests sign."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autoclave.cli.signing import Signer
from autoclave.core.owners import Owners
from autoclave.core.parts import Parts
from autoclave.core.proposals import Proposals
from autoclave.core.signed_answers import answer_sheet, is_to_sign
from autoclave.domain.approval import Approval, Sheet
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.proposal_record import ProposalRecord
from autoclave.domain.run import Run


class Person:
    """Somebody with a key of their own; the same name has the same key in every test."""

    def __init__(self, name: str = "me") -> None:
        self.name = name
        seed = hashlib.sha256(name.encode()).digest()
        self.signer = Signer(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def by(self) -> str:
        return f"person:{self.name}"

    @property
    def key(self) -> str:
        return self.signer.key

    def sign(self, sheet: Sheet, *, now: float | None = None, **spoilt: Any) -> Approval:
        """A yes to the sheet; `spoilt` changes it after it was signed."""
        return replace(self.signer.sign(sheet, now=now), **spoilt)

    async def own(self, place: Any) -> None:
        """Become the first owner of a home, unless one owns it: through its Control or Parts."""
        owners = Owners(_parts(place))
        if not (await owners.book()).home:
            await owners.enrol_first(self.name, self.key, by=self.by)

    async def answer(self, parts: Parts, run: Run, *, yes: bool, by: str = "") -> None:
        """Answer the open question of a run; from R4 on the yes is signed."""
        asked = run.question or {}
        payload = {"request": asked["request"], "digest": asked["digest"], "yes": yes}
        if yes and is_to_sign(asked):
            await self.own(parts)
            signed = self.sign(await answer_sheet(parts, run), now=parts.clock())
            payload["approvals"] = [signed.to_json()]
        event = NewEvent(kind=EventKind.ANSWER_GIVEN, payload={**payload, "reason": ""})
        await parts.ledger.post(run.stream, event, actor=by or self.by)

    async def approve(
        self, place: Any, proposal: str, *, digest: str | None = None, by: str = ""
    ) -> Any:
        """What `autoclave proposal approve --hash` does, through Control or Proposals.

        It gives what the door gives: JSON for Control, the record for Proposals.
        """
        parts = _parts(place)
        await self.own(place)
        desk = place if isinstance(place, Proposals) else Proposals(parts)
        sheet = await desk.sheet(proposal)
        named = sheet if digest is None else replace(sheet, digest=digest)
        signed = self.sign(named, now=parts.clock())
        if isinstance(place, Proposals):
            record: ProposalRecord = await place.approve(proposal, signed=signed, by=by or self.by)
            return record
        done: JsonObject = await place.approve_proposal(proposal, signed=signed, by=by or self.by)
        return done

    async def redo(self, place: Any, proposal: str, *, by: str = "") -> Any:
        """What `autoclave proposal redo` does, through Control or Proposals."""
        await self.own(place)
        signed = self.sign(await place.redo_sheet(proposal), now=_parts(place).clock())
        redo = place.redo if isinstance(place, Proposals) else place.redo_proposal
        return await redo(proposal, signed=signed, by=by or self.by)

    async def add_capability(self, control: Any, folder: Path) -> Any:
        """What `autoclave capability add` does."""
        await self.own(control)
        signed = self.sign(await control.capability_sheet(folder))
        return await control.add_capability(folder, signed=signed, by=self.by)

    async def restore(self, control: Any, checkpoint: str) -> Any:
        """What `autoclave checkpoint restore` does."""
        await self.own(control)
        signed = self.sign(await control.restore_sheet(checkpoint))
        return await control.restore_checkpoint(checkpoint, signed=signed, by=self.by)


def _parts(place: Any) -> Parts:
    found: Parts = place if isinstance(place, Parts) else place._parts
    return found
