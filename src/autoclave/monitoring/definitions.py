"""The one table of metrics; documentation, exporters and dashboards are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from ..domain.broker import CallKind
from ..domain.events import EventKind
from ..domain.intents import IntentKind
from ..domain.knowledge import PatternKind, PatternState
from ..domain.proposal import GateVerdict, ProposalStatus
from ..domain.risk import ActionKind, Risk
from ..domain.run import RunStatus
from ..domain.sealed import Ended, Tier
from ..domain.standing import PauseCode
from ..domain.state import State
from .metrics import PREFIX, Label, Metric, MetricKind, Source

CALL_OUTCOMES = ("ok", "refused", "truncated", "full", "unavailable", "interrupted", "error")
TOKEN_KINDS = ("input", "cache_read", "cache_write", "output", "unsplit")
"""Each token is of exactly one kind; `unsplit` where only the sum is known."""
WAITING_KINDS = ("question", "proposal", "escalation", "budget", "model")
SETTLED = ("ok", "failed")
ENDS = ("ok", "failed", "unknown", "cancelled")
DECISIONS = ("approved", "rejected", "returned", "expired")
KNOWN_KINDS = ("experiences", "patterns", "plans", "lessons", "cases")
PARK_CODES = ("escalation", "budget", "model", "poison", "depth", "error", "fatal")

_SHORT = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LONG = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
_CALLS = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
_WRITES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)


def _values(kinds: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(kind) for kind in kinds)


def _one_of(name: str, values: type[StrEnum] | Iterable[str]) -> Label:
    return Label(name=name, values=_values(values))


_MODEL = Label(name="model", most=12)
_PURPOSE = Label(name="purpose", most=12)
_CAPABILITY = Label(name="capability", most=24)
_GATE = Label(name="gate", most=30)
_TIER = _one_of("tier", Tier)
_RISK = _one_of("risk", (f"R{risk.value}" for risk in Risk))


def _gauge(name: str, unit: str, text: str, *labels: Label, zeros: bool = True) -> Metric:
    return Metric(
        name=PREFIX + name,
        kind=MetricKind.GAUGE,
        unit=unit,
        help=text,
        labels=labels,
        zeros=zeros,
    )


def _counter(
    name: str,
    unit: str,
    text: str,
    *labels: Label,
    source: Source = "journal",
    zeros: bool = True,
) -> Metric:
    return Metric(
        name=PREFIX + name,
        kind=MetricKind.COUNTER,
        unit=unit,
        help=text,
        labels=labels,
        source=source,
        zeros=zeros,
    )


def _histogram(
    name: str, text: str, *labels: Label, buckets: tuple[float, ...], source: Source = "journal"
) -> Metric:
    return Metric(
        name=PREFIX + name,
        kind=MetricKind.HISTOGRAM,
        unit="seconds",
        help=text,
        labels=labels,
        buckets=buckets,
        source=source,
    )


METRICS: tuple[Metric, ...] = (
    # the agent
    _gauge(
        "build_info",
        "",
        "Always 1; says what is installed and which mind is in force.",
        *(Label(name=name, most=1) for name in ("version", "python", "mind")),
    ),
    _gauge("running", "bool", "1 while an agent process holds the home."),
    _gauge("paused", "bool", "1 while the whole agent is paused.", _one_of("code", PauseCode)),
    _gauge("heartbeat_timestamp_seconds", "seconds", "When the loop went round last; 0: not here."),
    _gauge("last_event_timestamp_seconds", "seconds", "Time of the newest event."),
    _gauge("last_progress_timestamp_seconds", "seconds", "When a step last came to its result."),
    _counter("events_total", "events", "Events in the journal.", _one_of("kind", EventKind)),
    _counter("events_unread_total", "events", "Events whose payload is not as it should be."),
    _counter(
        "state_transitions_total",
        "transitions",
        "How runs went through the states of the loop.",
        _one_of("from", State),
        _one_of("to", State),
        zeros=False,
    ),
    # goals
    _gauge("goals", "goals", "Goals by status.", _one_of("status", RunStatus)),
    _gauge("waiting", "items", "What waits for a person.", _one_of("kind", WAITING_KINDS)),
    _gauge("oldest_waiting_seconds", "seconds", "Age of the item that has waited longest."),
    _counter("goals_added_total", "goals", "Goals added.", _one_of("by", ("person", "agent"))),
    _counter("goals_ended_total", "goals", "Goals that came to their end.", _one_of("end", ENDS)),
    _histogram(
        "goal_duration_seconds",
        "From being added to the end.",
        _one_of("end", ENDS[:3]),
        buckets=_LONG,
    ),
    _counter("activations_total", "activations", "Times that a run was taken up."),
    _counter("goals_parked_total", "goals", "Runs set aside.", _one_of("code", PARK_CODES)),
    _counter("questions_total", "questions", "Questions put to people."),
    _counter("answers_total", "answers", "Answers.", _one_of("answer", ("yes", "no"))),
    _histogram("answer_wait_seconds", "From a question to its answer.", buckets=_LONG),
    # steps
    _counter(
        "steps_total",
        "steps",
        "Intents that came to a result.",
        _one_of("kind", IntentKind),
        _one_of("outcome", SETTLED),
    ),
    _counter("errors_total", "errors", "Failures by class.", Label(name="error", most=30)),
    _counter(
        "capability_runs_total",
        "runs",
        "Capability runs of goals.",
        _CAPABILITY,
        _one_of("outcome", SETTLED),
    ),
    _histogram(
        "capability_run_seconds", "Wall time of a capability run.", _CAPABILITY, buckets=_SHORT
    ),
    _counter(
        "broker_calls_total",
        "calls",
        "What running capabilities asked the kernel for.",
        _one_of("kind", CallKind),
        _one_of("outcome", ("ok", "refused")),
    ),
    _counter("searches_total", "searches", "Searches.", _one_of("outcome", SETTLED)),
    _counter(
        "page_fetches_total",
        "pages",
        "Pages asked for.",
        _one_of("outcome", ("ok", "denied", "unreachable", "invalid", "error")),
    ),
    # language models
    _counter(
        "model_calls_total",
        "calls",
        "Calls of a language model.",
        _MODEL,
        _PURPOSE,
        _one_of("outcome", CALL_OUTCOMES),
        zeros=False,
    ),
    _histogram("model_call_seconds", "How long an answer took.", _MODEL, buckets=_CALLS),
    _counter(
        "model_tokens_total",
        "tokens",
        "Tokens; each is of one kind, so the kinds add up.",
        _MODEL,
        _one_of("kind", TOKEN_KINDS),
    ),
    _counter("model_reasoning_tokens_total", "tokens", "Of `output`: what was thought.", _MODEL),
    _counter("model_cost_dollars_total", "dollars", "Money spent.", _MODEL, _PURPOSE),
    _gauge(
        "model_cache_hit_ratio",
        "ratio",
        "Part of all prompts that was read from the cache.",
        _MODEL,
    ),
    _counter(
        "model_cache_collapses_total",
        "calls",
        "Calls that read much less from the cache than the one before, on an unchanged prefix.",
        _MODEL,
        Label(name="reason", most=8),
    ),
    _counter(
        "batches_total",
        "batches",
        "Batches of questions.",
        _one_of("state", ("submitted", "collected", "failed")),
    ),
    _gauge("budget_limit_dollars", "dollars", "The day's limit; 0 for none."),
    _gauge("budget_used_dollars", "dollars", "Spent since midnight, UTC."),
    # changes
    _gauge("proposals", "proposals", "Proposals by status.", _one_of("status", ProposalStatus)),
    _counter("proposals_drafted_total", "proposals", "Drafts by tier of risk.", _RISK),
    _counter(
        "proposals_decided_total",
        "proposals",
        "Decisions about proposals.",
        _RISK,
        _one_of("decision", DECISIONS),
    ),
    _histogram(
        "proposal_decision_seconds",
        "From being judged by the gates to the decision.",
        _one_of("decision", DECISIONS),
        buckets=_LONG,
    ),
    _histogram(
        "proposal_viewed_seconds",
        "How long the approver had it before their eyes.",
        buckets=(1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0),
    ),
    _histogram(
        "review_seconds_per_line",
        "The same for each line that was approved.",
        buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0),
    ),
    _counter("approvals_unseen_total", "approvals", "Approvals of what was never shown."),
    _counter(
        "proposals_applied_total",
        "proposals",
        "Changes written to the body.",
        _one_of("how", ("approved", "again", "unapproved")),
    ),
    _counter(
        "rollbacks_total",
        "proposals",
        "Changes taken back.",
        _one_of("by", ("person", "kernel")),
    ),
    _counter(
        "gate_runs_total",
        "runs",
        "Gates that judged a draft.",
        _GATE,
        _one_of("verdict", GateVerdict),
    ),
    _histogram("gate_seconds", "Wall time of a gate.", _GATE, buckets=_SHORT),
    # safety
    _counter("denials_total", "actions", "Denied actions.", _one_of("action", ActionKind)),
    _counter(
        "escalations_total",
        "escalations",
        "Work stopped until a person says why it goes on.",
        _one_of("scope", ("agent", "goal")),
    ),
    _counter(
        "incidents_total",
        "incidents",
        "What must not pass unseen.",
        _one_of("kind", ("interrupted", "audit gap")),
    ),
    _gauge("sandbox_tier", "bool", "1 for the tier that the last self-test proved.", _TIER),
    _counter(
        "sandbox_runs_total",
        "runs",
        "Sealed runs of this process.",
        _TIER,
        _one_of("end", Ended),
        source="process",
    ),
    _histogram(
        "sandbox_run_seconds", "Wall time of them.", _TIER, buckets=_SHORT, source="process"
    ),
    # knowledge
    _gauge(
        "patterns",
        "patterns",
        "Learned patterns.",
        _one_of("kind", PatternKind),
        _one_of("state", PatternState),
    ),
    _gauge("knowledge", "items", "Rows of what was learned.", _one_of("kind", KNOWN_KINDS)),
    _counter("opportunities_total", "opportunities", "Opportunities to improve."),
    # storage and machine
    _gauge("journal_last_id", "events", "Id of the newest event."),
    _gauge("database_size_bytes", "bytes", "Size of the database with its log; 0 on a server."),
    _histogram(
        "journal_append_seconds",
        "Time to make an append durable, in this process.",
        buckets=_WRITES,
        source="process",
    ),
    _counter("checkpoints_total", "checkpoints", "Checkpoints made."),
    _gauge(
        "machine_shortage", "bool", "1 for the level in force.", _one_of("level", ("soft", "hard"))
    ),
    _gauge("disk_free_bytes", "bytes", "Free on the disk of the home."),
    _gauge("memory_available_bytes", "bytes", "Memory that programs can still have."),
    _gauge("process_resident_memory_bytes", "bytes", "Memory of this process."),
    _counter("process_cpu_seconds_total", "seconds", "CPU time of it.", source="process"),
    _gauge("process_open_files", "files", "Files, sockets and pipes that it has open."),
    _gauge("process_start_timestamp_seconds", "seconds", "When it began."),
    # the exporter itself
    _gauge("collection_seconds", "seconds", "How long it took to gather all this."),
    _gauge("custom_metrics_broken", "sources", "Sources of metrics of one's own that failed now."),
)

BY_NAME: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in METRICS})
