"""A Messages request as a script sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.servers.seen import Seen, ToolResult, purpose_of, text_of


def see(number: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> Seen:
    messages = body.get("messages", [])
    last = messages[-1] if messages else {}
    output = body.get("output_config") or {}
    schema = (output.get("format") or {}).get("schema")
    return Seen(
        number=number,
        model=str(body.get("model", "")),
        system=text_of(body.get("system", "")),
        user=text_of(last.get("content")) if last.get("role") == "user" else "",
        everything="\n".join(text_of(message.get("content")) for message in messages),
        tools=tuple(str(tool.get("name", "")) for tool in body.get("tools", [])),
        tool_results=tuple(_results(last)),
        tool_use_ids=tuple(_calls(messages)),
        schema=schema,
        breakpoints=_breakpoints(body),
        stream=bool(body.get("stream")),
        purpose=purpose_of(headers, body),
        headers=headers,
        body=body,
    )


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """A text is short for one block of it."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or [] if isinstance(block, dict)]


def _results(message: Mapping[str, Any]) -> Iterator[ToolResult]:
    for block in blocks_of(message.get("content")):
        if block.get("type") == "tool_result":
            yield ToolResult(
                id=str(block.get("tool_use_id")),
                text=text_of(block.get("content")),
                is_error=bool(block.get("is_error")),
            )


def _calls(messages: list[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        for block in blocks_of(message.get("content")):
            if block.get("type") == "tool_use":
                yield str(block.get("id"))


def _breakpoints(body: Mapping[str, Any]) -> int:
    marked = [*body.get("tools", []), *blocks_of(body.get("system"))]
    for message in body.get("messages", []):
        marked += blocks_of(message.get("content"))
    return sum(bool(block.get("cache_control")) for block in marked) + bool(
        body.get("cache_control")
    )
