"""The adapter for chat-completions servers, over HTTP with the real SDK."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.fakes_models import SCHEMA, TOOL, ask, assistant, openai_at, result_of, user
from tests.servers.chat import ChatServer
from tests.servers.seen import Seen
from tests.servers.turns import Expect, Fault, Reply, ToolCall, Turn

from autoclave.core.models.openai_compatible import OpenAICompatible
from autoclave.core.models.prices import price_of
from autoclave.domain.errors import (
    AutoclaveError,
    ConfigurationInvalid,
    CredentialMissing,
    InvalidInput,
    ModelUnavailable,
    TooLong,
)
from autoclave.domain.model import ModelEvent, Quota, StopReason, Tokens

pytestmark = pytest.mark.slow

Serve = Callable[..., Any]
Make = Callable[..., OpenAICompatible]
PRICED = "gpt-6-sol"
WITH_PRICED = {"models": [{"id": PRICED}]}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a chat-completions server with these turns, until the test is over."""
    with ExitStack() as stack:
        yield lambda *turns, **more: stack.enter_context(ChatServer(turns, **more))


@pytest.fixture
async def openai(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    """Our adapter, sent to a server; nobody waits between two tries."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    made: list[OpenAICompatible] = []

    async def sleep(seconds: float) -> None:
        return

    def make(server: ChatServer, **more: Any) -> OpenAICompatible:
        made.append(openai_at(server, **{"sleep": sleep, **more}))
        return made[-1]

    yield make
    for adapter in made:
        await adapter.aclose()


async def test_text_and_calls_come_whole(serve: Serve, openai: Make) -> None:
    """Whatever pieces they were sent in; people see them arrive."""
    given = {"path": "grün/ñ.txt", "deep": {"a": ["\\n", 1.5]}}
    call = ToolCall(name="read_file", input=given)
    reply = Reply(thinking="hm", text="I look. 🦊", tools=(call,))
    server = serve(Turn(expect=Expect(purpose="work", stream=True), reply=reply))
    heard: list[ModelEvent] = []

    answer = await openai(server).complete(ask(tools=(TOOL,)), hear=heard.append)

    assert answer.stop is StopReason.TOOL_USE
    assert answer.text == "I look. 🦊" == "".join(e.text for e in heard if e.kind == "text")
    assert [block["type"] for block in answer.blocks] == ["thinking", "text", "tool_use"]
    assert answer.tool_calls[0]["input"] == given
    assert (answer.model, answer.usd, answer.is_reckoned) == ("qwen3-coder", 0.0, False)
    assert answer.request_id.startswith("req_")
    server.check()


async def test_results_of_several_calls_go_back_in_order(serve: Serve, openai: Make) -> None:
    """What was thought stays here; the notice comes last."""
    calls = (ToolCall(name="read_file", id="same"), ToolCall(name="read_file", id="same"))
    server = serve(Turn(reply=Reply(thinking="hm", tools=calls)), Turn(reply=Reply(text="done")))
    model = openai(server)
    first = await model.complete(ask(tools=(TOOL,)))
    one, two = first.tool_calls

    second = await model.complete(
        ask(
            user("hello"),
            {"role": "assistant", "content": list(first.blocks)},
            user("well?", result_of(one, "1"), result_of(two, "2", is_error=True)),
            tools=(TOOL,),
            notice="[70% of the budget is used up]",
        )
    )

    assert second.text == "done"
    said = server.bodies[1]["messages"]
    assert [each["role"] for each in said] == ["user", "assistant", "tool", "tool", "user"]
    assert [each["content"] for each in said[2:4]] == ["1", "Error: 2"]
    assert said[4]["content"] == "well?\n\n[70% of the budget is used up]"
    assert "hm" not in str(said)
    server.check()


async def test_an_answer_to_a_schema_is_its_text(serve: Serve, openai: Make) -> None:
    """The server makes sure that it fits."""
    server = serve(Turn(expect=Expect(schema=SCHEMA), reply=Reply(structured={"n": 1})))

    answer = await openai(server).complete(ask(schema=SCHEMA))

    assert answer.text == '{"n": 1}'
    assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True
    server.check()


async def test_a_server_that_knows_no_schemas_is_told_in_words(serve: Serve, openai: Make) -> None:
    """Once it has refused one it is not asked again."""
    server = serve(
        Turn(fault=Fault(status=400, message="'response_format.type' must be 'text'")),
        Turn(
            expect=Expect(schema=False, user_contains="JSON Schema"),
            reply=Reply(text='```json\n{"n": 1}\n```'),
            repeat=2,
        ),
    )
    model = openai(server)

    answers = [await model.complete(ask(schema=SCHEMA)) for _ in range(2)]

    assert [answer.text for answer in answers] == ['{"n": 1}'] * 2
    assert len(server.requests) == 3
    server.check()


async def test_a_model_that_must_not_think_with_tools_does_not(serve: Serve, openai: Make) -> None:
    """The newest models of OpenAI call tools here only so."""
    message = "Function tools with reasoning_effort are not supported for this model"
    server = serve(
        Turn(fault=Fault(status=400, message=message), repeat=2),
        Turn(expect=Expect(body={"reasoning_effort": "none"}), reply=Reply(text="ok")),
    )

    answer = await openai(server).complete(ask(tools=(TOOL,), effort="high"))

    assert answer.text == "ok"
    assert [body.get("reasoning_effort") for body in server.bodies] == ["high", None, "none"]
    server.check()


async def test_what_a_server_goes_on_refusing_is_told(serve: Serve, openai: Make) -> None:
    """It is not asked for ever, and nothing wrong is remembered."""
    message = "max_tokens, max_completion_tokens: unsupported parameter"
    server = serve(
        Turn(fault=Fault(status=400, message=message), repeat=2),
        Turn(expect=Expect(body={"max_tokens": 4096}), reply=Reply(text="ok")),
    )
    model = openai(server)

    with pytest.raises(InvalidInput, match="unsupported"):
        await model.complete(ask())

    assert (await model.complete(ask())).text == "ok"
    server.check()


async def test_usage_is_priced_with_the_cache_apart(serve: Serve, openai: Make) -> None:
    """At the table's prices, also when it is served on this machine."""
    usage = {
        "input_tokens": 1_000,
        "cache_read_input_tokens": 5_000,
        "cache_creation_input_tokens": 2_000,
        "output_tokens": 300,
        "thinking_tokens": 200,
    }
    server = serve(Turn(reply=Reply(text="hi", usage=usage)))
    model = openai(server, model=PRICED)
    long = ask(user("word " * 4_000))

    answer = await model.complete(long)

    assert answer.tokens == Tokens(
        input=1_000, cache_read=5_000, cache_write=2_000, output=300, reasoning=200
    )
    usd = (1_000 * 2 + 5_000 * 0.2 + 2_000 * 2.5 + 300 * 10) / 1e6
    assert answer.usd == pytest.approx(usd)
    assert usd <= model.price(long)


@pytest.mark.parametrize("name", ["qwen3-coder", PRICED])
async def test_missing_usage_is_reckoned_and_marked(serve: Serve, openai: Make, name: str) -> None:
    """Never too little: where it costs money, the most that it can have cost."""
    usage = {"input_tokens": 0, "output_tokens": 0}
    server = serve(Turn(reply=Reply(text="hello you", usage=usage)))
    model = openai(server, model=name)
    asked = ask(most_tokens=100)

    answer = await model.complete(asked)

    assert answer.is_reckoned
    assert answer.tokens.input > len("hello")
    assert answer.tokens.output == (9 if name == "qwen3-coder" else 100)
    assert answer.usd == model.price(asked)


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("end_turn", StopReason.END_TURN),
        ("max_tokens", StopReason.MAX_TOKENS),
        ("refusal", StopReason.REFUSAL),
        ("tool_use", StopReason.END_TURN),
    ],
)
async def test_why_it_stopped_is_an_answer(
    serve: Serve, openai: Make, finish: Any, stop: StopReason
) -> None:
    """None of them raises."""
    server = serve(Turn(reply=Reply(text="so far", stop_reason=finish)))

    assert (await openai(server).complete(ask())).stop is stop


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
async def test_faults_that_pass_are_tried_again(serve: Serve, openai: Make, status: int) -> None:
    """With the wait that the server wants."""
    waits: list[float] = []
    server = serve(
        Turn(fault=Fault(status=status, retry_after=7)),
        Turn(fault=Fault(status=status, headers={"retry-after-ms": "9500"})),
        Turn(reply=Reply(text="hello")),
    )

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    answer = await openai(server, sleep=sleep, lot=lambda: 0.5).complete(ask())

    assert answer.text == "hello"
    assert waits == [7.0, 9.5]


async def test_a_wait_of_hours_is_not_slept_through(serve: Serve, openai: Make) -> None:
    """The run is set aside instead."""
    server = serve(Turn(fault=Fault(status=429, retry_after=7200)))

    with pytest.raises(ModelUnavailable) as raised:
        await openai(server).complete(ask())

    assert raised.value.retry_after == 7200
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "error", "hint"),
    [
        ({"status": 400}, InvalidInput, ""),
        ({"status": 422}, InvalidInput, ""),
        ({"status": 401}, CredentialMissing, "OPENAI_API_KEY"),
        ({"status": 402}, CredentialMissing, "credit"),
        ({"status": 429, "error_code": "insufficient_quota"}, CredentialMissing, "credit"),
        ({"status": 403}, CredentialMissing, "another"),
        ({"status": 404}, ConfigurationInvalid, "--model-name"),
        ({"status": 307, "headers": {"location": "/v2"}}, ConfigurationInvalid, "BASE_URL"),
        ({"status": 413}, TooLong, ""),
        ({"status": 400, "error_code": "context_length_exceeded"}, TooLong, ""),
        ({"status": 400, "message": "the model's context length is only 1024"}, TooLong, ""),
        ({"status": 400, "message": "exceeds the available context size"}, TooLong, ""),
        ({"status": 400, "message": "max_tokens must be at least 1, got -186."}, TooLong, ""),
        ({"status": 429, "message": "Request too large for m: Limit 1, Requested 2"}, TooLong, ""),
    ],
)
async def test_what_does_not_pass_names_the_remedy(
    serve: Serve, openai: Make, fault: dict[str, Any], error: type[AutoclaveError], hint: str
) -> None:
    """Asked once and no more; nothing of the server can touch a terminal."""
    server = serve(Turn(fault=Fault(**{"message": "no \x1b[31mway", **fault})))

    with pytest.raises(error) as raised:
        await openai(server).complete(ask())

    assert hint in raised.value.hint
    assert "\x1b" not in raised.value.message
    assert len(server.requests) == 1


BROKEN = [
    {"cut_after_events": 3},
    {"cut_after_bytes": 700},
    {"ends_early_after_events": 4},
    {"error_after_events": 3, "type": "server_error"},
]


@pytest.mark.parametrize("fault", BROKEN)
async def test_an_answer_that_is_cut_off_may_have_cost_all(
    serve: Serve, openai: Make, fault: dict[str, Any]
) -> None:
    """What it cost is only said at the end; whoever holds the budget decides to ask again."""
    server = serve(Turn(fault=Fault(**fault), reply=Reply(text="a long answer " * 20)))
    model = openai(server, model=PRICED)

    with pytest.raises(ModelUnavailable) as raised:
        await model.complete(ask())

    assert raised.value.usd == model.price(ask())
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", BROKEN)
async def test_what_costs_nothing_is_asked_again(
    serve: Serve, openai: Make, fault: dict[str, Any]
) -> None:
    """A server of one's own."""
    server = serve(
        Turn(fault=Fault(**fault), reply=Reply(text="a long answer " * 20)),
        Turn(reply=Reply(text="whole")),
    )

    assert (await openai(server).complete(ask())).text == "whole"


@pytest.mark.parametrize(
    "fault",
    [{"reset": True}, {"empty_body": True}, {"wrong_json": True}, {"content_type": "text/html"}],
)
async def test_whatever_else_comes_is_no_answer(
    serve: Serve, openai: Make, fault: dict[str, Any]
) -> None:
    """A broken connection, nothing at all, half a JSON, a page: asked again, then given up."""
    server = serve(Turn(fault=Fault(**fault), repeat=5))

    with pytest.raises(ModelUnavailable):
        await openai(server).complete(ask())

    assert len(server.requests) == 5


async def test_an_error_within_a_stream_keeps_its_status(serve: Serve, openai: Make) -> None:
    """Servers that stream first and look at the length afterwards."""
    fault = Fault(error_after_events=1, error_code="400", message="prompt is too long")
    server = serve(Turn(fault=fault))

    with pytest.raises(TooLong):
        await openai(server).complete(ask())


async def test_the_quota_is_read(serve: Serve, openai: Make) -> None:
    """From the headers of the last answer."""
    headers = {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "6m0s"}
    model = openai(serve(Turn(reply=Reply(text="hi", headers=headers))), clock=lambda: 1000.0)
    assert model.quota() == Quota()

    await model.complete(ask())

    assert model.quota() == Quota(requests_left=9, resets_at=1360.0)


async def test_the_model_can_be_looked_up(serve: Serve, openai: Make) -> None:
    """One that is not there is a setting to mend."""
    server = serve()

    assert (await openai(server).look())["model"] == "qwen3-coder"
    with pytest.raises(ConfigurationInvalid, match="nobody"):
        await openai(server, model="nobody/here").look()


async def test_the_key_goes_along_and_is_no_must_here(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, openai: Make
) -> None:
    """Elsewhere it is, and the error says how to do without."""
    server = serve(Turn(repeat=2), key="sk-right")
    price = price_of(PRICED)
    assert price is not None

    with pytest.raises(CredentialMissing):
        await openai(server).complete(ask())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-right")
    assert (await openai(server).complete(ask())).text == "ok"
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(CredentialMissing) as raised:
        await OpenAICompatible(price, model=PRICED).complete(ask())

    assert "offline" in raised.value.hint


async def test_the_switch_makes_a_real_call_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the SDK is imported."""
    monkeypatch.setenv("AUTOCLAVE_NO_MODEL_CALLS", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "loopback")
    price = price_of(PRICED)
    assert price is not None

    with pytest.raises(ConfigurationInvalid, match="AUTOCLAVE_NO_MODEL_CALLS"):
        await OpenAICompatible(price, model=PRICED).complete(ask())


async def test_without_the_sdk_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, openai: Make
) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "openai", None)

    with pytest.raises(ConfigurationInvalid) as raised:
        await openai(serve()).complete(ask())

    assert "autoclave[openai]" in raised.value.hint


async def test_nothing_goes_elsewhere(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, openai: Make
) -> None:
    """Not to a proxy, not where a redirect points to."""
    elsewhere = serve()
    moved = Fault(status=308, headers={"location": f"{elsewhere.base_url}/chat/completions"})
    server = serve(Turn(), Turn(fault=moved))
    monkeypatch.setenv("HTTP_PROXY", elsewhere.base_url.removesuffix("/v1"))
    model = openai(server)

    assert (await model.complete(ask())).text == "ok"
    with pytest.raises(ConfigurationInvalid):
        await model.complete(ask())

    assert len(elsewhere.requests) == 0


async def test_a_talk_of_many_turns_is_one_the_server_accepts(serve: Serve, openai: Make) -> None:
    """It refuses a call without its result and a result without its call."""

    def reply(seen: Seen) -> Reply:
        return Reply(
            text="on", tools=(ToolCall(name="read_file", input={"path": str(seen.number)}),)
        )

    server = serve(Turn(reply=reply, repeat=4))
    model, said = openai(server), [user("begin")]

    for _ in range(4):
        answer = await model.complete(ask(*said, tools=(TOOL,)))
        said += [assistant(*answer.blocks), user(result_of(answer.tool_calls[0], "text"))]

    assert len({block["id"] for each in said[1::2] for block in each["content"][1:]}) == 4
    server.check()
