"""Metrics as values: what one is, and what was seen of all of them at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

PREFIX = "autoclave_"
OTHER = "other"
"""The label value of everything that has no place in the table."""

Source: TypeAlias = Literal["journal", "now", "process"]
"""Counted from events; read at the moment; seen by the process that answers."""


class MetricKind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label and what may stand in it: closed values, or any text but only so many."""

    name: str
    values: tuple[str, ...] = ()
    most: int = 0
    """How many different texts are kept apart where the values are not closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the table. Base units, the unit in the name, counters end in `_total`."""

    name: str
    kind: MetricKind
    unit: str
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper ends, ascending, without the last one, which is endless."""
    source: Source = "now"
    zeros: bool = True
    """Whether every combination of closed values is there from the start, with a 0."""
    since: str = "0.1"

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one metric."""

    labels: Mapping[str, str] = field(default_factory=dict)
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramSample:
    """How many observations were at most how large."""

    labels: Mapping[str, str] = field(default_factory=dict)
    counts: tuple[int, ...]
    """Cumulative, one for each bucket of the metric; the last one is `count`."""
    sum: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All samples of one metric."""

    metric: Metric
    samples: tuple[Sample | HistogramSample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything at one moment, in the order of the table."""

    at: float
    families: tuple[Family, ...]

    def family(self, name: str) -> Family | None:
        """One of them, by its whole name."""
        return next((each for each in self.families if each.metric.name == name), None)
