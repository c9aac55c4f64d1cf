"""What the samples say about the facts."""

from __future__ import annotations

from autoclave.domain.run import RunStatus
from autoclave.monitoring.metrics import (
    BY_NAME,
    METRICS,
    CapabilityFacts,
    Facts,
    GateFacts,
    MetricType,
    measure,
)


def _value(facts: Facts, name: str, **labels: str) -> float:
    samples = measure(facts, at=100.0).samples
    return next(s.value for s in samples if s.name == name and dict(s.labels) == labels)


def test_every_known_status_is_there_even_when_nothing_has_it() -> None:
    """A series that appears only after the first failure hides the first failure."""
    samples = measure(Facts(goals={"done": 3}), at=100.0).samples

    goals = {s.labels["status"]: s.value for s in samples if s.name == "autoclave_goals"}

    assert goals == {**{status.value: 0 for status in RunStatus}, "done": 3}


def test_capability_runs_are_split_by_outcome() -> None:
    """Runs over all outcomes add up to the runs that were made."""
    facts = Facts(capabilities={"read_file": CapabilityFacts(runs=5, successes=3)})

    ok = _value(facts, "autoclave_capability_runs_total", capability="read_file", outcome="ok")
    failed = _value(
        facts, "autoclave_capability_runs_total", capability="read_file", outcome="failed"
    )

    assert (ok, failed) == (3, 2)


def test_gates_count_each_verdict() -> None:
    """A gate that never failed says so with a zero."""
    facts = Facts(gates={"parse": GateFacts(verdicts={"pass": 2}, seconds=0.5)})

    assert _value(facts, "autoclave_gate_runs_total", gate="parse", verdict="pass") == 2
    assert _value(facts, "autoclave_gate_runs_total", gate="parse", verdict="fail") == 0
    assert _value(facts, "autoclave_gate_seconds_total", gate="parse") == 0.5


def test_the_oldest_proposal_is_as_old_as_it_waits() -> None:
    """Age is counted from the moment of the snapshot."""
    assert (
        _value(Facts(oldest_waiting_since=40.0), "autoclave_proposal_oldest_waiting_seconds") == 60
    )
    assert _value(Facts(), "autoclave_proposal_oldest_waiting_seconds") == 0


def test_every_sample_has_a_row_in_the_table_with_its_labels() -> None:
    """The table is the one definition that all exporters use."""
    facts = Facts(
        last_event_at=1.0,
        review_seconds_per_line=0.1,
        capabilities={"a": CapabilityFacts(runs=1)},
        gates={"b": GateFacts()},
        patterns={("error", "active"): 1},
    )

    samples = measure(facts, at=100.0).samples

    assert {sample.name for sample in samples} == set(BY_NAME)
    assert all(set(sample.labels) == set(BY_NAME[sample.name].labels) for sample in samples)


def test_names_follow_the_rules_of_prometheus() -> None:
    """Counters end in `_total`, nothing else does, and every metric explains itself."""
    for metric in METRICS:
        assert metric.name.startswith("autoclave_")
        assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
        assert metric.help.endswith(".")


def test_the_speed_of_reviewers_is_a_metric_once_there_is_one() -> None:
    """Nobody having looked is not the same as looking for no time."""
    name = "autoclave_review_seconds_per_line_median"

    assert _value(Facts(review_seconds_per_line=0.5), name) == 0.5
    assert name not in {each.name for each in measure(Facts(), at=100.0).samples}
