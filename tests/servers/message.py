"""A reply as the Messages API words it: content blocks, stop reason, usage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers import tokens
from tests.servers.prompt_cache import CacheUse
from tests.servers.turns import Reply, ToolCall

_SIGNATURE = "c2lnbmVkIGJ5IHRoZSBsb29wYmFjayBzZXJ2ZXI="


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A whole message, and the argument texts that only a stream can carry."""

    message: dict[str, Any]
    argument_texts: Mapping[int, str]
    """By the place of the block: text instead of the JSON of its input."""
    delta_chars: int


def compose(
    reply: Reply, *, message_id: str, model: str, used: CacheUse, new_tool_id: Callable[[], str]
) -> Composed:
    content = list(reply.content if reply.content is not None else _blocks(reply, new_tool_id))
    message = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": _stop_reason(reply),
        "stop_sequence": reply.stop_sequence,
        "stop_details": _stop_details(reply),
        "container": None,
        "diagnostics": None,
        "usage": _usage(reply, content, used),
    }
    before = len(content) - len(reply.tools)
    texts = {n: call.input_text for n, call in enumerate(reply.tools, before) if call.input_text}
    return Composed(message=message, argument_texts=texts, delta_chars=max(1, reply.delta_chars))


def _blocks(reply: Reply, new_tool_id: Callable[[], str]) -> Iterator[dict[str, Any]]:
    if reply.thinking is not None:
        yield {"type": "thinking", "thinking": reply.thinking, "signature": _SIGNATURE}
    if reply.redacted_thinking is not None:
        yield {"type": "redacted_thinking", "data": reply.redacted_thinking}
    text = answer_text(reply)
    if text is not None:
        yield {"type": "text", "text": text, "citations": None}
    for call in reply.tools:
        yield _call(call, new_tool_id)


def answer_text(reply: Reply) -> str | None:
    """What the model says: its text, or its value as JSON."""
    if reply.structured is not None:
        return json.dumps(reply.structured, ensure_ascii=False)
    return reply.text


def _call(call: ToolCall, new_tool_id: Callable[[], str]) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": call.id or new_tool_id(),
        "name": call.name,
        "input": call.input,
        "caller": {"type": "direct"},
    }


def _stop_reason(reply: Reply) -> str:
    if reply.stop_reason:
        return reply.stop_reason
    if reply.refusal is not None:
        return "refusal"
    if reply.stop_sequence is not None:
        return "stop_sequence"
    return "tool_use" if reply.tools else "end_turn"


def _stop_details(reply: Reply) -> dict[str, Any] | None:
    if reply.refusal is None:
        return None
    return {"type": "refusal", "category": reply.refusal or None, "explanation": None}


def _usage(reply: Reply, content: list[Any], used: CacheUse) -> dict[str, Any]:
    given = dict(reply.usage)
    thought = given.pop("thinking_tokens", tokens.of_text(reply.thinking or ""))
    written = sum(map(tokens.of_block, content))
    usage = {
        "input_tokens": used.plain,
        "cache_read_input_tokens": used.read,
        "cache_creation_input_tokens": used.written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.written_5m,
            "ephemeral_1h_input_tokens": used.written_1h,
        },
        "output_tokens": max(written, thought, 1),
        "output_tokens_details": {"thinking_tokens": thought},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": "global",
    }
    if "cache_creation_input_tokens" in given:
        total = given["cache_creation_input_tokens"]
        usage["cache_creation"] = {
            "ephemeral_5m_input_tokens": total,
            "ephemeral_1h_input_tokens": 0,
        }
    return usage | given
