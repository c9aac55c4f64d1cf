"""What every LanguageModel does, whoever answers: scripted, Claude, a chat server, a cassette."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.fakes_models import SCHEMA, TOOL, answer_of, ask, assistant, openai_at, result_of, user
from tests.servers.chat import ChatServer
from tests.servers.messages import MessagesServer
from tests.servers.turns import Reply, ToolCall, Turn

from autoclave.core.models.claude import Claude
from autoclave.core.models.prices import price_of
from autoclave.core.models.recorded import Recorded, Recorder
from autoclave.core.scripted_model import ScriptedModel
from autoclave.domain.errors import ConfigurationInvalid, ModelUnavailable
from autoclave.domain.model import ModelAnswer, ModelEvent, ModelRequest, Quota, StopReason
from autoclave.domain.ports import LanguageModel

Talk = Callable[[LanguageModel], Awaitable[list[ModelAnswer]]]
Play = Callable[..., Awaitable[list[ModelAnswer]]]
"""Has a talk with a model that gives these replies; what it answered."""
CALLS = (
    ToolCall(name="read_file", input={"path": "grün.txt"}),
    ToolCall(name="read_file", input={"path": "b", "deep": [{"n": 1.5}, None]}),
)


async def _ended() -> None:
    return


def _claude(stack: ExitStack, replies: tuple[Reply, ...]) -> LanguageModel:
    server = stack.enter_context(MessagesServer([Turn(reply=reply) for reply in replies]))
    price = price_of("claude-opus-5-5")
    assert price is not None
    return Claude(price, model="claude-opus-5-5", base_url=server.base_url)


def _openai(stack: ExitStack, replies: tuple[Reply, ...]) -> LanguageModel:
    """One that costs something, so that prices say something."""
    server = stack.enter_context(ChatServer([Turn(reply=reply) for reply in replies]))
    return openai_at(server, model="gpt-6-sol")


def _scripted(stack: ExitStack, replies: tuple[Reply, ...]) -> LanguageModel:
    return ScriptedModel(*map(answer_of, replies), usd=0.01)


MAKERS = {"scripted": _scripted, "recorded": _scripted, "claude": _claude, "openai": _openai}


@pytest.fixture(
    params=[
        "scripted",
        "recorded",
        pytest.param("claude", marks=pytest.mark.slow),
        pytest.param("openai", marks=pytest.mark.slow),
    ]
)
async def play(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Play]:
    """The talk is had with the model itself; with a cassette, it is had to record it, and again."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "loopback")
    models: list[LanguageModel] = []

    with ExitStack() as stack:

        async def played(talk: Talk, *replies: Reply) -> list[ModelAnswer]:
            model = MAKERS[request.param](stack, replies)
            models.append(model)
            if request.param != "recorded":
                return await talk(model)
            await talk(Recorder(model, tmp_path / "talk.jsonl"))
            cassette = Recorded(tmp_path / "talk.jsonl")
            answers = await talk(cassette)
            cassette.check()
            return answers

        yield played
        for model in models:
            await getattr(model, "aclose", _ended)()


def one(asked: ModelRequest) -> Talk:
    async def talk(model: LanguageModel) -> list[ModelAnswer]:
        return [await model.complete(asked)]

    return talk


async def test_text_is_heard_and_answered(play: Play) -> None:
    """What is heard is what is answered."""
    heard: list[ModelEvent] = []

    async def talk(model: LanguageModel) -> list[ModelAnswer]:
        heard.clear()
        return [await model.complete(ask(system="be good"), hear=heard.append)]

    [answer] = await play(talk, Reply(text="Hello, äöü 🦊."))

    assert answer.text == "Hello, äöü 🦊."
    assert answer.stop is StopReason.END_TURN
    assert answer.tokens.output > 0
    assert "".join(e.text for e in heard if e.kind == "text") in (answer.text, "")


async def test_calls_and_their_results_go_round(play: Play) -> None:
    """What the model said goes back as it came; each result to its call."""

    async def talk(model: LanguageModel) -> list[ModelAnswer]:
        first = await model.complete(ask(user("look"), tools=(TOOL,)))
        results = [
            result_of(call, f"text {n}", is_error=n == 1) for n, call in enumerate(first.tool_calls)
        ]
        said = [user("look"), assistant(*first.blocks), user(*results)]
        return [first, await model.complete(ask(*said, tools=(TOOL,), notice="[hurry]"))]

    first, second = await play(talk, Reply(text="I look.", tools=CALLS), Reply(text="done"))

    assert first.stop is StopReason.TOOL_USE
    assert [call["input"] for call in first.tool_calls] == [call.input for call in CALLS]
    assert len({call["id"] for call in first.tool_calls}) == 2
    assert (second.text, second.stop) == ("done", StopReason.END_TURN)


async def test_an_answer_to_a_schema_is_json(play: Play) -> None:
    """As text, so that one that is cut keeps its usage and its stop reason."""
    [answer] = await play(one(ask(schema=SCHEMA)), Reply(structured={"n": 7}))

    assert json.loads(answer.text) == {"n": 7}


async def test_a_refusal_is_an_answer(play: Play) -> None:
    """It says why, and has cost something."""
    [answer] = await play(one(ask()), Reply(refusal="cyber"))

    assert answer.stop is StopReason.REFUSAL
    assert "cyber" in answer.refusal
    assert answer.blocks == ()


async def test_an_answer_that_ran_out_of_tokens_is_one(play: Play) -> None:
    """What was said so far is there."""
    [answer] = await play(one(ask()), Reply(text="so far", stop_reason="max_tokens"))

    assert (answer.text, answer.stop) == ("so far", StopReason.MAX_TOKENS)


@pytest.mark.parametrize(
    "asked",
    [
        ask(most_tokens=500),
        ask(user("ñ" * 2_000), system="s" * 500, tools=(TOOL,), most_tokens=500),
        ask(schema=SCHEMA, notice="hurry", most_tokens=500),
    ],
)
async def test_the_price_is_never_less_than_the_cost(play: Play, asked: ModelRequest) -> None:
    """So that a budget holds."""
    prices: list[float] = []

    async def talk(model: LanguageModel) -> list[ModelAnswer]:
        prices.append(model.price(asked))
        return [await model.complete(asked)]

    [answer] = await play(talk, Reply(text='{"n": 1}'))

    assert 0 < answer.usd <= prices[-1]


async def test_what_is_counted_makes_the_price_no_higher(play: Play) -> None:
    """A model that can't count says so."""
    counts: list[int | None] = []
    prices: list[tuple[float, float]] = []
    asked = ask(user("word " * 200))

    async def talk(model: LanguageModel) -> list[ModelAnswer]:
        counts.append(await model.count(asked))
        prices.append((model.price(asked, read=counts[-1]), model.price(asked)))
        return [await model.complete(asked)]

    [answer] = await play(talk, Reply(text="ok"))

    counted, reckoned = prices[-1]
    assert answer.usd <= counted <= reckoned


async def test_the_quota_is_known_at_any_time(play: Play) -> None:
    """Before the first answer nothing is known; nothing that is left is less than none."""
    quotas: list[Quota] = []

    async def talk(model: LanguageModel) -> list[ModelAnswer]:
        quotas.append(model.quota())
        answer = await model.complete(ask())
        quotas.append(model.quota())
        return [answer]

    await play(talk, Reply(text="ok"))

    before, after = quotas[-2:]
    assert before == Quota()
    assert (after.requests_left or 0) >= 0
    assert (after.tokens_left or 0) >= 0


async def test_it_has_a_name_and_limits(play: Play) -> None:
    """And goes into the journal and comes back out of it."""
    seen: list[Any] = []

    async def talk(model: LanguageModel) -> list[ModelAnswer]:
        seen.append((model.name, model.limits.window, model.limits.output))
        return [await model.complete(ask())]

    [answer] = await play(talk, Reply(text="ok"))

    name, window, output = seen[-1]
    assert name
    assert 0 < output <= window
    assert ModelAnswer.from_json(json.loads(json.dumps(answer.to_json()))) == answer


@pytest.mark.parametrize(
    ("kind", "error"), [("scripted", ModelUnavailable), ("recorded", ConfigurationInvalid)]
)
async def test_without_an_answer_nothing_is_made_up(
    kind: str, error: type[Exception], tmp_path: Path
) -> None:
    """Nobody waits for a cassette that has come to its end: it has to be recorded again."""
    model: Any = ScriptedModel()
    if kind == "recorded":
        await Recorder(ScriptedModel("one"), tmp_path / "talk.jsonl").complete(ask())
        model = Recorded(tmp_path / "talk.jsonl")
        await model.complete(ask())

    with pytest.raises(error):
        await model.complete(ask())
