"""What is learned: experiences, patterns, cases, opportunities."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .canonical import JsonObject


class Outcome(StrEnum):
    """How an episode ended; nothing is learned from `unknown`."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class VerifiedBy(StrEnum):
    """Who says so. A check weighs 1, a person 1, a self-report 0.3."""

    CHECK = "check"
    PERSON = "person"
    SELF_REPORT = "self-report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """One episode: a goal, what was done, how it ended. Immutable."""

    id: str
    goal_id: str
    goal: str
    context: JsonObject
    actions: list[JsonObject]
    outcome: JsonObject
    success: Outcome
    verified_by: VerifiedBy
    seconds: float
    at: float


class PatternKind(StrEnum):
    SUCCESS = "success"
    ERROR = "error"
    PERFORMANCE = "performance"
    CONTEXT = "context"


class PatternState(StrEnum):
    CANDIDATE = "candidate"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternLesson:
    """What a pattern teaches, in the words of a model; never trusted."""

    text: str
    model: str
    uses: int
    """Of the pattern, when it was asked about."""
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Something that was seen again and again, with its count and its evidence."""

    id: str
    kind: PatternKind
    key: str
    """What makes it this pattern: a plan's signature, an error template, a capability."""
    description: str
    conditions: JsonObject
    actions: JsonObject
    uses: int
    success_rate: float
    """Posterior mean of the decayed Beta counts, 0 to 1."""
    lower_bound: float
    """One-sided 95 % lower bound of the success rate."""
    goals: tuple[str, ...]
    """Distinct goals that are evidence, newest last, at most 32."""
    state: PatternState
    created_at: float
    updated_at: float
    lesson: PatternLesson | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """A pattern that says something of ours can be better."""

    key: str
    """`error:CAPABILITY:TEMPLATE`; one opportunity per key is open at a time."""
    title: str
    capability: str
    pattern_id: str
    confirmations: int
    goals: tuple[str, ...]
    cases: tuple[int, ...]
    """Ids of the CaseRecorded events that show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A failure that can be run again: what went in, and how one would know that it works now."""

    event_id: int
    goal_id: str
    capability: str
    inputs: JsonObject
    files: dict[str, str]
    """The workspace as it was, latin-1 text of each file."""
    done: tuple[str, ...]
    """The goal's done-test; empty when there was none."""
    failure: JsonObject = field(default_factory=dict)
    chain: list[JsonObject] = field(default_factory=list)
    """The whole plan's steps with resolved inputs, so that the goal can be replayed."""
