"""A reply as chat completions word it: one choice, chunks, usage, errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.servers import tokens
from tests.servers.events import arguments, pieces
from tests.servers.message import answer_text
from tests.servers.turns import Reply

DONE = b"data: [DONE]\n\n"
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_ERRORS = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("permission_error", None),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


def completion(
    reply: Reply, *, name: str, created: int, body: Mapping[str, Any], new_id: Callable[[], str]
) -> dict[str, Any]:
    """The whole answer; a stream is made from it."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer_text(reply),
        "refusal": None if reply.refusal is None else f"refused: {reply.refusal}",
    }
    if reply.thinking is not None:
        message["reasoning_content"] = reply.thinking
    if reply.tools:
        message["tool_calls"] = [
            {
                "id": call.id or new_id(),
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": arguments(call.input, call.input_text),
                },
            }
            for call in reply.tools
        ]
    return {
        "id": name,
        "object": "chat.completion",
        "created": created,
        "model": body["model"],
        "choices": [
            {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
        ],
        "usage": _usage(reply, message, body),
        "service_tier": "default",
    }


def chunks_of(whole: Mapping[str, Any], reply: Reply, *, with_usage: bool) -> Iterator[bytes]:
    """The answer as a stream: deltas, the finish reason, the usage when asked for, the end."""
    choice = whole["choices"][0]
    for delta in _deltas(choice["message"], max(1, reply.delta_chars)):
        yield _chunk(whole, [_choice(delta, None)], with_usage=with_usage)
    yield _chunk(whole, [_choice({}, choice["finish_reason"])], with_usage=with_usage)
    if with_usage:
        yield frame({**_head(whole), "choices": [], "usage": whole["usage"]})
    yield DONE


def frame(value: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode("utf-8", "surrogatepass")


def error_body(status: int, message: str, kind: str | None, code: str | None) -> dict[str, Any]:
    default_kind, default_code = _ERRORS.get(
        status, ("invalid_request_error" if status < 500 else "server_error", None)
    )
    error = {
        "message": message,
        "type": kind or default_kind,
        "param": None,
        "code": code or default_code,
    }
    return {"error": error}


def prompt_tokens(body: Mapping[str, Any]) -> int:
    parts = [*body.get("messages", []), *(body.get("tools") or [])]
    return sum(map(tokens.of_block, parts))


def _finish(reply: Reply) -> str:
    if reply.stop_reason:
        return _FINISH[reply.stop_reason]
    if reply.refusal is not None:
        return "content_filter"
    return "tool_calls" if reply.tools else "stop"


def _usage(reply: Reply, message: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    given = reply.usage
    cached = given.get("cache_read_input_tokens", 0)
    written = given.get("cache_creation_input_tokens", 0)
    asked = given["input_tokens"] + cached + written if "input_tokens" in given else None
    thought = given.get("thinking_tokens", tokens.of_text(reply.thinking or ""))
    prompt = prompt_tokens(body) if asked is None else asked
    answered = given.get("output_tokens", tokens.of_block(message))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answered,
        "total_tokens": prompt + answered,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def _deltas(message: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for name in ("reasoning_content", "content", "refusal"):
        for piece in pieces(message.get(name) or "", size):
            yield {name: piece}
    for index, call in enumerate(message.get("tool_calls", [])):
        begun = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [{**call, "index": index, "function": begun}]}
        for piece in pieces(call["function"]["arguments"], size):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _choice(delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}


def _chunk(whole: Mapping[str, Any], choices: list[dict[str, Any]], *, with_usage: bool) -> bytes:
    usage = {"usage": None} if with_usage else {}
    return frame({**_head(whole), "choices": choices, **usage})


def _head(whole: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: whole[key] for key in ("id", "created", "model", "service_tier")}
    return {**kept, "object": "chat.completion.chunk"}
