"""The adapter for Claude, over HTTP with the real SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.servers.turns import Fault, Reply, ToolCall, Turn

from autoclave.core.models.claude import Claude
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import (
    AutoclaveError,
    ConfigurationInvalid,
    CredentialMissing,
    InvalidInput,
    ModelUnavailable,
    TooLong,
)
from autoclave.domain.model import ModelEvent, ModelRequest, StopReason

pytestmark = pytest.mark.slow

Serve = Callable[..., Any]
MakeClaude = Callable[..., Claude]

TOOL: JsonObject = {
    "name": "read_file",
    "description": "Reads a file.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}


def request(*messages: JsonObject, **more: Any) -> ModelRequest:
    said = messages or ({"role": "user", "content": "hello"},)
    return ModelRequest(purpose="work", messages=said, key="G-0001-3", **more)


async def test_text_and_calls_come_whole_with_their_price(serve: Serve, claude: MakeClaude) -> None:
    """Whatever pieces they were sent in."""
    given = {"path": "grün/ñ.txt", "deep": {"a": ["\\n", 1.5]}}
    calls = (ToolCall(name="read_file", input=given),)
    server = serve(Turn(reply=Reply(text="I look. äöü 🦊", tools=calls)))
    heard: list[ModelEvent] = []

    answer = await claude(server).complete(request(tools=(TOOL,)), hear=heard.append)

    assert answer.stop is StopReason.TOOL_USE
    assert answer.text == "I look. äöü 🦊" == "".join(each.text for each in heard)
    [call] = answer.tool_calls
    assert call["input"] == given
    assert answer.request_id
    usd = (
        answer.tokens.input * 4 + answer.tokens.cache_write * 5 + answer.tokens.output * 20
    ) / 1e6
    assert answer.usd == pytest.approx(usd)


async def test_what_was_said_goes_back_and_is_read_from_the_cache(
    serve: Serve, claude: MakeClaude
) -> None:
    """Two calls of one run: the second reads what the first one kept, thinking goes back whole."""
    long = "All work and no play. " * 400
    server = serve(
        Turn(reply=Reply(thinking="hm", tools=(ToolCall(name="read_file", input={"path": "a"}),))),
        Turn(reply=Reply(text="done")),
    )
    model = claude(server)
    first = await model.complete(
        request({"role": "user", "content": long}, system="be good", tools=(TOOL,))
    )
    result = {"type": "tool_result", "tool_use_id": first.tool_calls[0]["id"], "content": "text"}

    second = await model.complete(
        request(
            {"role": "user", "content": long},
            {"role": "assistant", "content": list(first.blocks)},
            {"role": "user", "content": [result]},
            system="be good",
            tools=(TOOL,),
            notice="[70% of the budget is used up]",
        )
    )

    assert first.tokens.cache_write > 1_000
    assert second.tokens.cache_read >= first.tokens.cache_write
    assert second.text == "done"
    said = server.bodies[1]["messages"]
    assert said[1]["content"][0]["type"] == "thinking"
    assert said[2]["content"][-1] == {"type": "text", "text": "[70% of the budget is used up]"}
    server.check()


async def test_an_answer_to_a_schema_is_its_text(serve: Serve, claude: MakeClaude) -> None:
    """We parse it ourselves, so that usage and stop reason are never lost."""
    schema = {"type": "object", "properties": {"steps": {"type": "array", "items": {}}}}
    server = serve(Turn(reply=Reply(structured={"steps": []})))

    answer = await claude(server).complete(request(schema=schema))

    assert answer.text == '{"steps": []}'
    sent = server.bodies[0]["output_config"]["format"]["schema"]
    assert sent["additionalProperties"] is False


@pytest.mark.parametrize("stop", list(StopReason))
async def test_every_stop_reason_is_an_answer(
    serve: Serve, claude: MakeClaude, stop: StopReason
) -> None:
    """None of them raises; what they mean is for the mind."""
    server = serve(Turn(reply=Reply(text="so far", stop_reason=stop.value)))

    answer = await claude(server).complete(request())

    assert answer.stop is stop


async def test_a_refusal_says_of_which_kind(serve: Serve, claude: MakeClaude) -> None:
    """So that people can see why."""
    server = serve(Turn(reply=Reply(text="", refusal="frontier_llm")))

    answer = await claude(server).complete(request())

    assert (answer.stop, answer.refusal) == (StopReason.REFUSAL, "frontier_llm")
    assert answer.blocks == ()


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
async def test_faults_that_pass_are_tried_again(
    serve: Serve, claude: MakeClaude, status: int
) -> None:
    """With the wait that the server wants, in its own time."""
    waits: list[float] = []
    server = serve(
        Turn(fault=Fault(status=status, retry_after=7), repeat=2), Turn(reply=Reply(text="hello"))
    )

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    answer = await claude(server, sleep=sleep, lot=lambda: 0.5).complete(request())

    assert answer.text == "hello"
    assert waits == [7.0, 7.0]


async def test_a_wait_of_hours_is_not_slept_through(serve: Serve, claude: MakeClaude) -> None:
    """The run is set aside instead, and comes back by itself."""
    server = serve(Turn(fault=Fault(status=429, retry_after=7200)))

    with pytest.raises(ModelUnavailable) as raised:
        await claude(server).complete(request())

    assert raised.value.retry_after == 7200
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (400, InvalidInput, ""),
        (401, CredentialMissing, "ANTHROPIC_API_KEY"),
        (402, CredentialMissing, "credit"),
        (403, CredentialMissing, "another"),
        (404, ConfigurationInvalid, "--model-name"),
        (413, TooLong, ""),
    ],
)
async def test_what_does_not_pass_names_the_remedy(
    serve: Serve, claude: MakeClaude, status: int, error: type[AutoclaveError], hint: str
) -> None:
    """Asked once and no more."""
    server = serve(Turn(fault=Fault(status=status, message="no \x1b[31mway")))

    with pytest.raises(error) as raised:
        await claude(server).complete(request())

    assert hint in raised.value.hint
    assert "\x1b" not in raised.value.message
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"cut_after_events": 3},
        {"cut_after_bytes": 700},
        {"ends_early_after_events": 4},
        {"error_after_events": 3, "type": "overloaded_error"},
    ],
)
async def test_an_answer_that_is_cut_off_is_paid_up_to_there_and_not_repeated_here(
    serve: Serve, claude: MakeClaude, fault: dict[str, Any]
) -> None:
    """Whoever holds the budget decides whether to ask again."""
    server = serve(Turn(fault=Fault(**fault), reply=Reply(text="a long answer " * 20)))

    with pytest.raises(ModelUnavailable) as raised:
        await claude(server).complete(request())

    assert raised.value.usd > 0
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [{"reset": True}, {"empty_body": True}, {"wrong_json": True}])
async def test_whatever_else_comes_is_no_answer(
    serve: Serve, claude: MakeClaude, fault: dict[str, Any]
) -> None:
    """A broken connection, nothing at all, half a JSON: asked again, then given up."""

    async def sleep(seconds: float) -> None:
        return

    server = serve(Turn(fault=Fault(**fault), repeat=5))

    with pytest.raises(ModelUnavailable):
        await claude(server, sleep=sleep).complete(request())


async def test_a_call_that_was_cut_by_its_limit_is_left_out(
    serve: Serve, claude: MakeClaude
) -> None:
    """Half an input is no input; the stop reason says what happened."""
    calls = (ToolCall(name="read_file", input_text='{"path": "a'),)
    server = serve(Turn(reply=Reply(text="I", tools=calls, stop_reason="max_tokens")))

    answer = await claude(server).complete(request(tools=(TOOL,)))

    assert (answer.stop, answer.tool_calls) == (StopReason.MAX_TOKENS, ())


async def test_tokens_are_counted_and_never_more_than_reckoned(
    serve: Serve, claude: MakeClaude
) -> None:
    """The reckoning before a call is an upper bound."""
    model = claude(serve())
    asked = request(system="be good", tools=(TOOL,), most_tokens=100)

    counted = await model.count(asked)

    assert counted is not None
    assert model.price(asked, read=counted) < model.price(asked)


async def test_the_model_can_be_looked_up(serve: Serve, claude: MakeClaude) -> None:
    """Its limits and when it retires."""
    found = await claude(serve()).look()

    assert found["model"] == "claude-opus-5-5"
    assert found["window"] > 0


async def test_the_switch_makes_a_real_call_an_error(
    monkeypatch: pytest.MonkeyPatch, claude: MakeClaude, serve: Serve
) -> None:
    """Nothing leaves this machine while it is set."""
    monkeypatch.setenv("AUTOCLAVE_NO_MODEL_CALLS", "1")
    model = claude(serve())
    model._base_url = "https://api.anthropic.com"

    with pytest.raises(ConfigurationInvalid, match="AUTOCLAVE_NO_MODEL_CALLS"):
        await model.complete(request())


async def test_without_a_key_the_error_names_it(
    monkeypatch: pytest.MonkeyPatch, claude: MakeClaude, serve: Serve, tmp_path: Any
) -> None:
    """And the way to work without one."""
    model = claude(serve())
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))

    with pytest.raises(CredentialMissing) as raised:
        await model.complete(request())

    assert "offline" in raised.value.hint
