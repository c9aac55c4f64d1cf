"""Metrics and events in the formats of other programs: JSON, CSV, InfluxDB lines, Prometheus."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from types import MappingProxyType

from ..domain.canonical import JsonObject, canonical
from ..domain.errors import InvalidInput
from .metrics import BY_NAME, MetricsSnapshot, Sample

SCHEMA_VERSION = 1
EVENT_COLUMNS = ("id", "stream", "seq", "kind", "actor", "at", "summary", "payload")


def export_metrics(snapshot: MetricsSnapshot, form: str) -> str:
    """The snapshot as text. Raises InvalidInput for a form that there is none of."""
    return _chosen(_METRIC_FORMS, form, "metrics")(snapshot)


def export_events(events: Sequence[JsonObject], form: str) -> str:
    """Events as `history` gives them (`at` in seconds since 1970), as text."""
    return _chosen(_EVENT_FORMS, form, "events")(events)


def _metrics_json(snapshot: MetricsSnapshot) -> str:
    document = {
        "schema_version": SCHEMA_VERSION,
        "at": _timestamp(snapshot.at),
        "metrics": [
            {
                "name": sample.name,
                "type": BY_NAME[sample.name].type,
                "labels": dict(sample.labels),
                "value": sample.value,
            }
            for sample in snapshot.samples
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _metrics_csv(snapshot: MetricsSnapshot) -> str:
    at = _timestamp(snapshot.at)
    rows = [[at, s.name, _label_text(s.labels), _number(s.value)] for s in snapshot.samples]
    return _csv(("at", "name", "labels", "value"), rows)


def _metrics_influx(snapshot: MetricsSnapshot) -> str:
    return "".join(_influx_metric(sample, snapshot.at) for sample in snapshot.samples)


def _metrics_prometheus(snapshot: MetricsSnapshot) -> str:
    parts = []
    for name, samples in groupby(snapshot.samples, key=lambda sample: sample.name):
        metric = BY_NAME[name]
        parts.append(f"# HELP {name} {_escape_help(metric.help)}\n# TYPE {name} {metric.type}\n")
        parts.extend(_prometheus_line(sample) for sample in samples)
    return "".join(parts)


def _events_json(events: Sequence[JsonObject]) -> str:
    document = {"schema_version": SCHEMA_VERSION, "events": list(events)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _events_csv(events: Sequence[JsonObject]) -> str:
    return _csv(
        EVENT_COLUMNS, [[_cell(event, column) for column in EVENT_COLUMNS] for event in events]
    )


def _events_influx(events: Sequence[JsonObject]) -> str:
    return "".join(_influx_event(event) for event in events)


def _influx_metric(sample: Sample, at: float) -> str:
    if not math.isfinite(sample.value):  # the line protocol has no spelling for these
        return ""
    return _influx_line(sample.name, sample.labels, f"value={sample.value!r}", at)


def _influx_event(event: JsonObject) -> str:
    tags = {"kind": str(event["kind"]), "actor": str(event["actor"])}
    stream = _influx_string(str(event["stream"]))
    fields = f"id={event['id']}i,seq={event['seq']}i,stream={stream}"
    return _influx_line("autoclave_event", tags, fields, event["at"])


def _influx_line(name: str, tags: Mapping[str, str], fields: str, at: float) -> str:
    escaped = [(_influx_escape(key), _influx_escape(text)) for key, text in sorted(tags.items())]
    # A tag without a value is a syntax error there, so it is left out.
    parts = [_influx_escape(name), *(f"{key}={text}" for key, text in escaped if text)]
    # Split before multiplying: a float cannot hold today's nanoseconds.
    fraction, seconds = math.modf(at)
    return f"{','.join(parts)} {fields} {int(seconds) * 10**9 + round(fraction * 1e6) * 1000}\n"


def _influx_escape(text: str) -> str:
    """A measurement, tag key or tag value. A line break would start a new point, so it is a space.

    Readers disagree on a backslash before an escaped character, so it becomes a slash.
    """
    text = " ".join(text.splitlines()).replace("\\", "/")
    for special in (",", "=", " "):
        text = text.replace(special, "\\" + special)
    return text


def _influx_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _prometheus_line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escape_label(text)}"' for name, text in sample.labels.items())
    return f"{sample.name}{'{' + labels + '}' if labels else ''} {_number(sample.value)}\n"


def _escape_label(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _label_text(labels: Mapping[str, str]) -> str:
    return canonical(dict(labels)) if labels else ""


def _cell(event: JsonObject, column: str) -> object:
    value = event.get(column, "")
    if column == "at":
        return _timestamp(value)
    return canonical(value) if isinstance(value, dict | list) else value


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)  # RFC 4180: commas, double quotes, CRLF
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _timestamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _chosen(forms: Mapping[str, Callable[..., str]], form: str, what: str) -> Callable[..., str]:
    if form not in forms:
        raise InvalidInput(f"{what} have no form {form!r}; there are {', '.join(forms)}")
    return forms[form]


_METRIC_FORMS: Mapping[str, Callable[[MetricsSnapshot], str]] = MappingProxyType(
    {
        "json": _metrics_json,
        "csv": _metrics_csv,
        "influx": _metrics_influx,
        "prom": _metrics_prometheus,
    }
)
_EVENT_FORMS: Mapping[str, Callable[[Sequence[JsonObject]], str]] = MappingProxyType(
    {"json": _events_json, "csv": _events_csv, "influx": _events_influx}
)
