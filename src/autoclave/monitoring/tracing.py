"""Spans for OpenTelemetry: heard from the journal, sent in the background; an extra.

Nothing of OpenTelemetry is imported before a tracer is opened.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..domain.errors import ConfigurationInvalid
from ..domain.events import Event
from . import genai_names
from .spans import SpanFacts, SpanMaker

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter

_log = logging.getLogger(__name__)

_NANOSECONDS = 1_000_000_000
_FLUSH_MILLISECONDS = 3_000
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


class Tracer:
    """A listener of the ledger. Never raises, never waits for the network."""

    def __init__(self, processor: SpanProcessor, *, home: str, version: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        self._processor = processor
        self._maker = SpanMaker(home=home, version=version)
        self._resource = Resource.create({"service.name": "autoclave", "service.version": version})
        self._scope = InstrumentationScope("autoclave", version, genai_names.SCHEMA_URL)

    def hear(self, event: Event) -> None:
        """Take in one event; spans that end with it are handed over."""
        try:
            for facts in self._maker.take(event):
                self._processor.on_end(self._readable(facts))
        except _UNREADABLE as error:
            _log.warning("event %d makes no span: %s", event.id, type(error).__name__)

    def close(self) -> None:
        """Send what is left, for at most some seconds."""
        self._processor.force_flush(_FLUSH_MILLISECONDS)
        self._processor.shutdown()

    def _readable(self, facts: SpanFacts) -> ReadableSpan:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
        from opentelemetry.trace.status import Status, StatusCode

        def context(span_id: int) -> SpanContext:
            return SpanContext(
                facts.trace_id,
                span_id,
                is_remote=False,
                trace_flags=TraceFlags(TraceFlags.SAMPLED),
            )

        return ReadableSpan(
            name=facts.name,
            context=context(facts.span_id),
            parent=context(facts.parent_id) if facts.parent_id is not None else None,
            resource=self._resource,
            attributes=dict(facts.attributes),
            kind=SpanKind.CLIENT if facts.is_call else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, facts.error) if facts.error else Status(),
            start_time=round(facts.began_at * _NANOSECONDS),
            end_time=round(facts.ended_at * _NANOSECONDS),
            instrumentation_scope=self._scope,
        )


def open_tracer(endpoint: str, *, home: str, version: str) -> Tracer:
    """A tracer that sends to an OTLP receiver over HTTP. Raises ConfigurationInvalid."""
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationInvalid(
            "otlp_endpoint is set, and OpenTelemetry is not installed",
            hint="pip install 'autoclave[opentelemetry]', or unset it",
        ) from error
    return Tracer(BatchSpanProcessor(otlp_exporter(endpoint)), home=home, version=version)


def otlp_exporter(endpoint: str) -> SpanExporter:
    from .otlp import OtlpExporter

    return OtlpExporter(endpoint)
