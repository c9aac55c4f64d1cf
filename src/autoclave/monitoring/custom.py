"""Metrics of one's own: named in the settings, loaded from installed packages, kept on a leash."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Literal, TypeAlias

from .metrics import PREFIX, Family, Metric, MetricKind, Sample

GROUP = "autoclave.metrics"
MOST_SAMPLES = 100
"""Of one source; what is more is left out."""
_SECONDS = 1.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomMetric:
    """What a source returns: `autoclave_custom_SOURCE_NAME` with its samples."""

    name: str
    help: str
    kind: Literal["gauge", "counter"] = "gauge"
    samples: Sequence[tuple[Mapping[str, str], float]] = field(default=())


Source: TypeAlias = Callable[[], Iterable[CustomMetric]]


class CustomMetrics:
    """The named sources. What is wrong with one of them is counted and leaves out that one."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        load: Callable[[str], Source] | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._load = load or load_source
        self._seconds = seconds
        self._busy: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def collect(self) -> tuple[list[Family], int]:
        """Everything that could be had within `seconds` each, and how many sources failed."""
        families: list[Family] = []
        broken = 0
        for name in self._names:
            found = self._ask(name)
            broken += found is None
            families += found or ()
        return families, broken

    def _ask(self, name: str) -> list[Family] | None:
        """In a thread of its own: one that hangs is not asked again before it has ended."""
        with self._lock:
            before = self._busy.get(name)
            if before is not None and before.is_alive():
                return None
            found: list[list[Family]] = []
            thread = threading.Thread(target=self._run, args=(name, found), daemon=True)
            self._busy[name] = thread
            thread.start()
        thread.join(self._seconds)
        return found[0] if found else None

    def _run(self, name: str, found: list[list[Family]]) -> None:
        try:
            families = [_family(name, each) for each in self._load(name)()]
        except BaseException:  # noqa: BLE001, it is somebody else's code, even SystemExit
            return
        found.append(_within_limits(families))


def load_source(name: str) -> Source:
    """The entry point of that name. Raises LookupError, or what loading it raises."""
    for each in entry_points(group=GROUP, name=name):
        source: Source = each.load()
        return source
    raise LookupError(f"no installed package has {name!r} in {GROUP}")


def _family(source: str, given: CustomMetric) -> Family:
    name = f"custom_{source.replace('-', '_')}_{given.name}"
    if given.kind == "counter" and not name.endswith("_total"):
        name += "_total"
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name} is no name of a metric")
    metric = Metric(
        name=PREFIX + name,
        kind=MetricKind(given.kind),
        unit="",
        help=str(given.help)[:_LONGEST_TEXT],
    )
    seen: dict[tuple[tuple[str, str], ...], Sample] = {}
    for labels, value in given.samples:
        plain = {_label(key): str(text)[:_LONGEST_TEXT] for key, text in labels.items()}
        if math.isfinite(value):
            seen[tuple(sorted(plain.items()))] = Sample(labels=plain, value=float(value))
    return Family(metric=metric, samples=tuple(seen.values()))


def _label(name: str) -> str:
    if not _NAME.fullmatch(name) or name == "le":
        raise ValueError(f"{name!r} is no name of a label")
    return name


def _within_limits(families: Iterable[Family]) -> list[Family]:
    kept: dict[str, Family] = {}
    left = MOST_SAMPLES
    for family in families:
        if family.metric.name in kept:
            continue
        samples = family.samples[:left]
        left -= len(samples)
        if samples:
            kept[family.metric.name] = Family(metric=family.metric, samples=samples)
    return list(kept.values())
