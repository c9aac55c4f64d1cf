"""Metrics of one's own can't break a scrape."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from autoclave.monitoring.custom import MOST_SAMPLES, CustomMetric, CustomMetrics, Source


def _one(value: float = 3.0) -> Iterable[CustomMetric]:
    yield CustomMetric(name="queue", help="how long", samples=[({"kind": "a"}, value)])


def _metrics(**sources: Source) -> CustomMetrics:
    return CustomMetrics(list(sources), load=lambda name: sources[name])


def test_what_is_named_is_collected_under_its_own_prefix() -> None:
    """So that it can't pass for one of ours."""
    families, broken = _metrics(plant=_one).collect()

    assert broken == 0
    assert [f.metric.name for f in families] == ["autoclave_custom_plant_queue"]
    assert [(s.labels, s.value) for s in families[0].samples] == [({"kind": "a"}, 3.0)]  # type: ignore[union-attr]


def test_one_that_fails_leaves_the_others_alone() -> None:
    """Whatever it raises, even the wish to end the process."""

    def exits() -> Iterable[CustomMetric]:
        raise SystemExit(3)

    def lies() -> Iterable[CustomMetric]:
        yield CustomMetric(name="no name", help="")

    families, broken = _metrics(exits=exits, lies=lies, plant=_one).collect()

    assert broken == 2
    assert len(families) == 1


def test_one_that_hangs_is_left_out_and_not_asked_again() -> None:
    """Until it has come back, so that no threads pile up."""
    release, asked = threading.Event(), []

    def hangs() -> Iterable[CustomMetric]:
        asked.append(1)
        release.wait()
        return []

    custom = CustomMetrics(["hangs"], load=lambda name: hangs, seconds=0.05)
    first, second = custom.collect(), custom.collect()
    release.set()

    assert (first, second) == (([], 1), ([], 1))
    assert len(asked) == 1


def test_too_many_samples_are_cut() -> None:
    """Series cost memory in every program that reads them."""

    def many() -> Iterable[CustomMetric]:
        samples = [({"n": str(n)}, 1.0) for n in range(5_000)]
        yield CustomMetric(name="many", help="", samples=samples)

    families, _ = _metrics(many=many).collect()

    assert len(families[0].samples) == MOST_SAMPLES


def test_only_what_an_installed_package_offers_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By entry point; a name that there is none of is broken, not an error."""
    (tmp_path / "plant.py").write_text(
        "from autoclave.monitoring.custom import CustomMetric\n"
        "def collect():\n    return [CustomMetric(name='n', help='h', samples=[({}, 1)])]\n"
    )
    info = tmp_path / "plant-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plant\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[autoclave.metrics]\nplant = plant:collect\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    families, broken = CustomMetrics(["plant", "nobody"]).collect()

    sys.modules.pop("plant", None)
    assert [f.metric.name for f in families] == ["autoclave_custom_plant_n"]
    assert broken == 1
