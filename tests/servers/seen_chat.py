"""A chat-completions request as a script sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.servers.seen import Seen, ToolResult, purpose_of, text_of

_SYSTEM = ("system", "developer")


def see(number: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> Seen:
    messages = body.get("messages", [])
    recent = _since_the_model_spoke(messages)
    form = body.get("response_format") or {}
    return Seen(
        number=number,
        model=str(body.get("model", "")),
        system="\n".join(text_of(m.get("content")) for m in messages if m.get("role") in _SYSTEM),
        user="\n".join(text_of(m.get("content")) for m in recent if m.get("role") not in _SYSTEM),
        everything="\n".join(text_of(message.get("content")) for message in messages),
        tools=tuple(str(tool.get("function", {}).get("name")) for tool in body.get("tools") or []),
        tool_results=tuple(_results(recent)),
        tool_use_ids=tuple(_calls(messages)),
        schema=(form.get("json_schema") or {}).get("schema"),
        breakpoints=0,
        stream=bool(body.get("stream")),
        purpose=purpose_of(headers, body),
        headers=headers,
        body=body,
    )


def _since_the_model_spoke(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    spoke = [n for n, message in enumerate(messages) if message.get("role") == "assistant"]
    return messages[spoke[-1] + 1 :] if spoke else messages


def _results(recent: list[dict[str, Any]]) -> Iterator[ToolResult]:
    for message in recent:
        if message.get("role") == "tool":
            yield ToolResult(
                id=str(message.get("tool_call_id")), text=text_of(message.get("content"))
            )


def _calls(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        for call in message.get("tool_calls") or []:
            yield str(call.get("id"))
