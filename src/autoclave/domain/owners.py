"""Who owns a home: public keys, enrolled and removed by signed events of the journal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from .approval import Approval, Quorum, Sheet
from .canonical import JsonObject, digest
from .errors import AutoclaveError, CredentialMissing, InvalidInput, NotAllowed
from .events import Event, EventKind

STREAM = "owners"
COOLING_OFF = 86_400.0
"""How long a single owner has to think over who else is to own the home."""
CHANGE_LASTS = 3 * 86_400.0

Verify: TypeAlias = Callable[[str, str, str], bool]
"""Whether a public key made a signature of a text: key, text, signature. Never raises."""
Change: TypeAlias = Literal["add", "remove"]

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}")
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A person with a key."""

    name: str
    key: str
    """The public key: 32 bytes in hex. The other half never comes near a home."""
    enrolled_at: float = 0.0
    enrolled_by: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"{self.name!r} is no name for an owner",
                hint="letters, digits, dot, dash and underscore, at most 40",
            )
        if not _KEY.fullmatch(self.key):
            raise InvalidInput(
                "a public key is 64 digits of hex", hint="`autoclave owner create` prints it"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChange:
    """One owner to be added or removed."""

    change: Change
    name: str
    key: str

    @property
    def subject(self) -> str:
        return f"owner {self.change} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerBook:
    """The owners as the journal has them."""

    home: str = ""
    """Names this home in every signature; empty until it has its first owner."""
    owners: Mapping[str, Owner] = field(default_factory=dict)
    """By public key."""
    signed: Mapping[str, tuple[Approval, ...]] = field(default_factory=dict)
    """By digest: the yeses to changes that wait for another one."""
    waiting: Mapping[str, OwnerChange] = field(default_factory=dict)
    """By digest: those changes."""

    def named(self, name: str) -> Owner | None:
        return next((each for each in self.owners.values() if each.name == name), None)

    @property
    def quorum(self) -> Quorum:
        """For a change of owners. Else whoever has one key could make the second person up."""
        alone = COOLING_OFF if len(self.owners) == 1 else None
        return Quorum(people=2, cooling_off=alone)

    def sheet(
        self, subject: str, digest: str, *, expires_at: float, facts: JsonObject | None = None
    ) -> Sheet:
        """What is to be signed. Raises CredentialMissing where nobody can."""
        self._check_owned()
        names = {key: owner.name for key, owner in self.owners.items()}
        return Sheet(
            subject=subject,
            digest=digest,
            home=self.home,
            expires_at=expires_at,
            owners=names,
            facts=facts or {},
        )

    def digest_of(self, change: OwnerChange) -> str:
        """Names the change and the owners that it is made from, so that it dies with them."""
        return digest([change.change, change.name, change.key, self.home, sorted(self.owners)])

    def check(self, approval: Approval, verify: Verify) -> Owner:
        """Who signed it. Raises CredentialMissing or NotAllowed unless that is an owner's word."""
        self._check_owned()
        if not approval.signature:
            raise CredentialMissing(
                f"the yes to {approval.subject} is not signed", hint="`autoclave owner list`"
            )
        if approval.home != self.home:
            raise NotAllowed(f"the yes to {approval.subject} was signed for another home")
        owner = self.owners.get(approval.key)
        if owner is None:
            raise NotAllowed(
                f"the key {approval.key[:12]} is not that of an owner of this home",
                hint="`autoclave owner list`",
            )
        if not verify(approval.key, approval.statement, approval.signature):
            raise NotAllowed(f"the signature under {approval.subject} is not {owner.name}'s")
        if approval.granted_by != f"person:{owner.name}":
            raise NotAllowed(f"{approval.granted_by} did not sign this, {owner.name} did")
        return owner

    def _check_owned(self) -> None:
        if not self.owners:
            raise CredentialMissing(
                "this home has no owner yet, so nobody can approve anything in it",
                hint="autoclave owner create",
            )


def fold_owners(events: Iterable[Event], verify: Verify) -> OwnerBook:
    """The owners that a stream stands for. What was not signed as it has to be does not count."""
    book = OwnerBook()
    for event in events:
        book = _take_in(book, event, verify)
    return book


def check_change(
    book: OwnerBook,
    change: OwnerChange,
    yeses: Sequence[Approval],
    *,
    at: float,
    verify: Verify,
) -> None:
    """Raise unless every yes is an owner's, to exactly this change of exactly these owners."""
    wanted = book.digest_of(change)
    for each in yeses:
        book.check(each, verify)
        each.check(change.subject, wanted, now=at, used=frozenset())


def _take_in(book: OwnerBook, event: Event, verify: Verify) -> OwnerBook:
    reader = _READERS.get(event.kind)
    if reader is None:
        return book
    try:
        return reader(book, event, verify)
    except (AutoclaveError, KeyError, TypeError):
        return book  # somebody wrote down what no owner signed


def _enrolled(book: OwnerBook, event: Event, verify: Verify) -> OwnerBook:
    given = event.payload
    owner = Owner(
        name=given["name"], key=given["key"], enrolled_at=event.at, enrolled_by=event.actor
    )
    if not book.home:
        return OwnerBook(home=given["home"], owners={owner.key: owner})
    _check_signed(book, OwnerChange(change="add", name=owner.name, key=owner.key), event, verify)
    return OwnerBook(home=book.home, owners={**book.owners, owner.key: owner})


def _removed(book: OwnerBook, event: Event, verify: Verify) -> OwnerBook:
    name, key = event.payload["name"], event.payload["key"]
    _check_signed(book, OwnerChange(change="remove", name=name, key=key), event, verify)
    left = {each: owner for each, owner in book.owners.items() if each != key}
    return OwnerBook(home=book.home, owners=left) if left else book


def _check_signed(book: OwnerBook, change: OwnerChange, event: Event, verify: Verify) -> None:
    yeses = [Approval.from_json(each) for each in event.payload["approvals"]]
    check_change(book, change, yeses, at=event.at, verify=verify)
    if not book.quorum.is_met(yeses):
        raise NotAllowed(f"too few have signed {change.subject}")


def _signed(book: OwnerBook, event: Event, verify: Verify) -> OwnerBook:
    given = event.payload
    change = OwnerChange(change=given["change"], name=given["name"], key=given["key"])
    yes = Approval.from_json(given["approval"])
    check_change(book, change, [yes], at=event.at, verify=verify)
    named = book.digest_of(change)
    return replace(
        book,
        signed={**book.signed, named: (*book.signed.get(named, ()), yes)},
        waiting={**book.waiting, named: change},
    )


_READERS: Mapping[EventKind, Callable[[OwnerBook, Event, Verify], OwnerBook]] = {
    EventKind.OWNER_ENROLLED: _enrolled,
    EventKind.OWNER_REMOVED: _removed,
    EventKind.OWNER_CHANGE_SIGNED: _signed,
}
