"""Everything that a home's rule file settles, as one frozen value with one digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from ..domain.approval import Quorum
from ..domain.canonical import JsonObject, digest
from ..domain.risk import Origin, Risk, Verdict
from ..domain.sealed import Tier
from ..domain.usage import Budget
from .builtin import built_in_rules
from .rule import Labels, Layer, Rule

LANGUAGE = 1
"""Raise it when the same rules come to mean something else: every open approval then dies."""

DAY = 86_400.0
FLOORS: Mapping[Risk, Verdict] = {Risk.R4: Verdict.ASK, Risk.R5: Verdict.DENY}
"""No file can go below these."""
_ORDER = list(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTerms:
    """What holds for everything of one risk tier."""

    at_least: Verdict = Verdict.ALLOW
    """No rule can be milder than this."""
    sandbox: Tier = Tier.RESTRICTED
    """The least tier that code of this risk may run in."""
    expires_after: float | None = None
    """Seconds; None takes what `ApprovalTerms` says."""
    ask_timeout: float | None = None
    quorum: Quorum = Quorum()
    """Whose yes it takes at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTerms:
    """How long a question waits, how long a yes lasts and how far it reaches."""

    ask_timeout: float = DAY
    """Seconds until a question without an answer counts as no."""
    expires_after: float = DAY
    headless: Literal["queue", "deny"] = "queue"
    """What becomes of a question when nobody is there."""
    yes_up_to: Risk = Risk.R2
    """The highest tier that a yes given beforehand may answer; never above R3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeLimits:
    """The most that may be asked of models for one purpose in one UTC day; None is no limit."""

    usd: float | None = None
    tokens: int | None = None
    model_calls: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLimits:
    """The most that all goals together may use in one UTC day; None is no limit."""

    usd: float = 5.0
    tokens: int = 10_000_000
    model_calls: int = 2_000
    steps: int | None = None
    seconds: float | None = None
    per_purpose: Mapping[str, PurposeLimits] = field(default_factory=dict)
    """By what a model is asked for: `plan`, `work`, `draft` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationLimits:
    """How many refusals make a person look."""

    same_kind: int = 3
    per_run: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Two limits of one measured thing: past `soft` take no more on, past `hard` stop."""

    soft: float
    hard: float


MACHINE: Mapping[str, Band] = {
    "cpu_percent": Band(soft=95, hard=100),
    "memory_mb": Band(soft=1_500, hard=3_000),
    "memory_free_mb": Band(soft=400, hard=150),
    "disk_free_mb": Band(soft=1_000, hard=200),
    "inodes_free": Band(soft=20_000, hard=2_000),
    "descriptors": Band(soft=512, hard=900),
    "network_mb_per_second": Band(soft=50, hard=200),
    "network_mb_today": Band(soft=100_000, hard=200_000),
}
"""What is watched when the file says nothing else; of what is `free`, less is worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules and limits in force."""

    rules: tuple[Rule, ...] = ()
    """Those of files; the built-in ones are always there as well."""
    tiers: Mapping[Risk, TierTerms] = field(default_factory=dict)
    labels: Labels = field(default_factory=dict)
    approvals: ApprovalTerms = ApprovalTerms()
    goal_budget: Budget = Budget()
    day: DayLimits = DayLimits()
    escalation: EscalationLimits = EscalationLimits()
    machine: Mapping[str, Band] = field(default_factory=lambda: MACHINE)
    source: Path | None = None
    """The file it came from; None for the built-in rules alone, which allow nothing."""
    tighter: tuple[Path, ...] = ()
    """Less trusted files whose denying and asking rules are among `rules`."""

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        return (*built_in_rules(), *self.rules)

    def terms(self, risk: Risk) -> TierTerms:
        """What holds for a tier, never milder than the code's own floors."""
        given = self.tiers.get(risk, TierTerms())
        return replace(given, at_least=strictest(given.at_least, FLOORS.get(risk, Verdict.ALLOW)))

    def ask_seconds(self, risk: Risk) -> float:
        """How long a question of this risk waits before silence is a no."""
        return self.terms(risk).ask_timeout or self.approvals.ask_timeout

    def approval_seconds(self, risk: Risk) -> float:
        """How long a yes to something of this risk lasts."""
        return self.terms(risk).expires_after or self.approvals.expires_after

    def tightened(self, rules: tuple[Rule, ...]) -> Policy:
        """With the rules of a less trusted layer added: what they would allow never counts."""
        stricter = tuple(
            replace(rule, layer=Layer.PROJECT) for rule in rules if rule.effect is not Verdict.ALLOW
        )
        return replace(self, rules=(*self.rules, *stricter))

    def to_json(self) -> JsonObject:
        return {
            "language": LANGUAGE,
            "rules": sorted((rule.to_json() for rule in self.all_rules), key=lambda r: r["id"]),
            "tiers": {risk.name: asdict(self.terms(risk)) for risk in Risk},
            "labels": {name: _names(origins) for name, origins in self.labels.items()},
            "approvals": {**asdict(self.approvals), "yes_up_to": self.approvals.yes_up_to.name},
            "goal_budget": self.goal_budget.to_json(),
            "day": asdict(self.day),
            "escalation": asdict(self.escalation),
            "machine": {name: asdict(band) for name, band in self.machine.items()},
        }

    @property
    def digest(self) -> str:
        """The same whatever the order of the rules; another when anything else changes."""
        return digest(self.to_json())


def strictest(*verdicts: Verdict) -> Verdict:
    return max(verdicts, key=_ORDER.index)


def _names(origins: frozenset[Origin]) -> list[str]:
    return sorted(origins)
