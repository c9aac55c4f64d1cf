"""Our requests in the words of chat completions: nothing is lost, and the order is kept."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes_models import SCHEMA, TOOL, ask, assistant, result_of, user

from autoclave.core.models.claude_wire import strict
from autoclave.core.models.openai_prices import OPENAI
from autoclave.core.models.openai_wire import (
    Dialect,
    can_be_held,
    dialect_at,
    messages_of,
    params_of,
)
from autoclave.core.models.prices import most_tokens_of
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import InvalidInput
from autoclave.domain.model import ModelRequest

LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
INPUT = st.dictionaries(st.text(max_size=5), LEAF | st.lists(LEAF, max_size=2), max_size=3)
TEXT = st.text(min_size=1, max_size=12)


@st.composite
def conversations(draw: st.DrawFn) -> ModelRequest:
    """A user begins; the model says and calls; the user gives the results, and more words."""
    messages: list[JsonObject] = [user(draw(TEXT))]
    for turn in range(draw(st.integers(0, 3))):
        inputs = draw(st.lists(INPUT, max_size=3))
        calls = [
            {"type": "tool_use", "id": f"c{turn}-{n}", "name": "f", "input": each}
            for n, each in enumerate(inputs)
        ]
        thought = {"type": "thinking", "thinking": "hm", "signature": "x"}
        messages.append(assistant(thought, *draw(st.lists(TEXT, max_size=2)), *calls))
        results = [
            result_of(call, draw(TEXT), is_error=draw(st.booleans()), cache=True) for call in calls
        ]
        texts = draw(st.lists(TEXT, min_size=0 if results else 1, max_size=2))
        messages.append(user(*texts, *results))
    return ask(*messages, system=draw(st.text(max_size=5)), notice=draw(st.text(max_size=5)))


def blocks(request: ModelRequest, kind: str) -> list[JsonObject]:
    return [b for message in request.messages for b in message["content"] if b["type"] == kind]


@settings(max_examples=40)
@given(conversations())
def test_no_block_is_lost_and_their_order_is_kept(request_: ModelRequest) -> None:
    """Of each kind for itself; only what was thought is not sent back."""
    said = messages_of(request_)

    calls = [call for each in said for call in each.get("tool_calls", [])]
    results = [each for each in said if each["role"] == "tool"]
    spoken = "\n".join(each["content"] for each in said if each["role"] in ("user", "assistant"))
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [
        each["input"] for each in blocks(request_, "tool_use")
    ]
    assert [
        (each["tool_call_id"], each["content"].removeprefix("Error: ")) for each in results
    ] == [
        (each["tool_use_id"], each["content"].removeprefix("Error: "))
        for each in blocks(request_, "tool_result")
    ]
    place = 0
    for text in [each["text"] for each in blocks(request_, "text")] + [request_.notice]:
        place = spoken.index(text, place) + len(text)


@settings(max_examples=40)
@given(conversations())
def test_results_follow_their_calls_at_once(request_: ModelRequest) -> None:
    """In the order of the calls, and before anything else that the user says."""
    said = messages_of(request_)

    for place, message in enumerate(said):
        wanted = [call["id"] for call in message.get("tool_calls", [])]
        after = said[place + 1 : place + 1 + len(wanted)]
        assert [each.get("tool_call_id") for each in after] == wanted
    roles = [each["role"] for each in said]
    assert ("user", "user") not in set(pairwise(roles))


@settings(max_examples=40)
@given(conversations(), st.booleans())
def test_what_is_sent_is_not_more_than_what_was_reckoned(
    request_: ModelRequest, in_words: bool
) -> None:
    """So that a price is never too low."""
    request_ = ask(*request_.messages, system=request_.system, tools=(TOOL,), schema=SCHEMA)

    params = params_of(request_, "m", Dialect(has_schemas=not in_words))

    assert size(params["messages"]) <= most_tokens_of(request_)


def size(messages: list[JsonObject]) -> int:
    texts = [each["content"] for each in messages]
    for call in [call for each in messages for call in each.get("tool_calls", [])]:
        texts += [call["function"]["name"], call["function"]["arguments"]]
    return len("".join(texts).encode("utf-8", "surrogatepass"))


def test_a_result_says_that_it_is_an_error() -> None:
    """There is no mark for it in chat completions."""
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    parts = [{"type": "text", "text": "no"}, {"type": "text", "text": "file"}]
    failed = {"type": "tool_result", "tool_use_id": "c", "content": parts, "is_error": True}

    said = messages_of(ask(user("x"), assistant(call), user(failed)))

    assert said[-1] == {"role": "tool", "tool_call_id": "c", "content": "Error: no\n\nfile"}


def test_what_has_no_words_is_refused() -> None:
    """Rather than left out in silence."""
    with pytest.raises(InvalidInput, match="image"):
        messages_of(ask(user({"type": "image", "source": {}})))


def test_tools_and_effort_are_said() -> None:
    """The schema of a tool as it is."""
    params = params_of(ask(tools=(TOOL,), effort="low", most_tokens=7), "m", Dialect())

    [tool] = params["tools"]
    assert tool["function"]["parameters"] == TOOL["input_schema"]
    assert (params["reasoning_effort"], params["max_tokens"]) == ("low", 7)


def test_openai_is_asked_for_the_tier_that_was_priced() -> None:
    """A project there may have chosen a dearer one; no other server is bothered with it."""
    there = params_of(ask(most_tokens=7), "m", dialect_at(OPENAI))
    here = params_of(ask(most_tokens=7), "m", dialect_at("http://localhost:11434/v1"))

    assert (there["service_tier"], there["max_completion_tokens"]) == ("default", 7)
    assert "service_tier" not in here
    assert here["max_tokens"] == 7


@pytest.mark.parametrize(
    ("schema", "is_held"),
    [
        (SCHEMA, True),
        ({"type": "object", "properties": {"inputs": {"type": "object"}}}, False),
        ({"type": "object", "properties": {"any": {}}}, False),
        ({"type": "array"}, False),
        ({"type": "array", "items": SCHEMA}, True),
        ({"anyOf": [SCHEMA, {"type": ["object", "null"]}]}, False),
        ({**SCHEMA, "additionalProperties": {"type": "string"}}, False),
        ({**SCHEMA, "additionalProperties": False}, True),
    ],
)
def test_only_what_leaves_nothing_open_is_to_be_held(schema: JsonObject, is_held: bool) -> None:
    """All else goes as it is: closed, it would have no room for what it is for."""
    form = params_of(ask(schema=schema), "m", Dialect())["response_format"]

    sent = form["json_schema"]
    assert sent["strict"] is is_held is can_be_held(schema)
    assert sent["schema"] == (strict(schema) if is_held else schema)


@pytest.mark.parametrize(
    ("said", "with_tools", "changed"),
    [
        ("'response_format.type' must be 'text'", False, {"has_schemas": False}),
        ("Invalid schema for response_format 'answer'", False, {"holds_schemas": False}),
        ("stream_options: extra fields not permitted", False, {"tells_usage": False}),
        ("Unrecognized request argument: max_tokens", False, {"limit": "max_completion_tokens"}),
        ("'max_tokens' is not supported with this model", True, {"limit": "max_completion_tokens"}),
        ("Unsupported value: 'reasoning_effort'", False, {"effort": "unsaid"}),
        ("Function tools with reasoning_effort", True, {"effort_with_tools": "unsaid"}),
        ("use this or set reasoning_effort to 'none'", True, {"effort_with_tools": "none"}),
        ("max_tokens is too large: 9000", False, None),
        ("messages: the last one is empty", True, None),
    ],
)
def test_a_refusal_teaches_the_dialect(
    said: str, with_tools: bool, changed: dict[str, Any] | None
) -> None:
    """When it names what we could do without."""
    learned = Dialect().without(said, with_tools=with_tools)

    assert learned == (None if changed is None else Dialect(**changed))


def test_without_thinking_tools_are_offered_to_whom_wants_it() -> None:
    """And when even that is refused there is no other way."""
    request_ = ask(tools=(TOOL,), effort="high")
    dialect = Dialect(effort_with_tools="none")

    assert params_of(request_, "m", dialect)["reasoning_effort"] == "none"
    assert dialect.without("reasoning_effort: no none", with_tools=True) is None
    assert params_of(ask(effort="high"), "m", dialect)["reasoning_effort"] == "high"
