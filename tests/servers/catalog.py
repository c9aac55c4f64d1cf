"""The models that the servers know: names and stages are the SDK's, limits are made up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_YES = {"supported": True}
_NO = {"supported": False}
_ACTIVE = (
    ("claude-opus-5-5", "opus", 1_000_000, 128_000),
    ("claude-sonnet-5-5", "sonnet", 1_000_000, 128_000),
    ("claude-haiku-5-5", "haiku", 200_000, 64_000),
    ("claude-fable-5-2", "fable", 1_000_000, 128_000),
    ("claude-mythos-5-2", "mythos", 1_000_000, 128_000),
    ("claude-opus-5", "opus", 200_000, 64_000),
    ("claude-sonnet-5", "sonnet", 200_000, 64_000),
    ("claude-opus-4-8", "opus", 200_000, 64_000),
    ("claude-sonnet-4-6", "sonnet", 200_000, 64_000),
    ("claude-haiku-4-5", "haiku", 200_000, 64_000),
)


def catalog(more: Iterable[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Newest first; `more` adds models or changes fields of these by their id."""
    models = {name: _model(name, line, reads, writes) for name, line, reads, writes in _ACTIVE}
    models["claude-sonnet-4-5"] = _model("claude-sonnet-4-5", "sonnet", 200_000, 64_000) | {
        "lifecycle": "deprecated",
        "deprecated_at": "2026-05-01T00:00:00Z",
        "retires_at": "2026-11-30T00:00:00Z",
    }
    models["claude-opus-4-0"] = _model("claude-opus-4-0", "opus", 200_000, 32_000) | {
        "lifecycle": "retired",
        "deprecated_at": "2025-12-15T00:00:00Z",
        "retires_at": "2026-06-15T00:00:00Z",
    }
    for fields in more:
        name = str(fields["id"])
        models[name] = models.get(name, _model(name, None, 200_000, 64_000)) | dict(fields)
    return list(models.values())


def find(models: Sequence[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((model for model in models if model["id"] == name), None)


def page(items: Sequence[dict[str, Any]], query: Mapping[str, list[str]]) -> dict[str, Any]:
    """One page as `limit`, `after_id` and `before_id` ask for it."""
    ids = [item["id"] for item in items]
    limit = int(query.get("limit", ["20"])[0])
    after, before = query.get("after_id", [None])[0], query.get("before_id", [None])[0]
    start = ids.index(after) + 1 if after in ids else 0
    end = ids.index(before) if before in ids else len(ids)
    if before in ids:
        start = max(end - limit, 0)
    shown = list(items[start:end])[:limit]
    more = start > 0 if before in ids else start + limit < end
    return {
        "data": shown,
        "has_more": more,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def _model(name: str, line: str | None, reads: int, writes: int) -> dict[str, Any]:
    return {
        "id": name,
        "type": "model",
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "deprecated_at": None,
        "retires_at": None,
        "lifecycle": "active",
        "line": line,
        "max_input_tokens": reads,
        "max_tokens": writes,
        "capabilities": _capabilities(),
    }


def _capabilities() -> dict[str, Any]:
    return {
        "batch": _YES,
        "citations": _YES,
        "code_execution": _YES,
        "context_management": {**_YES, "clear_tool_uses_20250919": _YES, "compact_20260112": _YES},
        "effort": {**_YES, "low": _YES, "medium": _YES, "high": _YES, "xhigh": _YES, "max": _YES},
        "image_input": _YES,
        "pdf_input": _YES,
        "server_tools": {**_YES, "code_execution": _YES, "web_search": _YES},
        "structured_outputs": _YES,
        "thinking": {
            **_YES,
            "types": {
                "adaptive": _YES,
                "between_tools": _YES,
                "disabled": _YES,
                "enabled": _NO,
            },
        },
    }
