"""Each format, read back by the rules of the program that it is for."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import InvalidInput
from autoclave.monitoring.counted import Counted
from autoclave.monitoring.definitions import BY_NAME
from autoclave.monitoring.exporters import export_events, export_metrics
from autoclave.monitoring.metrics import Family, HistogramSample, Sample, Snapshot

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
EVENT: JsonObject = {
    "id": 7,
    "stream": "goal/G-0001",
    "seq": 2,
    "kind": "GoalAdded",
    "actor": "cli",
    "at": 1_700_000_000.123456,
    "summary": 'a "quoted", text\nof two lines',
    "payload": {"text": "tidy up"},
}


def _one_run_of(capability: str, at: float = 100.0) -> Snapshot:
    labels = {"capability": capability, "outcome": "ok"}
    return _snapshot("capability_runs_total", Sample(labels=labels, value=1.5), at=at)


def _snapshot(name: str, *samples: Sample | HistogramSample, at: float = 100.0) -> Snapshot:
    family = Family(metric=BY_NAME[f"autoclave_{name}"], samples=samples)
    return Snapshot(at=at, families=(family,))


def _everything(text: str = "one") -> Snapshot:
    """A snapshot with something of each kind."""
    counted = Counted()
    counted.add("capability_runs_total", capability=text, outcome="ok")
    counted.add("errors_total", error=text)
    counted.observe("capability_run_seconds", 0.3, capability=text)
    counted.set("running", 1)
    return Snapshot(at=100.0, families=tuple(f for f in counted.families() if f.samples))


def _prometheus_labels(line: str) -> dict[str, str]:
    """Labels of one line by the grammar of the text format."""
    pairs = re.findall(r'(\w+)="((?:[^"\\\n]|\\.)*)"', line[line.index("{") :])
    undo = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}
    return {k: re.sub(r"\\[\\n\"]", lambda m: undo[m.group()], text) for k, text in pairs}


def _influx_tags(line: str) -> dict[str, str]:
    """Tags of one line by the grammar of the line protocol."""
    head = re.match(r"(?:[^\\ ]|\\.)*", line)
    assert head is not None
    _, *tags = re.split(r"(?<!\\),", head.group())
    pairs = (re.split(r"(?<!\\)=", tag, maxsplit=1) for tag in tags)
    return {key: re.sub(r"\\([,= ])", r"\1", text) for key, text in pairs}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_complain_about() -> None:
    """Its rules for names, units and help texts."""
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=_prom(_everything()).encode(),
        capture_output=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@given(ANY_TEXT)
def test_any_label_survives_the_prometheus_text_format(text: str) -> None:
    """Quotes, backslashes and line breaks come back as they were."""
    exported = export_metrics(_one_run_of(text), "prom")

    line = exported.removesuffix("\n").split("\n", 2)[2]

    assert "\n" not in line
    assert _prometheus_labels(line) == {"capability": text, "outcome": "ok"}
    assert line.endswith(" 1.5")


@settings(max_examples=25)
@given(ANY_TEXT)
def test_the_reader_of_prometheus_reads_back_what_was_written(text: str) -> None:
    """Names, types, labels and every number, histograms included."""
    snapshot = _everything(text)

    read = {each.name: each for each in text_string_to_metric_families(_prom(snapshot))}

    assert {_base(f.metric.name) for f in snapshot.families} == set(read)
    for family in snapshot.families:
        found = read[_base(family.metric.name)]
        assert found.type == family.metric.kind
        assert found.documentation == family.metric.help
    errors = {s.labels["error"]: s.value for s in read["autoclave_errors"].samples}
    assert list(errors.values()) == [1.0]
    runs = read["autoclave_capability_run_seconds"].samples
    assert [s.value for s in runs if s.name.endswith(("_sum", "_count"))] == [0.3, 1.0]
    buckets = [(s.labels["le"], s.value) for s in runs if s.name.endswith("_bucket")]
    assert buckets[-1] == ("+Inf", 1.0)
    assert ("0.25", 0.0) in buckets
    assert ("0.5", 1.0) in buckets


def test_the_strict_reader_of_openmetrics_takes_it() -> None:
    """The same numbers, and an end."""
    snapshot = _everything()

    text = export_metrics(snapshot, "openmetrics")
    read = {each.name: each for each in openmetrics(text)}  # type: ignore[no-untyped-call]

    assert text.endswith("# EOF\n")
    assert set(read) == {_base(f.metric.name) for f in snapshot.families}


def _prom(snapshot: Snapshot) -> str:
    return export_metrics(snapshot, "prom")


def _base(name: str) -> str:
    """What readers call a counter."""
    return name.removesuffix("_total")


@given(ANY_TEXT)
def test_no_label_can_break_an_influx_line(text: str) -> None:
    """One point stays one line with three parts, and its other tag is untouched."""
    exported = export_metrics(_one_run_of(text), "influx")

    assert len(exported.splitlines()) == 1
    assert _influx_tags(exported)["outcome"] == "ok"
    assert exported.endswith(" value=1.5 100000000000\n")


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), min_size=1))
def test_an_influx_tag_is_what_it_was(text: str) -> None:
    """Space, comma and equals come back; a backslash becomes a slash."""
    exported = export_metrics(_one_run_of(text), "influx")

    assert _influx_tags(exported)["capability"] == text.replace("\\", "/")


def test_influx_stamps_are_nanoseconds_without_rounding() -> None:
    """A float cannot hold today's nanoseconds, so they must not be made by multiplying one."""
    line = export_metrics(_one_run_of("a", at=1_700_000_000.123456), "influx")

    assert line.endswith(" 1700000000123456000\n")


def test_influx_has_no_spelling_for_what_is_not_finite() -> None:
    """Such a point is left out, not written wrongly."""
    sample = Sample(labels={"status": "done"}, value=float("nan"))

    assert export_metrics(_snapshot("goals", sample), "influx") == ""


def test_an_influx_histogram_is_one_point() -> None:
    """Its buckets are fields, so that no series is made for each."""
    lines = export_metrics(_everything(), "influx").splitlines()

    (line,) = [each for each in lines if each.startswith("autoclave_capability_run_seconds,")]
    fields = line.split(" ")[1]
    assert fields.startswith("count=1i,sum=0.3,le_0.01=0i,")
    assert fields.endswith(",le_60=1i,le_inf=1i")


@given(ANY_TEXT)
def test_csv_can_be_read_back(text: str) -> None:
    """Every row has the columns of the header, whatever is in it."""
    exported = export_metrics(_one_run_of(text), "csv")

    rows = list(csv.reader(io.StringIO(exported, newline="")))

    assert [len(row) for row in rows] == [4, 4]
    assert json.loads(rows[1][2])["capability"] == text


def test_metrics_as_json_are_one_versioned_object() -> None:
    """The same samples, with their types."""
    document = json.loads(export_metrics(_everything(), "json"))

    found = {m["name"]: m for m in document["metrics"]}
    assert document["schema_version"] == 1
    assert document["at"] == "1970-01-01T00:01:40.000000Z"
    assert found["autoclave_running"] == {
        "name": "autoclave_running",
        "type": "gauge",
        "unit": "bool",
        "labels": {},
        "value": 1.0,
    }
    timed = found["autoclave_capability_run_seconds"]
    assert (timed["count"], timed["sum"], timed["buckets"]["0.5"]) == (1, 0.3, 1)


def test_events_as_csv_keep_their_payload() -> None:
    """Times are ISO 8601 UTC, payloads canonical JSON."""
    rows = list(csv.DictReader(io.StringIO(export_events([EVENT], "csv"), newline="")))

    assert rows[0]["at"] == "2023-11-14T22:13:20.123456Z"
    assert rows[0]["summary"] == EVENT["summary"]
    assert json.loads(rows[0]["payload"]) == EVENT["payload"]


def test_events_as_influx_lines_hold_integers_and_a_quoted_stream() -> None:
    """Fields are typed by their spelling there."""
    line = export_events([EVENT], "influx")

    assert line == (
        "autoclave_event,actor=cli,kind=GoalAdded "
        'id=7i,seq=2i,stream="goal/G-0001" 1700000000123456000\n'
    )


def test_a_form_that_there_is_none_of_is_refused() -> None:
    """The message names those that there are."""
    with pytest.raises(InvalidInput, match="json, csv, influx"):
        export_events([EVENT], "prom")
