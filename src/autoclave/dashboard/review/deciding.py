"""What may be decided, with how much friction, and when a key counts at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ...domain.canonical import JsonObject
from ...domain.risk import Risk

GRACE_SECONDS = 0.8
"""Keys that come sooner after anything changed were meant for what was there before."""
COUNTDOWN_SECONDS = 5.0
"""How long a yes can be taken back before anybody hears of it."""
TYPED_FROM = Risk.R4
"""The highest tier that can be approved at all: its id is typed."""
OPEN = ("waiting", "signed")
ANY_REJECT = (*OPEN, "failed", "returned")


class Quiet:
    """Lets a key through only when nothing has changed, and no key was refused, for a while.

    A key that is held down, pasted text and keys that were queued all come close upon one another,
    so none of them gets through.
    """

    def __init__(self) -> None:
        self._since = -math.inf

    def disturb(self, now: float) -> None:
        """What is decided about came up or changed."""
        self._since = now

    def admits(self, now: float) -> bool:
        """Whether a key counts now. One that does not begins the grace anew."""
        is_quiet = now - self._since >= GRACE_SECONDS
        if not is_quiet:
            self._since = now
        return is_quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far what is on the screen can be decided about."""

    status: str = ""
    problem: str = ""
    """Why it can't be approved, found out by asking for what would be signed."""
    hint: str = ""
    is_changed: bool = False
    """It is not what was opened any more."""
    is_lost: bool = False
    """Nobody answers at the door."""
    is_busy: bool = False
    """A decision is under way."""
    is_decided: bool = False
    """It was decided here; what remains is to leave."""
    is_small: bool = False
    """The window is too small to judge anything in it."""

    def why_not(self, given: JsonObject) -> str:
        """Why it can't be approved now; empty when it can."""
        if blocked := self.blocked():
            return blocked
        if self.status not in OPEN:
            return f"it is {self.status or 'unknown'}, so there is nothing to approve"
        if missing := lacking(given):
            return missing
        return self.problem

    def blocked(self) -> str:
        """Why nothing at all can be decided about it now; empty when something can."""
        if self.is_small:
            return "the window is too small to judge anything in it"
        if self.is_lost:
            return "nobody answers at the agent's home"
        if self.is_busy:
            return "a decision is under way"
        if self.is_changed:
            return "it changed since you opened it; press o to look at the new one"
        return "it was decided" if self.is_decided else ""

    def with_(self, **changes: object) -> Standing:
        return replace(self, **changes)  # type: ignore[arg-type]


def lacking(given: JsonObject) -> str:
    """What of the evidence is not there; empty when all of it is."""
    gates = given.get("gates") or []
    if not gates or not given.get("digest"):
        return "no gate has judged it yet"
    bad = [gate for gate in gates if gate["verdict"] != "pass"]
    if bad:
        return f"{len(bad)} of {len(gates)} gates did not pass"
    return ""


def risk_of(given: JsonObject) -> Risk:
    """What nobody judged counts as the worst."""
    return Risk.__members__.get(str(given.get("risk", "")), Risk.R5)


def must_type(given: JsonObject) -> bool:
    return risk_of(given) >= TYPED_FROM


def batch_hindrance(given: JsonObject, *, now: float, up_to: Risk) -> str:
    """Why a proposal has to be looked at by itself; empty when it may go with others."""
    if given.get("status") != "waiting":
        return f"it is {given.get('status')}"
    if (risk := risk_of(given)) > up_to:
        return f"{risk.name}: one by one"
    if missing := lacking(given):
        return missing
    if now - float(given.get("judged_at") or 0.0) > 3600.0:
        return "its evidence is older than an hour"
    return ""
