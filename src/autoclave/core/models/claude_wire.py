"""Our requests and answers in the words of the Messages API, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput
from ...domain.model import ModelRequest, StopReason, Tokens

_KEEP: JsonObject = {"type": "ephemeral"}
_NO_ADDITIONS = "additionalProperties"


def params_of(request: ModelRequest, model: str) -> JsonObject:
    """What `messages.create` takes. At most four marks: instructions, opening, the last two turns.

    The marks are set here and not in the messages, so that these stay the same from call to call.
    """
    params: JsonObject = {
        "model": model,
        "max_tokens": request.most_tokens,
        "messages": _with_notice(_marked(request.messages), request.notice),
    }
    if request.system:
        params["system"] = [{"type": "text", "text": request.system, "cache_control": _KEEP}]
    if request.tools:
        params["tools"] = list(request.tools)
    config: JsonObject = {}
    if request.effort:
        config["effort"] = request.effort
    if request.schema:
        config["format"] = {"type": "json_schema", "schema": strict(request.schema)}
    return params | ({"output_config": config} if config else {})


def strict(schema: Any) -> Any:
    """The schema as structured output wants it: every object closed, every property required."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(each) for key, each in schema.items()}
    if schema.get("type") == "object":
        closed |= {_NO_ADDITIONS: False, "required": sorted(schema.get("properties", {}))}
    return closed


@dataclass
class Answering:
    """An answer while it arrives."""

    blocks: list[JsonObject] = field(default_factory=list)
    id: str = ""
    model: str = ""
    stop: str = ""
    refusal: str = ""
    cache_miss: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    has_ended: bool = False
    _texts: dict[int, list[str]] = field(default_factory=dict)
    """Pieces of the inputs of tool calls, by block."""

    def take(self, event: Mapping[str, Any]) -> str:
        """Take in one event; the text that it brings for people to see."""
        match event["type"]:
            case "message_start":
                self._begin(event["message"])
            case "content_block_start":
                self._open(event["index"], dict(event["content_block"]))
            case "content_block_delta":
                return self._add(event["index"], event["delta"])
            case "message_delta":
                self._close(event)
            case "message_stop":
                self.has_ended = True
        return ""

    @property
    def tokens(self) -> Tokens:
        used = self.usage
        return Tokens(
            input=used.get("input_tokens", 0),
            cache_read=used.get("cache_read_input_tokens", 0),
            cache_write=used.get("cache_creation_input_tokens", 0),
            output=used.get("output_tokens", 0),
            reasoning=used.get("thinking_tokens", 0),
        )

    def finished(self) -> tuple[JsonObject, ...]:
        """The blocks as they are sent back.

        A call whose input was cut off is left out; one that can't be read is told in words, so
        that the model hears of it: the answer is paid for either way.
        """
        kept = []
        for index, block in enumerate(self.blocks):
            if block["type"] == "tool_use":
                given = _input_of("".join(self._texts.get(index, ())), block)
                if given is None and self.stop == StopReason.MAX_TOKENS:
                    continue
                if given is None:
                    kept.append(_unreadable(block))
                    continue
                block = {"type": "tool_use", "id": block["id"], "name": block["name"]}
                block["input"] = given
            elif block["type"] == "text" and not block["text"].strip():
                continue  # an empty text may not be sent back
            kept.append(block)
        return tuple(kept)

    def _begin(self, message: Mapping[str, Any]) -> None:
        self.id, self.model = message["id"], message["model"]
        self._count(message["usage"])
        diagnostics = message.get("diagnostics") or {}
        reason = diagnostics.get("cache_miss_reason") or {}
        self.cache_miss = str(reason.get("type", ""))

    def _open(self, index: int, block: JsonObject) -> None:
        kept = {key: value for key, value in block.items() if value is not None}
        self.blocks.append(kept)
        if index != len(self.blocks) - 1:
            raise InvalidInput("the parts of the answer are out of order")

    def _add(self, index: int, delta: Mapping[str, Any]) -> str:
        block = self.blocks[index]
        match delta["type"]:
            case "text_delta":
                block["text"] = block.get("text", "") + delta["text"]
                return str(delta["text"])
            case "input_json_delta":
                self._texts.setdefault(index, []).append(delta["partial_json"])
            case "thinking_delta":
                block["thinking"] = block.get("thinking", "") + delta["thinking"]
            case "signature_delta":
                block["signature"] = block.get("signature", "") + delta["signature"]
        return ""

    def _close(self, event: Mapping[str, Any]) -> None:
        delta = event["delta"]
        self.stop = delta.get("stop_reason") or self.stop
        details = delta.get("stop_details") or {}
        self.refusal = str(details.get("category") or "")
        self._count(event.get("usage") or {})

    def _count(self, usage: Mapping[str, Any]) -> None:
        """The counts are of the whole call so far, so the last one of each is right."""
        self.usage |= {key: value for key, value in usage.items() if isinstance(value, int)}
        details = usage.get("output_tokens_details") or {}
        if isinstance(details.get("thinking_tokens"), int):
            self.usage["thinking_tokens"] = details["thinking_tokens"]


def _unreadable(block: Mapping[str, Any]) -> JsonObject:
    name = block.get("name", "a tool")
    return {"type": "text", "text": f"(the input of this call of {name} was not JSON)"}


def _marked(messages: tuple[JsonObject, ...]) -> list[JsonObject]:
    said = [{**each, "content": _blocks(each["content"])} for each in messages]
    mine = [index for index, each in enumerate(said) if each["role"] == "user"]
    for index in {*mine[:1], *mine[-2:]}:
        last = said[index]["content"][-1]
        said[index]["content"] = [*said[index]["content"][:-1], {**last, "cache_control": _KEEP}]
    return said


def _blocks(content: Any) -> list[JsonObject]:
    """Without what another model thought: only signed thoughts are taken back."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [each for each in content if each["type"] != "thinking" or each.get("signature")]


def _with_notice(messages: list[JsonObject], notice: str) -> list[JsonObject]:
    """Past the last mark, so that the next call does not miss it."""
    if not notice or not messages or messages[-1]["role"] != "user":
        return messages
    last = messages[-1]
    told = {"type": "text", "text": notice}
    return [*messages[:-1], {**last, "content": [*last["content"], told]}]


def _input_of(text: str, block: Mapping[str, Any]) -> JsonObject | None:
    """The input of a call; None when it is no whole JSON object."""
    if not text:
        given = block.get("input")
        return dict(given) if isinstance(given, dict) else {}
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
