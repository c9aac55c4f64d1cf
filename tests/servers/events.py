"""A message as server-sent events, in the least convenient pieces that are legal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.servers.message import Composed

_CUMULATIVE = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
)


def frame(event: Mapping[str, Any]) -> bytes:
    """One event as it stands on the wire; text stays text, so that characters can be cut in two."""
    data = json.dumps(event, ensure_ascii=False)
    return f"event: {event['type']}\ndata: {data}\n\n".encode("utf-8", "surrogatepass")


def events_of(composed: Composed) -> Iterator[dict[str, Any]]:
    """Every event of the stream in its order."""
    message = composed.message
    yield _start(message)
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        text = composed.argument_texts.get(index)
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block, text, composed.delta_chars):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {
            key: message[key]
            for key in ("stop_reason", "stop_sequence", "stop_details", "container")
        },
        "usage": {key: message["usage"].get(key) for key in _CUMULATIVE},
    }
    yield {"type": "message_stop"}


def _start(message: Mapping[str, Any]) -> dict[str, Any]:
    usage = {**message["usage"], "output_tokens": 1}
    usage.pop("output_tokens_details", None)
    begun: dict[str, Any] = {
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }
    return {"type": "message_start", "message": {**message, **begun, "usage": usage}}


def _empty(block: Mapping[str, Any]) -> dict[str, Any]:
    match block["type"]:
        case "text":
            return {**block, "text": ""}
        case "thinking":
            return {**block, "thinking": "", "signature": ""}
        case "tool_use":
            return {**block, "input": {}}
        case _:
            return dict(block)


def _deltas(block: Mapping[str, Any], text: str | None, size: int) -> Iterator[dict[str, Any]]:
    match block["type"]:
        case "text":
            for piece in pieces(block["text"], size):
                yield {"type": "text_delta", "text": piece}
        case "thinking":
            for piece in pieces(block["thinking"], size):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use":
            yield {"type": "input_json_delta", "partial_json": ""}
            for piece in pieces(arguments(block["input"], text), size):
                yield {"type": "input_json_delta", "partial_json": piece}


def arguments(value: Any, text: str | None) -> str:
    r"""The JSON of a call, escaped, so that pieces end inside `\u` and `\n` as well."""
    return json.dumps(value) if text is None else text


def pieces(text: str, size: int) -> list[str]:
    """A text in pieces; where one would end on a whole escape, it ends inside instead."""
    found: list[str] = []
    while text:
        inside = text.find("\\", max(size - 3, 0), size)
        end = inside + 1 if inside >= 0 else size
        found.append(text[:end])
        text = text[end:]
    return found
