"""Metrics and events in the formats of other programs; see `FORMS`."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from ..domain.canonical import JsonObject, canonical
from ..domain.errors import InvalidInput
from .metrics import Family, HistogramSample, Metric, MetricKind, Sample, Snapshot

SCHEMA_VERSION = 1
EVENT_COLUMNS = ("id", "stream", "seq", "kind", "actor", "at", "summary", "payload")


def export_metrics(snapshot: Snapshot, form: str) -> str:
    """The snapshot as text. Raises InvalidInput for a form that there is none of."""
    return _chosen(_METRIC_FORMS, form, "metrics")(snapshot)


def export_events(events: Sequence[JsonObject], form: str) -> str:
    """Events as `history` gives them (`at` in seconds since 1970), as text."""
    return _chosen(_EVENT_FORMS, form, "events")(events)


def _metrics_json(snapshot: Snapshot) -> str:
    metrics = [
        {
            "name": family.metric.name,
            "type": family.metric.kind,
            "unit": family.metric.unit,
            "labels": dict(sample.labels),
            **_json_value(family.metric, sample),
        }
        for family in snapshot.families
        for sample in family.samples
    ]
    document = {"schema_version": SCHEMA_VERSION, "at": _timestamp(snapshot.at), "metrics": metrics}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _json_value(metric: Metric, sample: Sample | HistogramSample) -> JsonObject:
    if isinstance(sample, Sample):
        is_number = math.isfinite(sample.value)  # JSON has no spelling for the others
        return {"value": sample.value if is_number else None}
    ends = [*(_number(end) for end in metric.buckets), "+Inf"]
    buckets = dict(zip(ends, sample.counts, strict=True))
    return {"count": sample.count, "sum": sample.sum, "buckets": buckets}


def _metrics_csv(snapshot: Snapshot) -> str:
    at = _timestamp(snapshot.at)
    rows = [
        [at, name, _label_text(labels), _number(value)]
        for family in snapshot.families
        for name, labels, value in _lines_of(family)
    ]
    return _csv(("at", "name", "labels", "value"), rows)


def _metrics_influx(snapshot: Snapshot) -> str:
    return "".join(
        _influx_metric(family.metric, sample, snapshot.at)
        for family in snapshot.families
        for sample in family.samples
    )


def _metrics_prometheus(snapshot: Snapshot) -> str:
    parts = []
    for family in snapshot.families:
        name, metric = family.metric.name, family.metric
        parts.append(f"# HELP {name} {_escape_help(metric.help)}\n# TYPE {name} {metric.kind}\n")
        parts.extend(_prometheus_line(*line) for line in _lines_of(family))
    return "".join(parts)


def _metrics_openmetrics(snapshot: Snapshot) -> str:
    """The stricter text: counters are named without `_total`, and there is an end."""
    parts = []
    for family in snapshot.families:
        metric = family.metric
        is_counter = metric.kind is MetricKind.COUNTER
        name = metric.name.removesuffix("_total") if is_counter else metric.name
        parts.append(f"# TYPE {name} {metric.kind}\n# HELP {name} {_escape_label(metric.help)}\n")
        parts.extend(_prometheus_line(*line) for line in _lines_of(family))
    return "".join([*parts, "# EOF\n"])


def _lines_of(family: Family) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, labels and value of each line; a histogram has one for each bucket and two more."""
    metric = family.metric
    for sample in family.samples:
        if isinstance(sample, Sample):
            yield metric.name, sample.labels, sample.value
            continue
        ends = [*(repr(float(end)) for end in metric.buckets), "+Inf"]
        for end, count in zip(ends, sample.counts, strict=True):
            yield f"{metric.name}_bucket", {**sample.labels, "le": end}, count
        yield f"{metric.name}_sum", sample.labels, sample.sum
        yield f"{metric.name}_count", sample.labels, sample.count


def _events_json(events: Sequence[JsonObject]) -> str:
    document = {"schema_version": SCHEMA_VERSION, "events": list(events)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _events_csv(events: Sequence[JsonObject]) -> str:
    return _csv(
        EVENT_COLUMNS, [[_cell(event, column) for column in EVENT_COLUMNS] for event in events]
    )


def _events_influx(events: Sequence[JsonObject]) -> str:
    return "".join(_influx_event(event) for event in events)


def _influx_metric(metric: Metric, sample: Sample | HistogramSample, at: float) -> str:
    if isinstance(sample, HistogramSample):
        ends = [*(_number(end) for end in metric.buckets), "inf"]
        counts = zip(ends, sample.counts, strict=True)
        bins = "".join(f",le_{end}={count}i" for end, count in counts)
        fields = f"count={sample.count}i,sum={float(sample.sum)!r}{bins}"
        return _influx_line(metric.name, sample.labels, fields, at)
    if not math.isfinite(sample.value):  # the line protocol has no spelling for these
        return ""
    return _influx_line(metric.name, sample.labels, f"value={float(sample.value)!r}", at)


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


def _prometheus_line(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{label}="{_escape_label(text)}"' for label, text in labels.items())
    return f"{name}{'{' + told + '}' if told else ''} {_number(value)}\n"


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


_METRIC_FORMS: Mapping[str, Callable[[Snapshot], str]] = MappingProxyType(
    {
        "json": _metrics_json,
        "csv": _metrics_csv,
        "influx": _metrics_influx,
        "prom": _metrics_prometheus,
        "openmetrics": _metrics_openmetrics,
    }
)
_EVENT_FORMS: Mapping[str, Callable[[Sequence[JsonObject]], str]] = MappingProxyType(
    {"json": _events_json, "csv": _events_csv, "influx": _events_influx}
)
FORMS = tuple(_METRIC_FORMS)
"""JSON, CSV, InfluxDB line protocol, Prometheus, OpenMetrics."""
