"""What a person has done once that changes what the agent is, as a value that owners sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .approval import Approval, Quorum, facts_digest
from .canonical import JsonObject
from .events import Event, EventKind

STREAM = "deeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing, done once."""

    subject: str
    """`redo P-0001`, `capability add NAME`, `checkpoint restore C-20260131-120000`."""
    facts: JsonObject
    """Exactly what happens and to what: it is shown, and when any of it changes, a yes is void."""
    quorum: Quorum = Quorum()
    """Whose yes it takes."""

    @property
    def digest(self) -> str:
        return facts_digest(self.subject, self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What owners have said to a deed so far, all of it valid."""

    yeses: tuple[Approval, ...]
    quorum: Quorum
    is_enough: bool
    """Then it is written down as allowed, and the yeses are used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedBook:
    """The deeds as the journal has them."""

    signed: Mapping[str, tuple[Approval, ...]] = field(default_factory=dict)
    """By digest: the yeses that waited for another one."""
    used: Mapping[str, int] = field(default_factory=dict)
    """By nonce: the event that used the yes up."""


def fold_deeds(events: Iterable[Event]) -> DeedBook:
    """What has been said; whether a signature counts is for whoever uses it."""
    signed: dict[str, tuple[Approval, ...]] = {}
    used: dict[str, int] = {}
    for event in events:
        given = event.payload
        if event.kind is EventKind.DEED_SIGNED:
            yes = Approval.from_json(given["approval"])
            signed[given["digest"]] = (*signed.get(given["digest"], ()), yes)
        elif event.kind is EventKind.DEED_ALLOWED:
            for each in given["approvals"]:
                used.setdefault(each["nonce"], event.id)
    return DeedBook(signed=signed, used=used)
