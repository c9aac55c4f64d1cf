"""A loopback server that speaks OpenAI's chat completions as the SDK 3.52 reads and writes them.

By hand: `python -m tests.servers.chat --script FILE`; the same scripts as for `messages`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.servers import chat_shapes
from tests.servers.by_hand import serve_by_hand
from tests.servers.exchanges import json_of
from tests.servers.faults import headers_of, shorten, spoil
from tests.servers.message import answer_text
from tests.servers.placeholders import NothingToFill, fill
from tests.servers.script import Mismatch, Script
from tests.servers.seen import Seen
from tests.servers.seen_chat import see
from tests.servers.serving import LoopbackServer
from tests.servers.turns import Fault, Item, Reply, Turn
from tests.servers.wire import Answer, Request

_MODELS = ("gpt-6-astra", "qwen3-coder", "llama-4")


class ChatServer(LoopbackServer):
    """The API, its script, and everything it was asked."""

    prefix = "/v1"

    def __init__(
        self,
        turns: Script | Sequence[Item] = (),
        *,
        key: str | None = None,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(turns, key=key, log=log, port=port)
        self._answered = 0
        self._calls = 0
        more = [str(model["id"]) for model in self.script.options.get("models") or ()]
        self._models = [_model(name) for name in (*_MODELS, *more)]

    def environment(self) -> dict[str, str]:
        return {
            "AUTOCLAVE_OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": self.key or "loopback",
        }

    def answer(self, number: int, request: Request) -> Answer:
        answer = self._routed(number, request)
        name = f"req_{number:012d}"
        return replace(answer, headers={"x-request-id": name, **answer.headers})

    def _routed(self, number: int, request: Request) -> Answer:
        if self.key is not None and request.bearer != self.key:
            return _error(401, "Incorrect API key provided")
        asked = (request.method, request.path)
        if asked == ("POST", "/v1/chat/completions"):
            return self._completions(number, request)
        if asked == ("GET", "/v1/models"):
            return _json({"object": "list", "data": self._models})
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            return self._one_model(request.path.removeprefix("/v1/models/"))
        return _error(404, f"Invalid URL ({request.method} {request.path})")

    def _one_model(self, name: str) -> Answer:
        found = next((model for model in self._models if model["id"] == name), None)
        return _json(found) if found else _error(404, f"The model '{name}' does not exist")

    def _completions(self, number: int, request: Request) -> Answer:
        body = json_of(request.raw)
        problem = next(_problems(body), None)
        if problem is not None:
            return _error(400, problem)
        seen = see(number, request.open_headers, body)
        turn = self.script.take(seen)
        if isinstance(turn, Mismatch):
            return _unexpected(turn)
        if turn.fault is not None and turn.fault.status is not None:
            return _failed(turn.fault)
        try:
            return self._spoken(turn, seen)
        except NothingToFill as error:
            return _unexpected(self.script.refuse(number, str(error)))

    def _spoken(self, turn: Turn, seen: Seen) -> Answer:
        reply = turn.reply(seen) if callable(turn.reply) else turn.reply
        reply = fill(reply, seen)
        if turn.fault is not None:
            reply = shorten(reply, answer_text(reply), turn.fault)
        self._answered += 1
        whole = chat_shapes.completion(
            reply,
            name=f"chatcmpl-{self._answered:012d}",
            created=int(self.clock()),
            body=seen.body,
            new_id=self._new_call_id,
        )
        answer = _streamed(whole, reply, seen.body) if seen.stream else _json(whole)
        answer = replace(
            answer,
            headers={**answer.headers, **reply.headers},
            delay_seconds=reply.delay_seconds,
            note={"turn": turn.name, "usage": whole["usage"]},
        )
        if turn.fault is None:
            return answer
        return spoil(answer, turn.fault, error_frame=_error_frame(turn.fault))

    def _new_call_id(self) -> str:
        self._calls += 1
        return f"call_{self._calls:012d}"


def _problems(body: Any) -> Iterator[str]:
    if not isinstance(body, Mapping):
        yield "We could not parse the JSON body of your request."
        return
    yield from (
        f"Missing required parameter: '{name}'."
        for name in ("model", "messages")
        if not body.get(name)
    )
    waiting: list[str] = []
    for message in body.get("messages", []):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in waiting:
                yield (
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'."
                )
                return
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = [str(call.get("id")) for call in message.get("tool_calls") or []]
    if waiting:
        yield (
            "An assistant message with 'tool_calls' must be followed by tool messages "
            "responding to each 'tool_call_id'. The following tool_call_ids did not have "
            f"response messages: {', '.join(waiting)}"
        )


def _streamed(whole: dict[str, Any], reply: Reply, body: Mapping[str, Any]) -> Answer:
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return Answer(
        headers={"content-type": "text/event-stream; charset=utf-8"},
        frames=tuple(chat_shapes.chunks_of(whole, reply, with_usage=with_usage)),
        event_delay_seconds=reply.event_delay_seconds,
    )


def _failed(fault: Fault) -> Answer:
    status = fault.status or 500
    message = fault.message or f"the script answers with {status}"
    answer = _error(status, message, kind=fault.type, code=fault.error_code)
    return replace(
        answer,
        headers={**answer.headers, **headers_of(fault)},
        delay_seconds=fault.delay_seconds,
        note={"fault": "status"},
    )


def _error_frame(fault: Fault) -> bytes:
    message = fault.message or "The server had an error while processing your request"
    return chat_shapes.frame(chat_shapes.error_body(500, message, fault.type, fault.error_code))


def _unexpected(mismatch: Mismatch) -> Answer:
    message = f"request {mismatch.number} does not follow the script: {mismatch.reason}"
    answer = _error(500, message)
    headers = {**answer.headers, "x-should-retry": "false"}
    return replace(answer, headers=headers, note={"mismatch": mismatch.reason})


def _error(
    status: int, message: str, *, kind: str | None = None, code: str | None = None
) -> Answer:
    answer = _json(chat_shapes.error_body(status, message, kind, code))
    return replace(answer, status=status, note={"error": message})


def _json(value: Mapping[str, Any]) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Answer(headers={"content-type": "application/json"}, body=body)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "loopback"}


if __name__ == "__main__":
    sys.exit(serve_by_hand(ChatServer, sys.argv[1:]))
