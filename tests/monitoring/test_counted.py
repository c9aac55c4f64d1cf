"""What is counted, and how many series that can become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.run import RunStatus
from autoclave.monitoring.counted import Counted
from autoclave.monitoring.definitions import BY_NAME, METRICS
from autoclave.monitoring.metrics import Family, HistogramSample, MetricKind, Sample


def _family(counted: Counted, name: str) -> Family:
    return next(each for each in counted.families() if each.metric.name == f"autoclave_{name}")


def _value(counted: Counted, name: str, **labels: str) -> float:
    samples = _family(counted, name).samples
    return next(s.value for s in samples if isinstance(s, Sample) and s.labels == labels)


def test_every_known_value_is_there_even_when_nothing_was_counted() -> None:
    """A series that appears only after the first failure hides the first failure."""
    counted = Counted()

    counted.add("model_tokens_total", 7, model="one", kind="output")

    assert _value(counted, "incidents_total", kind="audit gap") == 0
    assert _value(counted, "model_tokens_total", model="one", kind="cache_read") == 0
    assert _value(counted, "model_tokens_total", model="one", kind="output") == 7


def test_a_value_that_is_not_in_the_table_is_counted_as_other() -> None:
    """Nothing is lost, and nothing makes a series of its own."""
    counted = Counted()

    counted.add("incidents_total", kind="a new kind")

    assert _value(counted, "incidents_total", kind="other") == 1


@given(st.lists(st.text(max_size=90), min_size=1, max_size=80))
def test_open_labels_are_bounded(texts: list[str]) -> None:
    """However many different texts come, only so many are kept apart, and none is lost."""
    counted = Counted()

    for text in texts:
        counted.add("errors_total", error=text)

    samples = _family(counted, "errors_total").samples
    assert len(samples) <= BY_NAME["autoclave_errors_total"].labels[0].most + 1
    assert sum(s.value for s in samples if isinstance(s, Sample)) == len(texts)


@given(st.lists(st.floats(0, 1000), max_size=50))
def test_a_histogram_counts_each_observation_once(values: list[float]) -> None:
    """Every bucket holds what is at most as large as its end."""
    counted = Counted()

    for value in values:
        counted.observe("answer_wait_seconds", value)

    family = _family(counted, "answer_wait_seconds")
    (sample,) = family.samples
    assert isinstance(sample, HistogramSample)
    assert sample.count == len(values)
    assert sample.sum == pytest.approx(sum(values))
    expected = [sum(value <= end for value in values) for end in family.metric.buckets]
    assert list(sample.counts) == [*expected, len(values)]


def test_what_was_counted_survives_being_kept() -> None:
    """A process goes on where the one before it stopped, with the same series."""
    counted = Counted()
    counted.add("errors_total", 2, error="ValueError")
    counted.observe("gate_seconds", 0.2, gate="parse")

    again = Counted.from_json(counted.to_json())

    assert list(again.families()) == list(counted.families())
    assert again.value("errors_total", error="ValueError") == 2


def test_names_follow_the_rules_of_prometheus() -> None:
    """One prefix, base units, counters that end in `_total` and nothing else that does."""
    for metric in METRICS:
        assert metric.name.startswith("autoclave_")
        assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER), metric.name
        assert bool(metric.buckets) == (metric.kind is MetricKind.HISTOGRAM)
        assert metric.buckets == tuple(sorted(set(metric.buckets)))
        if metric.unit in ("seconds", "bytes", "dollars", "ratio"):
            assert metric.unit in metric.name, metric.name
    assert len(BY_NAME) == len(METRICS)


def test_every_label_is_closed_or_bounded() -> None:
    """No label can hold any text without end."""
    for metric in METRICS:
        assert all(bool(label.values) != bool(label.most) for label in metric.labels), metric.name


def test_goals_are_counted_by_the_statuses_there_are() -> None:
    """The table follows the domain."""
    assert BY_NAME["autoclave_goals"].labels[0].values == tuple(str(s) for s in RunStatus)
