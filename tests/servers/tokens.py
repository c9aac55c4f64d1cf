"""How many tokens something is: an estimate, the same each time, about four bytes to one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_BYTES_PER_TOKEN = 4
_PER_BLOCK = 3


def of_text(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)


def of_block(block: Mapping[str, Any]) -> int:
    """One block of a prompt or an answer, cache markers aside."""
    if block.get("type") == "text":
        return _PER_BLOCK + of_text(str(block.get("text", "")))
    if block.get("type") == "image":
        return _PER_BLOCK + 1_500
    if block.get("type") == "tool_result" and isinstance(block.get("content"), str):
        # The text itself: nobody pays for how JSON writes a line end.
        return 2 * _PER_BLOCK + of_text(str(block.get("tool_use_id"))) + of_text(block["content"])
    return _PER_BLOCK + of_text(canonical(block))


def canonical(value: Any) -> str:
    """The same text for the same value; a cache marker makes no difference."""
    return json.dumps(_unmarked(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _unmarked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return value
