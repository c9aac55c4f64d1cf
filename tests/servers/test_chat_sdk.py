"""The real OpenAI SDK talks to the chat server, and reads what the script says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.servers.chat import ChatServer
from tests.servers.turns import Expect, Fault, Reply, ToolCall, Turn

pytestmark = pytest.mark.slow

Serve = Callable[..., ChatServer]
Client = Callable[..., Awaitable[Any]]
SAID = 'é"\n\\ 😀 \u2028'
ASK: dict[str, Any] = {
    "model": "qwen3-coder",
    "messages": [{"role": "system", "content": "rules"}, {"role": "user", "content": "hi"}],
}


async def test_a_stream_of_text_and_calls_can_be_put_together(
    serve_chat: Serve, openai_client: Client
) -> None:
    """The deltas of each call by its index, the usage in a last chunk without choices."""
    call = ToolCall(name="f", input={"x": SAID}, id="call_x")
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 4}
    server = serve_chat(
        Turn(
            expect=Expect(system_contains="rules", user_contains="hi"),
            reply=Reply(text=SAID, tools=(call,), usage=usage),
        )
    )
    client = await openai_client(server)

    stream = await client.chat.completions.create(
        **ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    calls = [piece for delta in deltas for piece in delta.tool_calls or []]

    assert "".join(delta.content or "" for delta in deltas) == SAID
    assert (calls[0].id, calls[0].function.name) == ("call_x", "f")
    assert json.loads("".join(piece.function.arguments for piece in calls)) == {"x": SAID}
    assert chunks[-2].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.prompt_tokens == 15
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 5
    server.check()


async def test_a_schema_goes_in_and_json_comes_out(
    serve_chat: Serve, openai_client: Client
) -> None:
    """`response_format` is what the script can expect as a schema."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    server = serve_chat(Turn(expect=Expect(schema=schema), reply=Reply(structured={"n": 1})))
    client = await openai_client(server)

    answer = await client.chat.completions.create(
        **ASK,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    )

    assert json.loads(answer.choices[0].message.content) == {"n": 1}
    assert answer.usage.total_tokens > 0
    server.check()


async def test_a_tool_loop_follows_the_script(serve_chat: Serve, openai_client: Client) -> None:
    """The result of the call is what the next turn expects."""
    server = serve_chat(
        Turn(reply=Reply(tools=(ToolCall(name="add", id="call_x"),))),
        Turn(
            expect=Expect(tool_result={"id": "call_x", "contains": "42"}, tools=("add",)),
            reply=Reply(text="it is {{last_tool_result}}"),
        ),
    )
    client = await openai_client(server)
    tools = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
    first = await client.chat.completions.create(**ASK, tools=tools)
    said = first.choices[0].message.model_dump(exclude_none=True)
    result = {"role": "tool", "tool_call_id": "call_x", "content": "42"}

    second = await client.chat.completions.create(
        model=ASK["model"], messages=[*ASK["messages"], said, result], tools=tools
    )

    assert second.choices[0].message.content == "it is 42"
    server.check()


async def test_a_call_without_its_result_is_refused(
    serve_chat: Serve, openai_client: Client
) -> None:
    """Calls and results stay together here as well."""
    import openai

    client = await openai_client(serve_chat(Turn()))
    call = {"id": "call_x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "user", "content": "and?"},
    ]

    with pytest.raises(openai.BadRequestError, match="call_x"):
        await client.chat.completions.create(model="m", messages=messages)


@pytest.mark.parametrize(
    ("reply", "finish"),
    [
        (Reply(text="a"), "stop"),
        (Reply(text="a", stop_reason="max_tokens"), "length"),
        (Reply(refusal="cyber"), "content_filter"),
        (Reply(tools=(ToolCall(name="f"),)), "tool_calls"),
    ],
)
async def test_every_finish_reason_arrives(
    serve_chat: Serve, openai_client: Client, reply: Reply, finish: str
) -> None:
    """Stop, length, filter, calls."""
    client = await openai_client(serve_chat(Turn(reply=reply)))

    answer = await client.chat.completions.create(**ASK)

    assert answer.choices[0].finish_reason == finish


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, "BadRequestError", None),
        (401, "AuthenticationError", "invalid_api_key"),
        (402, "APIStatusError", "insufficient_quota"),
        (403, "PermissionDeniedError", None),
        (404, "NotFoundError", "model_not_found"),
        (409, "ConflictError", None),
        (422, "UnprocessableEntityError", None),
        (429, "RateLimitError", "rate_limit_exceeded"),
        (500, "InternalServerError", None),
        (503, "InternalServerError", None),
    ],
)
async def test_every_status_is_its_error(
    serve_chat: Serve, openai_client: Client, status: int, error: str, code: str | None
) -> None:
    """With the code of the body and the request id of the header."""
    import openai

    fault = Fault(status=status, message="so it goes", retry_after=7200)
    client = await openai_client(serve_chat(Turn(fault=fault)))

    with pytest.raises(getattr(openai, error)) as caught:
        await client.chat.completions.create(**ASK)

    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id == "req_000000000001"
    assert caught.value.response.headers["retry-after"] == "7200"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(cut_after_events=2), "APIConnectionError"),
        (Fault(error_after_events=2, message="overloaded"), "APIError"),
        (Fault(reset=True), "APIConnectionError"),
    ],
)
async def test_a_stream_breaks_in_the_sdks_own_errors(
    serve_chat: Serve, openai_client: Client, fault: Fault, error: str
) -> None:
    """Cut, told in mid-stream, reset."""
    import openai

    client = await openai_client(serve_chat(Turn(fault=fault)))

    with pytest.raises(openai.APIError) as caught:
        [chunk async for chunk in await client.chat.completions.create(**ASK, stream=True)]

    assert type(caught.value).__name__ == error


async def test_models_are_listed_and_an_unknown_one_is_not_found(
    serve_chat: Serve, openai_client: Client
) -> None:
    """What `doctor` asks of a server."""
    import openai

    client = await openai_client(serve_chat())

    listed = [model.id async for model in client.models.list()]

    assert "qwen3-coder" in listed
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nobody")
