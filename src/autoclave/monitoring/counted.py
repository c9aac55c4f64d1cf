"""What was counted so far, by metric and labels, with no more series than the table allows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import product

from ..domain.canonical import JsonObject
from ..domain.text import show_line
from .definitions import BY_NAME
from .metrics import (
    OTHER,
    PREFIX,
    Family,
    HistogramSample,
    Label,
    Metric,
    MetricKind,
    Sample,
)

_LONGEST_VALUE = 60

_Key = tuple[str, ...]


class Counted:
    """Values by short name and label values. One thread at a time."""

    def __init__(self) -> None:
        self._values: dict[str, dict[_Key, float]] = {}
        self._histograms: dict[str, dict[_Key, list[float]]] = {}
        """For each bucket how many fell into it, then the sum."""
        self._met: dict[tuple[str, str], set[str]] = {}

    def add(self, name: str, amount: float = 1, /, **labels: object) -> None:
        """Count. A label whose name is a keyword of Python ends in `_`."""
        values = self._values.setdefault(name, {})
        key = self._key(name, labels)
        values[key] = values.get(key, 0) + amount

    def set(self, name: str, value: float, /, **labels: object) -> None:
        self._values.setdefault(name, {})[self._key(name, labels)] = value

    def observe(self, name: str, value: float, /, **labels: object) -> None:
        """One observation of a histogram."""
        ends = BY_NAME[PREFIX + name].buckets
        found = self._histograms.setdefault(name, {})
        bins = found.setdefault(self._key(name, labels), [0.0] * (len(ends) + 2))
        bins[bisect_left(ends, value)] += 1
        bins[-1] += value

    def value(self, name: str, /, **labels: object) -> float:
        return self._values.get(name, {}).get(self._key(name, labels), 0.0)

    def items(self, name: str) -> Mapping[_Key, float]:
        """By label values, in the order of the table."""
        return self._values.get(name, {})

    def families(self) -> Iterator[Family]:
        """Of everything that was counted, zeros included."""
        for metric in BY_NAME.values():
            name = metric.name.removeprefix(PREFIX)
            if metric.kind is MetricKind.HISTOGRAM:
                yield Family(metric=metric, samples=tuple(self._histogram(metric, name)))
            elif metric.source != "now" or name in self._values:
                yield Family(metric=metric, samples=tuple(self._plain(metric, name)))

    def to_json(self) -> JsonObject:
        return {
            "values": {n: [[*k, v] for k, v in each.items()] for n, each in self._values.items()},
            "histograms": {
                n: [[list(k), bins] for k, bins in each.items()]
                for n, each in self._histograms.items()
            },
        }

    @classmethod
    def from_json(cls, data: JsonObject) -> Counted:
        counted = cls()
        for name, rows in data["values"].items():
            counted._values[name] = {tuple(row[:-1]): float(row[-1]) for row in rows}
        for name, rows in data["histograms"].items():
            counted._histograms[name] = {tuple(key): list(bins) for key, bins in rows}
        for name in (*counted._values, *counted._histograms):
            counted._remember(name)
        return counted

    def _remember(self, name: str) -> None:
        """Which texts were met already, so that they keep their places."""
        labels = BY_NAME[PREFIX + name].labels
        for key in (*self._values.get(name, {}), *self._histograms.get(name, {})):
            for label, text in zip(labels, key, strict=True):
                if not label.values and text != OTHER:
                    self._met.setdefault((name, label.name), set()).add(text)

    def _key(self, name: str, labels: Mapping[str, object]) -> _Key:
        given = {label.rstrip("_"): str(value) for label, value in labels.items()}
        wanted = BY_NAME[PREFIX + name].labels
        return tuple(self._bounded(name, label, given[label.name]) for label in wanted)

    def _bounded(self, name: str, label: Label, text: str) -> str:
        if label.values:
            return text if text in label.values else OTHER
        text = show_line(text)[:_LONGEST_VALUE] or "none"
        met = self._met.setdefault((name, label.name), set())
        if text not in met and len(met) >= label.most:
            return OTHER
        met.add(text)
        return text

    def _plain(self, metric: Metric, name: str) -> Iterator[Sample]:
        found = self._values.get(name, {})
        for key in self._all_keys(metric, found):
            labels = dict(zip(metric.label_names, key, strict=True))
            yield Sample(labels=labels, value=found.get(key, 0))

    def _histogram(self, metric: Metric, name: str) -> Iterator[HistogramSample]:
        found = self._histograms.get(name, {})
        for key in self._all_keys(metric, found):
            bins = found.get(key, [0.0] * (len(metric.buckets) + 2))
            counts, so_far = [], 0
            for each in bins[:-1]:
                so_far += int(each)
                counts.append(so_far)
            labels = dict(zip(metric.label_names, key, strict=True))
            yield HistogramSample(
                labels=labels, counts=tuple(counts), sum=bins[-1], count=counts[-1]
            )

    def _all_keys(self, metric: Metric, found: Mapping[_Key, object]) -> list[_Key]:
        """Those met, and for each met combination of open labels every one of the closed."""
        if not metric.zeros:
            return sorted(found)
        is_open = [not label.values for label in metric.labels]
        opens = {tuple(v for v, o in zip(k, is_open, strict=True) if o) for k in found}
        if not any(is_open):
            opens = {()}
        keys = set(found)
        for texts in opens:
            left = iter(texts)
            choices = [label.values or (next(left),) for label in metric.labels]
            keys.update(product(*choices))
        return sorted(keys)
