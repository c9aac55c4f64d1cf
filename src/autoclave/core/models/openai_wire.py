"""Our requests in the words of chat completions, as far as a server understands them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...domain.canonical import JsonObject, canonical
from ...domain.errors import InvalidInput
from ...domain.model import ModelRequest
from .claude_wire import strict
from .openai_prices import is_openai

_BETWEEN = "\n\n"
_FAILED = "Error: "
_AS_JSON = "Answer with one JSON value that fits this JSON Schema, and with nothing else:\n"
_UNKNOWN = ("support", "unknown", "unrecognized", "extra inputs", "not permitted")
"""Words of a server that does not know a field, and not of one that finds its value wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one server understands of a request; learned from what it refuses."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The name of the most that may be written. Servers of one's own know the older one."""
    has_schemas: bool = True
    """It takes `response_format`; else the schema is put in words."""
    holds_schemas: bool = True
    """It makes sure that the answer fits, where the schema leaves nothing open."""
    tells_usage: bool = True
    effort: Literal["asked", "unsaid"] = "asked"
    effort_with_tools: Literal["asked", "unsaid", "none"] = "asked"
    """Some models call tools here only when they are told not to think."""
    tier: str = ""
    """The tier of service; empty says nothing of it."""

    def without(self, refusal: str, *, with_tools: bool) -> Dialect | None:
        """What to try after a refusal in these words; None when it is about something else."""
        said = refusal.lower()
        if self.has_schemas and ("response_format" in said or "json_schema" in said):
            return self._with_less_schema(said)
        if self.tells_usage and "stream_options" in said:
            return replace(self, tells_usage=False)
        if "reasoning_effort" in said or "does not support thinking" in said:
            return self._with_less_effort(said) if with_tools else self._unsaid()
        if self.limit in said and any(word in said for word in _UNKNOWN):
            is_old = self.limit == "max_tokens"
            return replace(self, limit="max_completion_tokens" if is_old else "max_tokens")
        return None

    def _with_less_schema(self, said: str) -> Dialect | None:
        if "invalid schema" not in said:
            return replace(self, has_schemas=False)
        return replace(self, holds_schemas=False) if self.holds_schemas else None

    def _with_less_effort(self, said: str) -> Dialect | None:
        if self.effort_with_tools == "none":
            return None
        none_at_once = self.effort_with_tools == "unsaid" or "set reasoning_effort to" in said
        return replace(self, effort_with_tools="none" if none_at_once else "unsaid")

    def _unsaid(self) -> Dialect | None:
        return replace(self, effort="unsaid") if self.effort == "asked" else None


def dialect_at(base_url: str) -> Dialect:
    """What a server is spoken to in at first."""
    if not is_openai(base_url):
        return Dialect()
    # A project there may have chosen another tier than the one whose prices we know.
    return Dialect(limit="max_completion_tokens", tier="default")


def params_of(request: ModelRequest, model: str, dialect: Dialect) -> JsonObject:
    """What `chat.completions.create` takes."""
    in_words = request.schema and not dialect.has_schemas
    ending = _AS_JSON + canonical(request.schema) if in_words else ""
    params: JsonObject = {
        "model": model,
        "messages": messages_of(request, ending=ending),
        dialect.limit: request.most_tokens,
        "stream": True,
    }
    if dialect.tells_usage:
        params["stream_options"] = {"include_usage": True}
    if request.tools:
        params["tools"] = [_tool(each) for each in request.tools]
    if dialect.tier:
        params["service_tier"] = dialect.tier
    if effort := _effort(request, dialect):
        params["reasoning_effort"] = effort
    if request.schema and dialect.has_schemas:
        params["response_format"] = _format(request.schema, dialect)
    return params


def messages_of(request: ModelRequest, *, ending: str = "") -> list[JsonObject]:
    """The whole conversation; `ending` and the notice are said last."""
    said: list[JsonObject] = []
    if request.system:
        said.append({"role": "system", "content": request.system})
    for message in request.messages:
        blocks = _blocks(message["content"])
        if message["role"] == "assistant":
            said += _of_assistant(blocks)
            continue
        said += [_result(each) for each in blocks if each["type"] == "tool_result"]
        _say(said, _BETWEEN.join(_texts(blocks, besides="tool_result")))
    _say(said, ending)
    _say(said, request.notice)
    return said


def can_be_held(schema: Any) -> bool:
    """Whether a server can hold an answer to the schema: there is nothing that may be anything."""
    if isinstance(schema, list):
        return all(map(can_be_held, schema))
    if not isinstance(schema, dict):
        return True
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    is_open = (
        not schema
        or schema.get("additionalProperties", False) is not False
        or ("object" in kinds and (kinds != ["object"] or "properties" not in schema))
        or ("array" in kinds and "items" not in schema)
    )
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [each for key in ("anyOf", "allOf", "oneOf") for each in schema.get(key, [])]
    inner += [schema["items"]] if "items" in schema else []
    return not is_open and all(map(can_be_held, inner))


def _format(schema: JsonObject, dialect: Dialect) -> JsonObject:
    """To close what is open would leave no room for what it is for, so it goes as it is."""
    is_held = dialect.holds_schemas and can_be_held(schema)
    sent = strict(schema) if is_held else schema
    named = {"name": "answer", "schema": sent, "strict": is_held}
    return {"type": "json_schema", "json_schema": named}


def _effort(request: ModelRequest, dialect: Dialect) -> str:
    manner = dialect.effort_with_tools if request.tools else dialect.effort
    return {"asked": request.effort, "unsaid": "", "none": "none"}[manner]


def _tool(tool: JsonObject) -> JsonObject:
    function = {
        "name": tool["name"],
        "description": tool.get("description", ""),
        "parameters": tool["input_schema"],
    }
    return {"type": "function", "function": function}


def _of_assistant(blocks: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """What a model thought is not sent back: these servers take it for something that was said."""
    text = _BETWEEN.join(_texts(blocks, besides="tool_use"))
    calls = [_call(each) for each in blocks if each["type"] == "tool_use"]
    if text or calls:
        message = {"role": "assistant", "content": text}
        yield message | ({"tool_calls": calls} if calls else {})


def _call(block: JsonObject) -> JsonObject:
    # No more bytes than in our own request, so that these still bound its tokens.
    given = json.dumps(block["input"], ensure_ascii=False, separators=(",", ":"))
    function = {"name": block["name"], "arguments": given}
    return {"id": block["id"], "type": "function", "function": function}


def _result(block: JsonObject) -> JsonObject:
    text = _BETWEEN.join(_texts(_blocks(block.get("content", "")), besides=""))
    text = _FAILED + text if block.get("is_error") else text
    return {"role": "tool", "tool_call_id": block["tool_use_id"], "content": text}


def _say(said: list[JsonObject], text: str) -> None:
    """Let the user say it: templates of many models want users and assistants to take turns."""
    if not text:
        return
    if said and said[-1]["role"] == "user":
        text = said.pop()["content"] + _BETWEEN + text
    said.append({"role": "user", "content": text})


def _texts(blocks: Sequence[JsonObject], *, besides: str) -> Iterator[str]:
    """The texts among the blocks. Raises InvalidInput for what chat has no words for."""
    for block in blocks:
        match block["type"]:
            case "text":
                if block["text"]:
                    yield block["text"]
            case "thinking" | "redacted_thinking":
                pass
            case kind if kind != besides:
                raise InvalidInput(
                    f"a block of the type {kind!r} can't be said in chat completions"
                )


def _blocks(content: Any) -> list[JsonObject]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
