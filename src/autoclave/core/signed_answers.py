"""Answers of owners: from R4 on a yes to a goal's question counts only with their signature."""

from __future__ import annotations

from ..domain.approval import Approval, Quorum, Sheet
from ..domain.canonical import JsonObject
from ..domain.errors import Conflict, CredentialMissing, Refused
from ..domain.risk import Risk, Ruling
from ..domain.run import Run
from .owners import Owners
from .parts import Parts

SIGNED_FROM = Risk.R4
"""Below it a person's word is enough: what it allows can be undone, or is looked at again."""


def must_be_signed(risk: Risk, quorum: Quorum) -> bool:
    """Whether a yes to something of this risk takes an owner's key."""
    return risk >= SIGNED_FROM or quorum.people > 1


def is_to_sign(asked: JsonObject) -> bool:
    """The same for a question as it was written down."""
    ruling = asked.get("ruling") or {}
    return must_be_signed(Risk[ruling.get("risk", "R0")], quorum_of(asked))


def quorum_of(asked: JsonObject) -> Quorum:
    """Whose yes an open question takes."""
    return Quorum(**(asked.get("ruling") or {}).get("quorum", {}))


def yeses_of(asked: JsonObject) -> tuple[Approval, ...]:
    """What owners have signed so far for an open question, or for one that is answered."""
    return tuple(Approval.from_json(each) for each in asked.get("approvals", ()))


async def answer_sheet(parts: Parts, run: Run) -> Sheet:
    """What an owner signs to say yes to the open question. Raises CredentialMissing, Conflict."""
    asked = run.question
    if asked is None:
        raise Conflict(f"{run.id} asks nothing now")
    until = parts.clock() + parts.approval_seconds + (quorum_of(asked).cooling_off or 0.0)
    return await Owners(parts).sheet(
        _subject(run, asked["request"]), asked["digest"], expires_at=until
    )


async def collect(parts: Parts, run: Run, signed: Approval | None) -> tuple[list[Approval], bool]:
    """All that owners have signed for the open question, and whether that is enough."""
    asked, owners = run.question or {}, Owners(parts)
    sheet = await answer_sheet(parts, run)
    if signed is None:
        raise CredentialMissing(
            f"a yes to what {run.id} asks has to be signed by an owner",
            hint="autoclave owner list",
        )
    await owners.check_new(signed, sheet)
    earlier = [each for each in yeses_of(asked) if await _holds(owners, each, sheet)]
    is_enough = quorum_of(asked).is_met((*earlier, signed))
    is_new = is_enough or all(each.key != signed.key for each in earlier)
    return [*earlier, *([signed] if is_new else [])], is_enough


async def is_signed(
    parts: Parts, run: Run, ruling: Ruling, *, request: str, answer: JsonObject
) -> bool:
    """Whether a yes that stands in the journal is the word of those who own the home today."""
    if not must_be_signed(ruling.risk, ruling.quorum):
        return True
    try:
        await Owners(parts).check_all(
            yeses_of(answer),
            subject=_subject(run, request),
            digest=answer["digest"],
            quorum=ruling.quorum,
        )
    except (Refused, CredentialMissing, TypeError):
        return False
    return True


async def _holds(owners: Owners, yes: Approval, sheet: Sheet) -> bool:
    try:
        await owners.check_all([yes], subject=sheet.subject, digest=sheet.digest, quorum=Quorum())
    except Refused:
        return False
    return True


def _subject(run: Run, request: str) -> str:
    return f"{run.id}/{request}"
