"""What the Messages API refuses before any model reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.servers.prompt import Prompt, prompt_of
from tests.servers.seen_messages import blocks_of

_NEEDED = ("max_tokens", "messages", "model")
_GONE = ("temperature", "top_p", "top_k")
_MOST_BREAKPOINTS = 4
_NOT_IN_SCHEMAS = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "patternProperties",
        "oneOf",
        "not",
        "if",
    }
)


def problem_of(body: Any, model: Mapping[str, Any] | None) -> str | None:
    """The first thing that is wrong with a request, as the API words it."""
    if not isinstance(body, Mapping):
        return "The request body is not valid JSON"
    return next(_problems(body, model), None)


def _problems(body: Mapping[str, Any], model: Mapping[str, Any] | None) -> Iterator[str]:
    yield from (f"{name}: Field required" for name in _NEEDED if name not in body)
    yield from (f"{name}: Extra inputs are not permitted" for name in _GONE if name in body)
    messages = body["messages"]
    if not isinstance(messages, list) or not all(isinstance(m, Mapping) for m in messages):
        yield "messages: Input should be a valid list of messages"
    if not messages:
        yield "messages: at least one message is required"
    yield from _pairs(messages)
    prompt = prompt_of(body)
    yield from _markers(prompt)
    yield from _schemas(body)
    if model is not None:
        yield from _sizes(body["max_tokens"], prompt.size, model)


def _pairs(messages: list[Mapping[str, Any]]) -> Iterator[str]:
    """Calls and results stay together: each call is answered in the next message."""
    asked: list[str] = []
    for place, message in enumerate(messages):
        blocks = blocks_of(message.get("content"))
        came = [str(b.get("tool_use_id")) for b in blocks if b.get("type") == "tool_result"]
        missing = [name for name in asked if name not in came]
        if missing:
            yield (
                f"messages.{place - 1}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
                "corresponding `tool_result` block in the next message."
            )
        strange = [name for name in came if name not in asked]
        if strange:
            yield (
                f"messages.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{', '.join(strange)}. Each `tool_result` block must have a corresponding "
                "`tool_use` block in the previous message."
            )
        asked = [str(b.get("id")) for b in blocks if b.get("type") == "tool_use"]


def _markers(prompt: Prompt) -> Iterator[str]:
    marked = prompt.breakpoints
    if len(marked) > _MOST_BREAKPOINTS:
        yield (
            f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {len(marked)}."
        )
    times = [piece.ttl for piece in marked]
    if times != sorted(times, key=lambda ttl: ttl != "1h"):
        yield "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"


def _schemas(body: Mapping[str, Any]) -> Iterator[str]:
    form = (body.get("output_config") or {}).get("format") or {}
    if form:
        yield from _schema(form.get("schema"), "output_config.format.schema")
    for place, tool in enumerate(body.get("tools", [])):
        if tool.get("strict"):
            yield from _schema(tool.get("input_schema"), f"tools.{place}.custom.input_schema")


def _schema(schema: Any, at: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        yield f"{at}: Input should be a valid dictionary"
        return
    for part in _parts(schema):
        if part.get("type") == "object" and part.get("additionalProperties") is not False:
            yield f"{at}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        refused = sorted(_NOT_IN_SCHEMAS & set(part))
        if refused:
            yield f"{at}: properties {', '.join(refused)} are not supported"


def _parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [*schema.get("anyOf", []), *schema.get("allOf", []), schema.get("items")]
    for part in inner:
        if isinstance(part, Mapping):
            yield from _parts(part)


def _sizes(wanted: int, size: int, model: Mapping[str, Any]) -> Iterator[str]:
    if wanted > model["max_tokens"]:
        yield (
            f"max_tokens: {wanted} > {model['max_tokens']}, which is the maximum "
            f"allowed number of output tokens for {model['id']}"
        )
    if size > model["max_input_tokens"]:
        yield f"prompt is too long: {size} tokens > {model['max_input_tokens']} maximum"
