"""The real SDK talks to the Messages server, and reads what the script says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest
from tests.servers.messages import MessagesServer
from tests.servers.script import Script
from tests.servers.turns import Expect, Reply, StopReason, ToolCall, Turn

pytestmark = pytest.mark.slow

Serve = Callable[..., MessagesServer]
Claude = Callable[..., Awaitable[Any]]
MODEL = "claude-opus-5-5"
SAID = 'é"\n\\ 😀 \u2028 \u00e9\u00e9'
LONG = "word " * 1000


def ask(text: str = "hi", **more: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": text}],
        **more,
    }


async def test_the_stream_helper_puts_everything_together(serve: Serve, claude: Claude) -> None:
    """Thinking, text and call arrive whole, with the usage of the end."""
    call = ToolCall(name="f", input={"x": SAID, "deep": [1, {"y": None}]})
    usage = {"cache_read_input_tokens": 7, "thinking_tokens": 3, "output_tokens": 50}
    server = serve(Turn(reply=Reply(thinking=SAID, text=SAID, tools=(call,), usage=usage)))
    client = await claude(server)

    async with client.messages.stream(**ask()) as stream:
        message = await stream.get_final_message()

    thinking, text, tool = message.content
    assert (thinking.thinking, text.text, tool.input) == (SAID, SAID, call.input)
    assert thinking.signature
    assert message.stop_reason == "tool_use"
    assert message.usage.cache_read_input_tokens == 7
    assert message.usage.output_tokens == 50
    assert message.usage.output_tokens_details.thinking_tokens == 3
    assert stream.request_id == "req_000000000001"


async def test_raw_events_carry_usage_at_both_ends(serve: Serve, claude: Claude) -> None:
    """`create(stream=True)` gives each event but the pings."""
    client = await claude(serve(Turn(reply=Reply(text="hello"))))

    stream = await client.messages.create(**ask(), stream=True)
    events = [event async for event in stream]

    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0].message.usage.input_tokens == events[4].usage.input_tokens > 0
    assert events[4].usage.output_tokens > 1


async def test_an_unfinished_argument_text_is_delivered_as_it_is(
    serve: Serve, claude: Claude
) -> None:
    """Malformed JSON of a call can only be seen in the raw deltas."""
    call = ToolCall(name="f", input_text='{"path": "a')
    client = await claude(serve(Turn(reply=Reply(tools=(call,)))))

    stream = await client.messages.create(**ask(), stream=True)
    deltas = [event.delta.partial_json async for event in stream if "block_delta" in event.type]

    assert "".join(deltas) == '{"path": "a'


@pytest.mark.parametrize("reason", get_args(StopReason))
@pytest.mark.parametrize("streamed", [True, False])
async def test_every_stop_reason_arrives(
    serve: Serve, claude: Claude, reason: Any, streamed: bool
) -> None:
    """All seven, in a stream and whole."""
    client = await claude(serve(Turn(reply=Reply(text="x", stop_reason=reason))))

    if streamed:
        async with client.messages.stream(**ask()) as stream:
            message = await stream.get_final_message()
    else:
        message = await client.messages.create(**ask())

    assert message.stop_reason == reason


async def test_a_refusal_has_its_category(serve: Serve, claude: Claude) -> None:
    """It is an answer with details, not an error."""
    client = await claude(serve(Turn(reply=Reply(refusal="frontier_llm"))))

    message = await client.messages.create(**ask())

    assert message.stop_reason == "refusal"
    assert message.stop_details.category == "frontier_llm"


async def test_structured_output_is_json_text(serve: Serve, claude: Claude) -> None:
    """The schema travels in `output_config.format`, the value comes back as text."""
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "additionalProperties": False,
    }
    server = serve(Turn(expect=Expect(schema=schema), reply=Reply(structured={"n": 1})))
    client = await claude(server)

    message = await client.messages.create(
        **ask(output_config={"format": {"type": "json_schema", "schema": schema}})
    )

    assert json.loads(message.content[0].text) == {"n": 1}
    server.check()


async def test_a_tool_loop_follows_the_script(serve: Serve, claude: Claude) -> None:
    """The second turn wants the result of the call that the first one made."""
    server = serve(
        Turn(reply=Reply(tools=(ToolCall(name="add", input={"a": 1}, id="toolu_x"),))),
        Turn(
            expect=Expect(tool_result={"id": "toolu_x", "contains": "42"}, tools=("add",)),
            reply=Reply(text="it is {{last_tool_result}} by {{last_tool_use_id}}"),
        ),
    )
    client = await claude(server)
    tools = [{"name": "add", "input_schema": {"type": "object"}}]
    first = await client.messages.create(**ask(tools=tools))
    messages = [
        {"role": "user", "content": "hi"},
        first.to_param(),
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_x", "content": "42"}],
        },
    ]

    second = await client.messages.create(
        model=MODEL, max_tokens=100, messages=messages, tools=tools
    )

    assert second.content[0].text == "it is 42 by toolu_x"
    server.check()


async def test_the_cache_is_billed_from_what_was_really_sent(serve: Serve, claude: Claude) -> None:
    """Written once, read after, and the reason when it missed."""
    client = await claude(serve(Turn(repeat=3)))
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    counted = await client.messages.count_tokens(model=MODEL, messages=ask()["messages"])

    first = await client.messages.create(**ask(system=system, diagnostics={}))
    second = await client.messages.create(
        **ask(system=system, diagnostics={"previous_message_id": first.id})
    )
    system[0]["text"] = f"changed {LONG}"
    third = await client.messages.create(
        **ask(system=system, diagnostics={"previous_message_id": second.id})
    )

    assert first.usage.cache_creation.ephemeral_1h_input_tokens > 1024
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens
    assert second.usage.input_tokens == counted.input_tokens
    assert second.diagnostics is None
    assert third.usage.cache_read_input_tokens == 0
    assert third.diagnostics.cache_miss_reason.type == "system_changed"


async def test_max_tokens_of_zero_fills_the_cache_and_uses_no_turn(
    serve: Serve, claude: Claude
) -> None:
    """A call that only warms asks the model nothing."""
    server = serve(Turn())
    client = await claude(server)
    marked = {"cache_control": {"type": "ephemeral"}}

    warm = await client.messages.create(**ask(LONG, **marked) | {"max_tokens": 0})
    real = await client.messages.create(**ask(LONG, **marked))

    assert (warm.content, warm.usage.output_tokens) == ([], 0)
    assert real.usage.cache_read_input_tokens == warm.usage.cache_creation_input_tokens > 0
    server.check()


async def test_models_say_their_stage_and_their_end(serve: Serve, claude: Claude) -> None:
    """Retired ones are listed only when asked for, and answer nobody."""
    import anthropic

    client = await claude(serve(Turn()))

    listed = [model.id async for model in client.models.list(limit=3)]
    retired = [m.lifecycle async for m in client.models.list(lifecycle=["retired"])]
    ending = await client.models.retrieve("claude-sonnet-4-5")

    assert "claude-opus-5-5" in listed
    assert "claude-opus-4-0" not in listed
    assert set(retired) == {"retired"}
    assert (ending.lifecycle, ending.retires_at.year) == ("deprecated", 2026)
    assert ending.max_input_tokens == 200_000
    assert ending.capabilities.structured_outputs.supported
    with pytest.raises(anthropic.NotFoundError):
        await client.messages.create(**ask() | {"model": "claude-unheard-of"})


async def test_sixty_four_slow_calls_run_side_by_side(claude: Claude) -> None:
    """None waits for another: all have come before the first is answered."""
    turns = Script([Turn(reply=Reply(text="late", delay_seconds=2), repeat=64)])
    with MessagesServer(turns) as server:
        client = await claude(server)
        calls = [asyncio.create_task(client.messages.create(**ask())) for _ in range(64)]

        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        asked_by_then = len(server.requests)
        messages = await asyncio.gather(*calls)

    assert asked_by_then == 64
    assert {message.content[0].text for message in messages} == {"late"}
