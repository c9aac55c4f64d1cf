"""What is counted: one table of metrics, and the samples that plain facts give for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from ..domain.events import EventKind
from ..domain.proposal import GateVerdict, ProposalStatus
from ..domain.run import RunStatus
from ..domain.sealed import Tier

PREFIX = "autoclave_"


class MetricType(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the table. Base units, the unit in the name, counters end in `_total`."""

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=PREFIX + name, type=MetricType.GAUGE, help=text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=PREFIX + name, type=MetricType.COUNTER, help=text, labels=labels)


METRICS: tuple[Metric, ...] = (
    _gauge("build_info", "Always 1; says what is installed.", "version", "python"),
    _gauge("running", "1 while an agent process holds the home."),
    _gauge("goals", "Goals by status.", "status"),
    _gauge("proposals", "Proposals by status.", "status"),
    _gauge("proposal_oldest_waiting_seconds", "Age of the proposal that has waited longest."),
    _gauge("review_seconds_per_line_median", "Median time that approvers looked, for each line."),
    _counter("events_total", "Events in the journal by kind.", "kind"),
    _gauge("last_event_timestamp_seconds", "Time of the newest event."),
    _counter("capability_runs_total", "Capability runs by outcome.", "capability", "outcome"),
    _gauge("capability_seconds_median", "Median wall time of a capability run.", "capability"),
    _counter("gate_runs_total", "Gates that judged a draft, by verdict.", "gate", "verdict"),
    _counter("gate_seconds_total", "Wall time spent in a gate.", "gate"),
    _gauge("patterns", "Learned patterns by kind and state.", "kind", "state"),
    _counter("steps_total", "Intents that were performed."),
    _counter("model_calls_total", "Calls of a language model."),
    _counter("model_tokens_total", "Tokens that language models used."),
    _counter("cost_dollars_total", "Money spent on language models."),
    _gauge("sandbox_tier", "1 for the tier that the last self-test proved.", "tier"),
    _gauge("database_size_bytes", "Size of the database file."),
)

BY_NAME: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in METRICS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one metric."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSnapshot:
    """Every sample at one moment, in the order of the table."""

    at: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityFacts:
    runs: int = 0
    successes: int = 0
    seconds_median: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """How often one gate gave each verdict, and how long it took in all."""

    verdicts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The plain numbers that the metrics are made from; wiring reads them from the tables."""

    version: str = ""
    python: str = ""
    running: bool = False
    goals: Mapping[str, int] = field(default_factory=dict)
    proposals: Mapping[str, int] = field(default_factory=dict)
    oldest_waiting_since: float | None = None
    review_seconds_per_line: float | None = None
    """None as long as nobody approved what they were shown."""
    events: Mapping[str, int] = field(default_factory=dict)
    last_event_at: float | None = None
    capabilities: Mapping[str, CapabilityFacts] = field(default_factory=dict)
    gates: Mapping[str, GateFacts] = field(default_factory=dict)
    patterns: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By kind and state."""
    steps: int = 0
    model_calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    tier: str = ""
    """Empty when no self-test was recorded."""
    database_bytes: int = 0


def measure(facts: Facts, *, at: float) -> MetricsSnapshot:
    """The samples for these facts. Known label values that nothing was counted for are 0."""
    samples = [*_of_process(facts), *_of_work(facts, at), *_of_learning(facts)]
    order = {metric.name: place for place, metric in enumerate(METRICS)}
    return MetricsSnapshot(at=at, samples=tuple(sorted(samples, key=lambda s: order[s.name])))


def _of_process(facts: Facts) -> Iterator[Sample]:
    yield _sample("build_info", 1, version=facts.version, python=facts.python)
    yield _sample("running", float(facts.running))
    yield _sample("database_size_bytes", facts.database_bytes)
    for tier in Tier:
        yield _sample("sandbox_tier", float(facts.tier == tier), tier=tier)


def _of_work(facts: Facts, at: float) -> Iterator[Sample]:
    for status, count in _known(RunStatus, facts.goals).items():
        yield _sample("goals", count, status=status)
    for status, count in _known(ProposalStatus, facts.proposals).items():
        yield _sample("proposals", count, status=status)
    oldest = facts.oldest_waiting_since
    waited = 0.0 if oldest is None else max(0.0, at - oldest)
    yield _sample("proposal_oldest_waiting_seconds", waited)
    if facts.review_seconds_per_line is not None:
        yield _sample("review_seconds_per_line_median", facts.review_seconds_per_line)
    for kind, count in _known(EventKind, facts.events).items():
        yield _sample("events_total", count, kind=kind)
    if facts.last_event_at is not None:
        yield _sample("last_event_timestamp_seconds", facts.last_event_at)
    yield _sample("steps_total", facts.steps)
    yield _sample("model_calls_total", facts.model_calls)
    yield _sample("model_tokens_total", facts.tokens)
    yield _sample("cost_dollars_total", facts.usd)


def _of_learning(facts: Facts) -> Iterator[Sample]:
    for name, seen in sorted(facts.capabilities.items()):
        failed = seen.runs - seen.successes
        yield _sample("capability_runs_total", seen.successes, capability=name, outcome="ok")
        yield _sample("capability_runs_total", failed, capability=name, outcome="failed")
        yield _sample("capability_seconds_median", seen.seconds_median, capability=name)
    for gate, judged in sorted(facts.gates.items()):
        for verdict, count in _known(GateVerdict, judged.verdicts).items():
            yield _sample("gate_runs_total", count, gate=gate, verdict=verdict)
        yield _sample("gate_seconds_total", judged.seconds, gate=gate)
    for (kind, state), count in sorted(facts.patterns.items()):
        yield _sample("patterns", count, kind=kind, state=state)


def _sample(name: str, value: float, **labels: str) -> Sample:
    plain = {label: str(text) for label, text in labels.items()}
    return Sample(name=PREFIX + name, labels=plain, value=value)


def _known(kinds: type[StrEnum], counted: Mapping[str, int]) -> dict[str, int]:
    """`counted` with a 0 for every member that was not met."""
    return {**{str(kind): 0 for kind in kinds}, **counted}
