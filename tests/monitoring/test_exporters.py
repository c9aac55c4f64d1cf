"""Each format, read back by the rules of the program that it is for."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import InvalidInput
from autoclave.monitoring.exporters import export_events, export_metrics
from autoclave.monitoring.metrics import (
    BY_NAME,
    CapabilityFacts,
    Facts,
    MetricsSnapshot,
    Sample,
    measure,
)

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


def _one_run_of(capability: str, at: float = 100.0) -> MetricsSnapshot:
    labels = {"capability": capability, "outcome": "ok"}
    sample = Sample(name="autoclave_capability_runs_total", labels=labels, value=1.5)
    return MetricsSnapshot(at=at, samples=(sample,))


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


@given(ANY_TEXT)
def test_any_label_survives_the_prometheus_text_format(text: str) -> None:
    """Quotes, backslashes and line breaks come back as they were."""
    exported = export_metrics(_one_run_of(text), "prom")

    line = exported.removesuffix("\n").split("\n", 2)[2]

    assert "\n" not in line
    assert _prometheus_labels(line) == {"capability": text, "outcome": "ok"}
    assert line.endswith(" 1.5")


def test_prometheus_names_each_metric_once_and_says_its_type() -> None:
    """Samples of one metric stand together under one HELP and one TYPE line."""
    facts = Facts(capabilities={"a": CapabilityFacts(runs=1), "b": CapabilityFacts(runs=1)})

    lines = export_metrics(measure(facts, at=100.0), "prom").splitlines()

    kinds = [line.split()[2:] for line in lines if line.startswith("# TYPE")]
    assert len(kinds) == len({name for name, _ in kinds})
    assert all(BY_NAME[name].type == kind for name, kind in kinds)


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
    sample = Sample(name="autoclave_goals", labels={"status": "done"}, value=float("nan"))

    assert export_metrics(MetricsSnapshot(at=1.0, samples=(sample,)), "influx") == ""


@given(ANY_TEXT)
def test_csv_can_be_read_back(text: str) -> None:
    """Every row has the columns of the header, whatever is in it."""
    exported = export_metrics(_one_run_of(text), "csv")

    rows = list(csv.reader(io.StringIO(exported, newline="")))

    assert [len(row) for row in rows] == [4, 4]
    assert json.loads(rows[1][2])["capability"] == text


def test_metrics_as_json_are_one_versioned_object() -> None:
    """The same samples, with their types."""
    document = json.loads(export_metrics(measure(Facts(running=True), at=0.0), "json"))

    running = next(m for m in document["metrics"] if m["name"] == "autoclave_running")
    assert document["schema_version"] == 1
    assert document["at"] == "1970-01-01T00:00:00.000000Z"
    assert running == {"name": "autoclave_running", "type": "gauge", "labels": {}, "value": 1.0}


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
