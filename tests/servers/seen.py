"""A request as a script sees it, whichever of the two wire formats it came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PURPOSE_HEADER = "x-autoclave-purpose"


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What came back from one tool call."""

    id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What turns match on and placeholders are filled from."""

    number: int
    model: str
    system: str
    user: str
    """The last user message as text."""
    everything: str
    """All messages as text."""
    tools: tuple[str, ...]
    tool_results: tuple[ToolResult, ...]
    """Those since the model spoke last."""
    tool_use_ids: tuple[str, ...]
    """Every call in the history, oldest first."""
    schema: Mapping[str, Any] | None
    breakpoints: int
    stream: bool
    purpose: str | None
    headers: Mapping[str, str]
    body: Mapping[str, Any]


def purpose_of(headers: Mapping[str, str], body: Mapping[str, Any]) -> str | None:
    metadata = body.get("metadata")
    inside = metadata.get("purpose") if isinstance(metadata, Mapping) else None
    return headers.get(PURPOSE_HEADER) or inside


def text_of(content: Any) -> str:
    """All text in a content value: a string, a block, or a list of blocks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(filter(None, map(text_of, content)))
    if not isinstance(content, Mapping):
        return ""
    return str(content["text"]) if "text" in content else text_of(content.get("content"))
