"""An owner's yes as a value: to exactly one thing, here, once, until it expires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from .canonical import JsonObject, canonical, digest
from .errors import Conflict, InvalidInput, NotAllowed, Stale

_SIGNED = ("subject", "digest", "granted_at", "expires_at", "nonce", "home", "key")


def facts_digest(subject: str, facts: JsonObject) -> str:
    """Names exactly what is shown; the signer counts it again."""
    return digest(["facts 1", subject, facts])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is put before an owner to sign."""

    subject: str
    """`P-0001`, `G-0001/REQUEST`, `owner add NAME`."""
    digest: str
    home: str
    expires_at: float
    """The longest that a signature may last."""
    owners: Mapping[str, str]
    """Those who may sign: names by public key."""
    facts: JsonObject = field(default_factory=dict)
    """What the digest is of, in full, where the signer is shown nothing else."""

    def to_json(self) -> JsonObject:
        return {**asdict(self), "owners": dict(self.owners)}

    def check_facts(self) -> None:
        """Raise Conflict where the digest is not of what is shown."""
        if self.facts and facts_digest(self.subject, self.facts) != self.digest:
            raise Conflict(f"what is shown of {self.subject} is not what would be signed")

    @classmethod
    def from_json(cls, data: JsonObject) -> Sheet:
        return cls(**data)

    def unsigned(self, key: str, *, at: float, nonce: str) -> Approval:
        """The yes that an owner is about to sign."""
        return Approval(
            subject=self.subject,
            digest=self.digest,
            granted_by=f"person:{self.owners.get(key, '')}",
            granted_at=at,
            expires_at=self.expires_at,
            nonce=nonce,
            home=self.home,
            key=key,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Leave to do one thing once, signed by one owner; worthless for any other."""

    subject: str
    """As on the sheet that was signed."""
    digest: str
    granted_by: str
    granted_at: float
    expires_at: float
    nonce: str
    home: str = ""
    key: str = ""
    """The public key of who signed, in hex."""
    signature: str = ""
    """By that key, over `statement`, in hex."""

    @property
    def statement(self) -> str:
        """The text that is signed. Who it was is said by the key, not by `granted_by`."""
        fields = {name: getattr(self, name) for name in _SIGNED}
        return canonical({"autoclave": "approval 1", **fields})

    def check(self, subject: str, current: str, *, now: float, used: frozenset[str]) -> None:
        """Raise Stale or NotAllowed, with the reason, unless this covers exactly that, now."""
        if self.subject != subject:
            raise NotAllowed(f"approval by {self.granted_by} is for {self.subject}, not {subject}")
        if self.digest != current:
            raise Stale(
                f"{subject} changed after {self.granted_by} approved it "
                f"({self.digest[:8]} was approved, it is {current[:8]} now)",
                hint="look at it again",
            )
        if now < self.granted_at:
            raise NotAllowed(
                f"the approval of {subject} is from the future", hint="is the clock right?"
            )
        if now >= self.expires_at:
            raise Stale(f"the approval of {subject} has expired", hint="approve it again")
        if self.nonce in used:
            raise NotAllowed(f"the approval of {subject} was used before; it covers one use")

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_json(cls, data: JsonObject) -> Approval:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many people have to say yes, or how long one of them has to think it over."""

    people: int = 1
    cooling_off: float | None = None
    """Seconds between the first and the second yes of one person; None: nobody can do it alone."""

    def __post_init__(self) -> None:
        if self.people not in (1, 2):
            raise InvalidInput(f"one or two people say yes, not {self.people}")

    def is_met(self, yeses: Sequence[Approval]) -> bool:
        """Two yeses of one key count as two people's only with the cooling-off between them."""
        by_key = _moments(yeses)
        if len(by_key) >= self.people:
            return True
        thought = (at[-1] - at[0] for at in by_key.values())
        return self.cooling_off is not None and any(t >= self.cooling_off for t in thought)

    def alone_from(self, yeses: Sequence[Approval]) -> float | None:
        """When one who has said yes may say it again and be enough; None for never."""
        if self.cooling_off is None or not yeses:
            return None
        return min(each.granted_at for each in yeses) + self.cooling_off

    def or_stricter(self, other: Quorum) -> Quorum:
        """What satisfies both."""
        most = max(self.people, other.people)
        times = [each.cooling_off for each in (self, other) if each.people == most]
        alone = None if None in times else max(time or 0.0 for time in times)
        return Quorum(people=most, cooling_off=alone)

    def to_json(self) -> JsonObject:
        return asdict(self)


def _moments(yeses: Sequence[Approval]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for each in yeses:
        found.setdefault(each.key, []).append(each.granted_at)
    return {key: sorted(moments) for key, moments in found.items()}
