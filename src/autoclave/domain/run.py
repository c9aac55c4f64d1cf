"""One goal's run as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .canonical import JsonObject
from .risk import Risk
from .state import State
from .usage import Budget, Spend


class RunStatus(StrEnum):
    """How a goal stands, as people see it."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """For a timer."""
    AWAITING_HUMAN = "awaiting human"
    PAUSED = "paused"
    PARKED = "parked"
    """Set aside by the kernel with a reason; resume it by hand."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED})
RUNNABLE = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})
TAKEABLE = RUNNABLE | {RunStatus.WAITING}
RESUMABLE = frozenset({RunStatus.PAUSED, RunStatus.PARKED})
ESCALATED = "escalation"
"""The code of a run that was parked because a person has to look."""
SPENT = "budget"
"""The code of a run that was parked because there is nothing left to spend."""
SHORT = "resources"
"""The code of a run that was paused because the machine has reached a hard limit."""


class RunKind(StrEnum):
    GOAL = "goal"
    IMPROVEMENT = "improvement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that must be remembered to be killed now and go on later."""

    id: str
    kind: RunKind = RunKind.GOAL
    text: str = ""
    workspace: str = ""
    done: tuple[str, ...] = ()
    """The done-test as an argument vector, run sealed on a copy of the workspace; may be empty."""
    priority: int = 0
    budget: Budget = Budget()
    allow_up_to: Risk = Risk.R0
    """A person said beforehand that questions up to this tier are answered with yes."""
    model: str = "auto"
    facts: JsonObject = field(default_factory=dict)
    """What an improvement run needs to know about its opportunity."""
    added_by: str = ""
    added_at: float = 0.0
    depth: int = 0
    """How many times over it came from another goal; 0 for what a person wants."""
    from_person: bool = False
    """A person wrote the goal. What comes from anybody else's text raises no privilege."""

    status: RunStatus = RunStatus.QUEUED
    state: State = State.IDLE
    paused_from: State | None = None
    status_before_pause: RunStatus = RunStatus.QUEUED
    reason: str = ""
    """Why it waits, is parked or has failed."""
    parked_by: str = ""
    """The code that the kernel set it aside with; empty when it did not."""
    epoch: int = 0
    seq: int = 0
    idle_activations: int = 0
    """Times it was taken up since something last came of it."""
    attempt: int = 1
    """Counts the times that the goal was tried from the start."""

    recalled: JsonObject | None = None
    plan: JsonObject | None = None
    plan_trusted: bool = False
    """The kernel found that the plan was made from nothing but what people wrote."""
    plan_by_model: bool = False
    """A language model had a part in the plan, in this run or in the one it is known from."""
    read_untrusted: bool = False
    """Text that no person wrote has reached the view in this attempt."""
    results: Mapping[str, JsonObject] = field(default_factory=dict)
    """By step name: the last result of each step of the current plan."""
    tries: Mapping[str, int] = field(default_factory=dict)
    """By step name: how often it was tried under the current plan."""
    failures: tuple[JsonObject, ...] = ()
    """Every failure of this attempt, oldest first."""
    remedies: tuple[JsonObject, ...] = ()
    """What was done about failures, oldest first: `remedy` and the `failure` it was for."""
    replies: tuple[JsonObject, ...] = ()
    """Results of intents that are not steps (Think, Search, Ask …), oldest first."""
    denials: tuple[str, ...] = ()
    """Kinds of the actions that were denied since a person last looked, oldest first."""
    transcript: tuple[JsonObject, ...] = ()
    """Of an open plan: every intent and its result, oldest first. The context is made from it."""
    asked: JsonObject | None = None
    """Size and digest of what the model was asked last; the next question is held against it."""
    plans_tried: tuple[str, ...] = ()
    """Signatures of plans that were given up."""
    keys: int = 0
    """How many intents were recorded; gives each its key."""

    open_intent: JsonObject | None = None
    open_changes: JsonObject | None = None
    question: JsonObject | None = None
    answers: Mapping[str, JsonObject] = field(default_factory=dict)
    """By request id."""
    wake_at: float | None = None
    spend: Spend = Spend()
    applied: tuple[JsonObject, ...] = ()
    """Change sets that were written to the workspace: `paths`, `digest`, `diff`."""
    done_result: JsonObject | None = None
    lesson: str = ""
    outcome: JsonObject | None = None

    @property
    def stream(self) -> str:
        return f"goal/{self.id}"

    @property
    def steps(self) -> list[JsonObject]:
        """The steps of the plan; of an open one, the calls that were made."""
        if self.plan is None:
            return []
        if "uses" not in self.plan:
            planned: list[JsonObject] = self.plan["steps"]
            return planned
        made = [each["intent"] for each in self.transcript if each["intent"]["kind"] == "Act"]
        return [
            {"name": e["step"], "capability": e["capability"], "inputs": e["inputs"], "after": []}
            for e in made
        ]

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED
