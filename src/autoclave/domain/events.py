"""What happened: the closed set of event kinds and the event itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .canonical import JsonObject


class EventKind(StrEnum):
    """Every kind of event in the journal. Payloads are described in `docs/events.md`."""

    # the agent
    AGENT_STARTED = "AgentStarted"
    AGENT_STOPPED = "AgentStopped"
    AGENT_PAUSED = "AgentPaused"
    AGENT_RESUMED = "AgentResumed"
    SHORTAGE_CHANGED = "ShortageChanged"
    SANDBOX_TESTED = "SandboxTested"
    CAPABILITY_ENROLLED = "CapabilityEnrolled"
    PATTERN_RETIRED = "PatternRetired"
    OPPORTUNITY_RAISED = "OpportunityRaised"
    CHECKPOINT_MADE = "CheckpointMade"
    CHECKPOINT_RESTORED = "CheckpointRestored"
    EVENTS_PRUNED = "EventsPruned"
    INCIDENT_RECORDED = "IncidentRecorded"
    # the owners
    OWNER_ENROLLED = "OwnerEnrolled"
    OWNER_CHANGE_SIGNED = "OwnerChangeSigned"
    OWNER_REMOVED = "OwnerRemoved"
    # what owners allow once
    DEED_SIGNED = "DeedSigned"
    DEED_ALLOWED = "DeedAllowed"
    # a goal
    GOAL_ADDED = "GoalAdded"
    RUN_TAKEN = "RunTaken"
    STATE_CHANGED = "StateChanged"
    PLAN_MADE = "PlanMade"
    INTENT_RECORDED = "IntentRecorded"
    RESULT_RECORDED = "ResultRecorded"
    BROKER_CALLED = "BrokerCalled"
    BROKER_ANSWERED = "BrokerAnswered"
    CHANGES_PREPARED = "ChangesPrepared"
    CHANGES_ROLLED_BACK = "ChangesRolledBack"
    QUESTION_ASKED = "QuestionAsked"
    ANSWER_SIGNED = "AnswerSigned"
    ANSWER_GIVEN = "AnswerGiven"
    TIMER_SET = "TimerSet"
    ERROR_MET = "ErrorMet"
    CASE_RECORDED = "CaseRecorded"
    GOAL_PAUSED = "GoalPaused"
    GOAL_RESUMED = "GoalResumed"
    GOAL_CANCELLED = "GoalCancelled"
    GOAL_PARKED = "GoalParked"
    BUDGET_ADDED = "BudgetAdded"
    GOAL_RETRIED = "GoalRetried"
    GOAL_ENDED = "GoalEnded"
    # a batch of questions to a model
    BATCH_SUBMITTED = "BatchSubmitted"
    BATCH_ACCEPTED = "BatchAccepted"
    BATCH_COLLECTED = "BatchCollected"
    BATCH_FAILED = "BatchFailed"
    LESSON_WRITTEN = "LessonWritten"
    # a proposal
    PROPOSAL_DRAFTED = "ProposalDrafted"
    GATES_JUDGED = "GatesJudged"
    PROPOSAL_SHOWN = "ProposalShown"
    PROPOSAL_SIGNED = "ProposalSigned"
    PROPOSAL_APPROVED = "ProposalApproved"
    PROPOSAL_REJECTED = "ProposalRejected"
    PROPOSAL_RETURNED = "ProposalReturned"
    PROPOSAL_EXPIRED = "ProposalExpired"
    APPLY_BEGUN = "ApplyBegun"
    PROPOSAL_APPLIED = "ProposalApplied"
    PROPOSAL_UNDONE = "ProposalUndone"
    PROPOSAL_REDONE = "ProposalRedone"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that is about to be appended."""

    kind: EventKind
    payload: JsonObject = field(default_factory=dict)
    version: int = 1
    """Schema version of the payload; older ones are upcast when read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as the journal holds it."""

    id: int
    """Position in the whole log, from 1, without gaps."""
    stream: str
    """`agent`, `owners`, `deeds`, `goal/G-0001`, `batch/B-0001`, `proposal/P-0001`."""
    seq: int
    """Position in its stream, from 1."""
    epoch: int
    kind: EventKind
    version: int
    payload: JsonObject
    actor: str
    """`kernel`, `person:NAME`, `mind`, `cli` …"""
    at: float
    """Seconds since 1970, UTC, to the microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of one stream: what an append has to name."""

    epoch: int
    seq: int
