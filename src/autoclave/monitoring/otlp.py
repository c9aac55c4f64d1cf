"""Sends spans as OTLP over HTTP, in the JSON form; imported only where spans are wanted."""

from __future__ import annotations

import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from itertools import groupby
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace.status import StatusCode

from ..domain.canonical import JsonObject
from ..domain.errors import ConfigurationInvalid

_log = logging.getLogger(__name__)

_SECONDS = 10.0
_WAITS = (0.5, 2.0)
"""Before another try."""
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_STATUS = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}


class OtlpExporter(SpanExporter):
    """Works on the thread of a span processor, so it may wait."""

    def __init__(self, endpoint: str) -> None:
        self._url = traces_url(endpoint)
        self._stopped = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        body = json.dumps(traces_json(spans)).encode()
        for wait in (*_WAITS, None):
            again = self._post(body)
            if again is None:
                return SpanExportResult.SUCCESS
            if not again or wait is None or self._stopped.wait(wait):
                break
        _log.warning("%d spans could not be sent to %s", len(spans), self._url)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._stopped.set()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def _post(self, body: bytes) -> bool | None:
        """None when it was taken, else whether to try again."""
        request = urllib.request.Request(  # noqa: S310, the scheme was checked
            self._url, data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
                return None
        except urllib.error.HTTPError as error:
            error.close()
            return error.code in _TRY_AGAIN
        except (OSError, ValueError):
            return True


def traces_url(endpoint: str) -> str:
    """Where traces go: an address without a path gets the usual one. ConfigurationInvalid."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationInvalid(
            f"otlp_endpoint is no address of a server: {endpoint!r}",
            hint="for example http://127.0.0.1:4318",
        )
    return endpoint if parts.path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"


def traces_json(spans: Sequence[ReadableSpan]) -> JsonObject:
    """`ExportTraceServiceRequest` in the JSON form of protocol buffers."""
    groups = groupby(spans, key=lambda span: (id(span.resource), id(span.instrumentation_scope)))
    return {"resourceSpans": [_resource_spans(list(group)) for _, group in groups]}


def _resource_spans(spans: list[ReadableSpan]) -> JsonObject:
    scope = spans[0].instrumentation_scope
    told = {"name": scope.name, "version": scope.version or ""} if scope else {}
    return {
        "resource": {"attributes": _attributes(spans[0].resource.attributes)},
        "scopeSpans": [
            {
                "scope": told,
                "spans": [_span(span) for span in spans],
                "schemaUrl": (scope.schema_url if scope else "") or "",
            }
        ],
    }


def _span(span: ReadableSpan) -> JsonObject:
    context = span.context
    status: JsonObject = {"code": _STATUS[span.status.status_code]}
    if span.status.description:
        status["message"] = span.status.description
    told: JsonObject = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,  # the wire counts from 1, there 0 is "not told"
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": status,
    }
    parent = {"parentSpanId": f"{span.parent.span_id:016x}"} if span.parent else {}
    return told | parent


def _attributes(given: Mapping[str, object]) -> list[JsonObject]:
    return [{"key": name, "value": _value(value)} for name, value in given.items()]


def _value(value: object) -> JsonObject:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case tuple() | list():
            return {"arrayValue": {"values": [_value(each) for each in value]}}
        case _:
            return {"stringValue": str(value)}
