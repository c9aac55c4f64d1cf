"""Questions and leave as values: who may say yes, to what exactly, for how long, how often."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput, NotAllowed
from ..domain.proposal import Approval
from ..domain.risk import Action, Origin, Risk, Ruling, Verdict
from .policy import Policy

_NOT_PEOPLE = frozenset({"agent", "kernel", "mind", "model", "capability", "autoclave"})
_NEVER_BEFOREHAND = Risk.R4


class Outcome(StrEnum):
    """How a question stands. Every one but `WAITING` is final."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    """Silence is no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a person, queued until it is answered or its time is up."""

    id: str
    digest: str
    """What a yes covers: an action's digest or a proposal's approval digest."""
    risk: Risk
    rules: tuple[str, ...]
    reason: str
    asked_at: float
    expires_at: float

    def outcome(self, answer: bool | None, *, answered_at: float, now: float) -> Outcome:
        """How it stands; `answer` is None as long as nobody said anything."""
        if answer is False:
            return Outcome.REFUSED
        if answer is None:
            return Outcome.TIMED_OUT if now >= self.expires_at else Outcome.WAITING
        in_time = self.asked_at <= answered_at < self.expires_at
        return Outcome.GRANTED if in_time else Outcome.TIMED_OUT

    def to_json(self) -> JsonObject:
        return {**asdict(self), "risk": self.risk.name, "rules": list(self.rules)}

    @classmethod
    def from_json(cls, data: JsonObject) -> Request:
        return cls(**{**data, "risk": Risk[data["risk"]], "rules": tuple(data["rules"])})


def ask(
    ruling: Ruling, policy: Policy, *, request_id: str, now: float, attended: bool, digest: str = ""
) -> Request:
    """The question that a ruling of `ask` leads to. Raises NotAllowed where nothing may be asked.

    `digest` is what the person will see and approve, when that is more than the action itself.
    """
    if ruling.verdict is not Verdict.ASK:
        raise InvalidInput(f"a ruling of {ruling.verdict} leads to no question")
    if not attended and policy.approvals.headless == "deny":
        raise NotAllowed(
            f"nobody is there to ask: {ruling.reason}",
            rules=ruling.rules,
            hint="set `defaults: {headless_ask: queue}` in safety_rules.yaml to keep questions",
        )
    return Request(
        id=request_id,
        digest=digest or ruling.action_digest,
        risk=ruling.risk,
        rules=ruling.rules,
        reason=ruling.reason,
        asked_at=now,
        expires_at=now + policy.ask_seconds(ruling.risk),
    )


def grant(subject: str, digest: str, *, by: str, now: float, ttl: float, nonce: str) -> Approval:
    """A person's yes to exactly `digest`. Raises NotAllowed when `by` is not a person."""
    # Behind `person:` any name is a person's: there are logins called `agent`.
    is_person = by.startswith("person:") or by.partition(":")[0].casefold() not in _NOT_PEOPLE
    if not is_person or not by.removeprefix("person:").strip():
        raise NotAllowed(f"{by!r} is not a person, so it cannot approve anything")
    if not (subject and digest and nonce):
        raise InvalidInput("an approval names its subject, a digest and a nonce")
    if not 0 < ttl < float("inf"):
        raise InvalidInput(f"an approval has to expire: {ttl} seconds is no time")
    return Approval(
        subject=subject,
        digest=digest,
        granted_by=by,
        granted_at=now,
        expires_at=now + ttl,
        nonce=nonce,
    )


def use(
    approval: Approval, subject: str, current: str, *, now: float, used: frozenset[str]
) -> frozenset[str]:
    """The used nonces after this one use. Raises Stale or NotAllowed when it covers nothing."""
    approval.check(subject, current, now=now, used=used)
    if now < approval.granted_at:
        raise NotAllowed(f"the approval of {subject} is from the future; is the clock right?")
    return used | {approval.nonce}


def answer_upto(ruling: Ruling, action: Action, allow_up_to: Risk, *, most: Risk = Risk.R3) -> bool:
    """Whether a yes given beforehand, such as `--yes-up-to R1`, answers this question.

    Never for R4 and above, never where a web page chose the target, never for R0 as the limit
    (that is what "no yes was given" looks like), and only for the action that was judged.
    """
    limit = min(allow_up_to, most)
    return (
        ruling.verdict is Verdict.ASK
        and ruling.action_digest == action.digest
        and limit > Risk.R0
        and ruling.risk <= limit
        and ruling.risk < _NEVER_BEFOREHAND
        and bool(action.origins)
        and Origin.WEB not in action.origins
    )
