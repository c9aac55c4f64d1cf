"""A loopback server that speaks the Messages API as the SDK 2.11 reads and writes it.

By hand: `python -m tests.servers.messages --script FILE`; README.md has the script format.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.servers.batches import Batches
from tests.servers.by_hand import serve_by_hand
from tests.servers.catalog import find, page
from tests.servers.events import events_of, frame
from tests.servers.exchanges import json_of
from tests.servers.faults import headers_of, spoil
from tests.servers.model_calls import ModelCalls, Refusal, Spoken
from tests.servers.prompt import prompt_of
from tests.servers.script import Script
from tests.servers.serving import LoopbackServer
from tests.servers.shapes import error_body, type_of
from tests.servers.turns import Fault, Item
from tests.servers.wire import Answer, Request

_BATCH = r"/v1/messages/batches/([^/]+)"


class MessagesServer(LoopbackServer):
    """The API, its script, and everything it was asked."""

    def __init__(
        self,
        turns: Script | Sequence[Item] = (),
        *,
        key: str | None = None,
        log: Path | None = None,
        state: Path | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(turns, key=key, log=log, port=port)
        self._calls = ModelCalls(self.script, self.clock)
        self._batches = Batches(
            self._calls, self.clock, state=state, base_url=lambda: self.base_url
        )

    def environment(self) -> dict[str, str]:
        return {
            "ANTHROPIC_BASE_URL": self.base_url,
            "ANTHROPIC_API_KEY": self.key or "loopback",
        }

    def answer(self, number: int, request: Request) -> Answer:
        request_id = self._calls.new_id("req")
        answer = self._refused_at_the_door(request) or self._routed(number, request)
        if isinstance(answer, Refusal):
            answer = self._error(answer, request_id)
        self._batches.save()
        headers = {"request-id": request_id, **self._calls.limits.headers(), **answer.headers}
        return _with_headers(answer, headers)

    def _refused_at_the_door(self, request: Request) -> Refusal | None:
        key = request.bearer
        if key is None:
            return Refusal(status=401, message="Authorization: a Bearer key is required")
        if self.key is not None and key != self.key:
            return Refusal(status=401, message="invalid bearer token")
        if "anthropic-version" not in request.headers:
            return Refusal(status=400, message="anthropic-version: header is required")
        return None

    def _routed(self, number: int, request: Request) -> Answer | Refusal:
        for method, pattern, handle in self._routes():
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                return _answer(handle(number, request, *found.groups()))
        return Refusal(status=404, message=f"no such endpoint: {request.method} {request.path}")

    def _routes(self) -> tuple[tuple[str, str, Callable[..., Any]], ...]:
        batches = self._batches
        return (
            ("POST", "/v1/messages", self._messages),
            ("POST", "/v1/messages/count_tokens", self._count_tokens),
            ("GET", "/v1/models", self._models),
            ("GET", "/v1/models/([^/]+)", self._model),
            ("POST", "/v1/messages/batches", self._create_batch),
            ("GET", "/v1/messages/batches", lambda _, request: batches.list(request.query)),
            ("GET", _BATCH, lambda number, _, name: batches.retrieve(name, number)),
            ("DELETE", _BATCH, lambda _, __, name: batches.delete(name)),
            ("POST", f"{_BATCH}/cancel", lambda _, __, name: batches.cancel(name)),
            ("GET", f"{_BATCH}/results", lambda _, __, name: batches.results(name)),
        )

    def _messages(self, number: int, request: Request) -> Answer | Refusal:
        body = json_of(request.raw)
        spoken = self._calls.ask(number, request.open_headers, body)
        if isinstance(spoken, Refusal):
            return spoken
        if spoken.fault is not None and spoken.fault.status is not None:
            return self._failed(spoken.fault, spoken.turn)
        answer = _streamed(spoken) if body.get("stream") else _whole(spoken)
        if spoken.fault is None:
            return answer
        return spoil(answer, spoken.fault, error_frame=_error_frame(spoken.fault))

    def _failed(self, fault: Fault, turn: str) -> Answer:
        status = fault.status or 500
        refusal = Refusal(
            status=status,
            type=fault.type,
            message=fault.message or f"the script answers with {status}",
            error_code=fault.error_code,
        )
        answer = self._error(refusal, f"req_{self._calls.counters['req']:012d}")
        return Answer(
            status=status,
            headers={**answer.headers, **headers_of(fault)},
            body=answer.body,
            delay_seconds=fault.delay_seconds,
            note={"turn": turn, "fault": "status"},
        )

    def _error(self, refusal: Refusal, request_id: str) -> Answer:
        headers = {"content-type": "application/json"}
        if refusal.is_mismatch:
            headers["x-should-retry"] = "false"
        if refusal.retry_after is not None:
            headers["retry-after"] = str(refusal.retry_after)
        return Answer(
            status=refusal.status,
            headers=headers,
            body=json.dumps(error_body(refusal, request_id), ensure_ascii=False).encode(),
            note={"mismatch" if refusal.is_mismatch else "error": refusal.message},
        )

    def _count_tokens(self, _: int, request: Request) -> dict[str, int] | Refusal:
        body = json_of(request.raw)
        if not isinstance(body, dict) or find(self._calls.models, str(body.get("model"))) is None:
            return Refusal(status=400, message="model and messages are required")
        return {"input_tokens": prompt_of(body).size}

    def _models(self, _: int, request: Request) -> dict[str, Any]:
        asked = request.query.get("lifecycle[]") or request.query.get("lifecycle")
        stages = asked or ["active", "deprecated"]
        return page([m for m in self._calls.models if m["lifecycle"] in stages], request.query)

    def _model(self, _: int, __: Request, name: str) -> dict[str, Any] | Refusal:
        return find(self._calls.models, name) or Refusal(status=404, message=f"model: {name}")

    def _create_batch(self, _: int, request: Request) -> dict[str, Any] | Refusal:
        return self._batches.create(request.open_headers, json_of(request.raw))


def _answer(value: Answer | Refusal | bytes | dict[str, Any]) -> Answer | Refusal:
    if isinstance(value, bytes):
        return Answer(headers={"content-type": "application/x-jsonl"}, body=value)
    if isinstance(value, dict):
        return _json(value)
    return value


def _json(value: dict[str, Any]) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Answer(headers={"content-type": "application/json"}, body=body)


def _whole(spoken: Spoken) -> Answer:
    answer = _json(spoken.composed.message)
    return Answer(
        headers={**answer.headers, **spoken.reply.headers},
        body=answer.body,
        delay_seconds=spoken.reply.delay_seconds,
        note=_note(spoken),
    )


def _streamed(spoken: Spoken) -> Answer:
    return Answer(
        headers={
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache",
            **spoken.reply.headers,
        },
        frames=tuple(map(frame, events_of(spoken.composed))),
        delay_seconds=spoken.reply.delay_seconds,
        event_delay_seconds=spoken.reply.event_delay_seconds,
        note=_note(spoken),
    )


def _note(spoken: Spoken) -> dict[str, Any]:
    message = spoken.composed.message
    return {"turn": spoken.turn, "usage": message["usage"], "stop_reason": message["stop_reason"]}


def _error_frame(fault: Fault) -> bytes:
    error = {"type": fault.type or type_of(529), "message": fault.message or "Overloaded"}
    return frame({"type": "error", "error": error})


def _with_headers(answer: Answer, headers: dict[str, str]) -> Answer:
    return replace(answer, headers=headers)


if __name__ == "__main__":
    sys.exit(serve_by_hand(MessagesServer, sys.argv[1:], keeps_state=True))
