"""Spans from events, in the SDK's own memory exporter and over a real connection."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import ConfigurationInvalid
from autoclave.domain.events import Event, EventKind
from autoclave.monitoring import genai_names as names
from autoclave.monitoring.otlp import traces_url
from autoclave.monitoring.tracing import Tracer, open_tracer

SECRET_WORDS = "what a person wrote"


def _event(kind: EventKind, payload: JsonObject, *, at: float, stream: str = "goal/G-1") -> Event:
    number = int(at * 10)
    return Event(
        id=number,
        stream=stream,
        seq=number,
        epoch=1,
        kind=kind,
        version=1,
        payload=payload,
        actor="kernel",
        at=at,
    )


def _story() -> list[Event]:
    think = {"kind": "Think", "purpose": "work", "messages": [{"content": SECRET_WORDS}]}
    tokens = {"input": 10, "cache_read": 90, "cache_write": 5, "output": 7, "reasoning": 2}
    answer = {"tokens": tokens, "stop": "end_turn", "seconds": 2.0, "model": "claude-x-1"}
    answer["text"] = SECRET_WORDS
    act = {"kind": "Act", "step": "read", "capability": "read_file", "inputs": {"p": SECRET_WORDS}}
    failure = {"error_class": "NotFound", "message": SECRET_WORDS}
    gate = {"name": "parse", "verdict": "fail", "seconds": 0.5, "summary": SECRET_WORDS}
    proposal = "proposal/P-1"
    return [
        _event(EventKind.GOAL_ADDED, {"text": SECRET_WORDS}, at=100),
        _event(
            EventKind.INTENT_RECORDED, {"key": "k1", "intent": think, "model": "claude-x"}, at=101
        ),
        _event(
            EventKind.RESULT_RECORDED,
            {
                "key": "k1",
                "intent": think,
                "result": {"ok": True, "value": answer},
                "spend": {"usd": 0.5},
            },
            at=104,
        ),
        _event(
            EventKind.RESULT_RECORDED,
            {
                "key": "k2",
                "intent": act,
                "result": {"ok": False, "failure": failure, "tier": "FULL"},
                "spend": {"seconds": 1.5},
            },
            at=106,
        ),
        _event(
            EventKind.PROPOSAL_DRAFTED, {"goal_id": "G-1", "title": "t"}, at=107, stream=proposal
        ),
        _event(EventKind.GATES_JUDGED, {"gates": [gate]}, at=108, stream=proposal),
        _event(EventKind.GOAL_ENDED, {"success": "ok", "seconds": 10.0}, at=110),
    ]


def _spans(events: list[Event]) -> dict[str, Any]:
    memory = InMemorySpanExporter()
    tracer = Tracer(SimpleSpanProcessor(memory), home="/home", version="1.2.3")
    for event in events:
        tracer.hear(event)
    return {span.name: span for span in memory.get_finished_spans()}


def test_a_goal_is_a_trace_of_steps_calls_and_gates() -> None:
    """Each below what it belongs to, all in the trace of the goal."""
    spans = _spans(_story())

    assert set(spans) == {
        "invoke_agent autoclave",
        "step Think",
        "chat claude-x",
        "step Act",
        "execute_tool read_file",
        "gate parse",
    }
    goal = spans["invoke_agent autoclave"]
    assert goal.parent is None
    assert len({span.context.trace_id for span in spans.values()}) == 1
    for name in ("step Think", "step Act", "gate parse"):
        assert spans[name].parent.span_id == goal.context.span_id
    assert spans["chat claude-x"].parent.span_id == spans["step Think"].context.span_id
    assert spans["execute_tool read_file"].parent.span_id == spans["step Act"].context.span_id


def test_times_are_those_of_the_events() -> None:
    """A call began as long ago as it says it took."""
    spans = _spans(_story())

    def between(name: str) -> tuple[float, float]:
        return spans[name].start_time / 1e9, spans[name].end_time / 1e9

    assert between("invoke_agent autoclave") == (100, 110)
    assert between("step Think") == (101, 104)
    assert between("chat claude-x") == (102, 104)
    assert between("execute_tool read_file") == (104.5, 106)
    assert between("gate parse") == (107.5, 108)


def test_a_model_call_is_told_in_the_words_of_the_conventions() -> None:
    """Input tokens include the cached ones there."""
    told = _spans(_story())["chat claude-x"].attributes

    assert told[names.OPERATION] == "chat"
    assert told[names.PROVIDER] == "anthropic"
    assert (told[names.REQUEST_MODEL], told[names.RESPONSE_MODEL]) == ("claude-x", "claude-x-1")
    assert (told[names.INPUT_TOKENS], told[names.CACHE_READ_TOKENS]) == (105, 90)
    assert told[names.OUTPUT_TOKENS] == 7
    assert told[names.FINISH_REASONS] == ("end_turn",)


def test_no_text_of_people_or_models_is_in_a_span() -> None:
    """Only names, numbers and kinds leave the home."""
    for span in _spans(_story()).values():
        assert SECRET_WORDS not in span.to_json()


def test_what_failed_says_what_kind_of_failure_it_was() -> None:
    """A class, not a message."""
    spans = _spans(_story())

    assert spans["execute_tool read_file"].attributes[names.ERROR_TYPE] == "NotFound"
    assert not spans["execute_tool read_file"].status.is_ok
    assert not spans["gate parse"].status.is_ok
    assert spans["invoke_agent autoclave"].status.is_ok


def test_a_process_that_comes_later_goes_on_with_the_same_trace() -> None:
    """Ids follow from the goal, so a restart does not tear a trace apart."""
    whole, late = _spans(_story()), _spans(_story()[3:])

    assert late["invoke_agent autoclave"].context == whole["invoke_agent autoclave"].context
    assert late["invoke_agent autoclave"].start_time == whole["invoke_agent autoclave"].start_time
    assert late["step Act"].context == whole["step Act"].context


def test_an_event_of_another_form_makes_no_span_and_no_noise() -> None:
    """Tracing never stops the loop."""
    broken = _event(EventKind.RESULT_RECORDED, {"nothing": 1}, at=1)

    assert _spans([broken, *_story()]).keys() == _spans(_story()).keys()


@contextmanager
def _receiver(*answers: int) -> Iterator[tuple[str, list[JsonObject]]]:
    """An OTLP receiver on this machine that answers so, then with 200."""
    got: list[JsonObject] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = left.pop(0) if left else 200
            if status == 200:
                got.append({"path": self.path, **json.loads(body)})
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.slow
def test_spans_arrive_at_a_receiver() -> None:
    """As OTLP over HTTP, also when it is busy at first."""
    with _receiver(503) as (address, got):
        tracer = open_tracer(address, home="/home", version="1.2.3")
        for event in _story():
            tracer.hear(event)
        tracer.close()

    assert {each["path"] for each in got} == {"/v1/traces"}
    scopes = [scope for each in got for r in each["resourceSpans"] for scope in r["scopeSpans"]]
    spans = {span["name"]: span for scope in scopes for span in scope["spans"]}
    assert len(spans) == 6
    chat = spans["chat claude-x"]
    assert chat["kind"] == 3
    assert len(chat["traceId"]) == 32
    assert chat["parentSpanId"] == spans["step Think"]["spanId"]
    assert {"key": names.INPUT_TOKENS, "value": {"intValue": "105"}} in chat["attributes"]
    assert scopes[0]["schemaUrl"] == names.SCHEMA_URL


def test_an_address_without_a_path_gets_the_usual_one() -> None:
    """And one that is none is refused before anything starts."""
    assert traces_url("http://127.0.0.1:4318/") == "http://127.0.0.1:4318/v1/traces"
    assert traces_url("https://host/otlp/v1/traces") == "https://host/otlp/v1/traces"
    with pytest.raises(ConfigurationInvalid, match="otlp_endpoint"):
        traces_url("ftp://host")


def test_nothing_of_opentelemetry_is_imported_unasked() -> None:
    """It is an extra, and it takes time to import."""
    code = (
        "import sys; import autoclave.wiring, autoclave.monitoring.tracing;"
        "sys.exit(any(n.startswith('opentelemetry') for n in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
