"""Language models on this machine for tests: what each of them is asked and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.servers.chat import ChatServer
from tests.servers.turns import Reply

from autoclave.core.models.openai_compatible import OpenAICompatible
from autoclave.core.models.openai_prices import price_at
from autoclave.domain.canonical import JsonObject, canonical
from autoclave.domain.model import ModelAnswer, ModelRequest, StopReason, Tokens

TOOL: JsonObject = {
    "name": "read_file",
    "description": "Reads a file.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}
SCHEMA: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}}


def ask(*messages: JsonObject, **more: Any) -> ModelRequest:
    """A request as a run makes it."""
    said = messages or ({"role": "user", "content": "hello"},)
    return ModelRequest(purpose="work", messages=said, key="G-0001-3", **more)


def user(*content: JsonObject | str) -> JsonObject:
    return {"role": "user", "content": _blocks(content)}


def assistant(*content: JsonObject | str) -> JsonObject:
    return {"role": "assistant", "content": _blocks(content)}


def result_of(call: JsonObject, text: str, **more: Any) -> JsonObject:
    return {"type": "tool_result", "tool_use_id": call["id"], "content": text, **more}


def openai_at(server: ChatServer, *, model: str = "qwen3-coder", **more: Any) -> OpenAICompatible:
    """Our adapter, sent to a server."""
    price = more.pop("price", None) or price_at(model, server.base_url)
    return OpenAICompatible(price, model=model, base_url=server.base_url, **more)


def answer_of(reply: Reply, *, usd: float = 0.01) -> ModelAnswer:
    """What a scripted model says where a server would give this reply."""
    text = canonical(reply.structured) if reply.structured is not None else reply.text
    blocks = [{"type": "text", "text": text}] if text else []
    calls = [
        {"type": "tool_use", "id": f"call-{n}", "name": call.name, "input": call.input}
        for n, call in enumerate(reply.tools)
    ]
    stop = StopReason(reply.stop_reason) if reply.stop_reason else _stop_of(reply)
    return ModelAnswer(
        blocks=(*blocks, *calls),
        stop=stop,
        tokens=Tokens(input=10, output=5),
        usd=usd,
        refusal=reply.refusal or "",
    )


def _stop_of(reply: Reply) -> StopReason:
    if reply.refusal is not None:
        return StopReason.REFUSAL
    return StopReason.TOOL_USE if reply.tools else StopReason.END_TURN


def _blocks(content: Sequence[JsonObject | str]) -> list[JsonObject]:
    return [{"type": "text", "text": each} if isinstance(each, str) else each for each in content]
