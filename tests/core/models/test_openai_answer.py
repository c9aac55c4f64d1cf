"""Answers of chat completions, whatever way a server cuts and numbers them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes_models import ask, assistant, user

from autoclave.core.models.openai_answer import Answering
from autoclave.core.models.openai_wire import messages_of
from autoclave.domain.canonical import JsonObject
from autoclave.domain.model import StopReason, Tokens

LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
INPUT = st.dictionaries(st.text(max_size=5), LEAF, max_size=3)
JUNK = LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(st.text(max_size=3), LEAF, max_size=2)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these fields, each right or wrong; or no object at all."""
    return st.fixed_dictionaries({}, optional={k: v | JUNK for k, v in fields.items()}) | JUNK


ARGUMENTS = st.sampled_from(["", "{", "}", '{"a": 1}', "[1]", "[" * 5000]) | st.text(max_size=4)
CALL = maybe(
    index=st.integers(0, 1),
    id=st.sampled_from(["", "a", "b"]),
    function=maybe(name=st.sampled_from(["", "f"]), arguments=ARGUMENTS),
)
DELTA = maybe(content=st.text(max_size=4), tool_calls=st.lists(CALL, max_size=3))
CHUNK = maybe(
    id=st.text(max_size=2),
    choices=st.lists(maybe(delta=DELTA, finish_reason=st.just("length")), max_size=2),
    usage=maybe(prompt_tokens=st.integers(), completion_tokens=st.integers()),
)
TWO: list[JsonObject] = [
    {"type": "tool_use", "id": "a", "name": "write", "input": {"path": "x"}},
    {"type": "tool_use", "id": "b", "name": "write", "input": {"path": "y"}},
]


def chunk(delta: JsonObject, finish: str | None = None) -> JsonObject:
    return {"id": "c1", "model": "m", "choices": [{"delta": delta, "finish_reason": finish}]}


def call(number: int | None, name: str | None, text: str, own_id: str | None) -> JsonObject:
    function = {"name": name, "arguments": text}
    return chunk({"tool_calls": [{"index": number, "id": own_id, "function": function}]})


def heard(*chunks: JsonObject, finish: str = "stop") -> Answering:
    answer = Answering()
    for each in (*chunks, chunk({}, finish)):
        answer.take(each)
    return answer


def pieces(text: str, size: int) -> Iterator[str]:
    yield from (text[n : n + size] for n in range(0, len(text), size))


def streamed(message: JsonObject, size: int) -> Iterator[JsonObject]:
    """An assistant's message of chat completions as OpenAI streams it."""
    yield from (chunk({"content": piece}) for piece in pieces(message["content"], size))
    for number, each in enumerate(message.get("tool_calls", [])):
        yield call(number, each["function"]["name"], "", each["id"])
        for piece in pieces(each["function"]["arguments"], size):
            yield call(number, None, piece, None)


@settings(max_examples=50)
@given(
    st.text(max_size=20).filter(lambda text: not text or bool(text.strip())),
    st.lists(INPUT, max_size=3),
    st.integers(1, 9),
)
def test_what_was_said_and_called_comes_back_as_it_went(
    text: str, inputs: list[JsonObject], size: int
) -> None:
    """Our blocks, made into chat, cut in pieces, and put together again."""
    calls: list[JsonObject] = [
        {"type": "tool_use", "id": f"c{n}", "name": f"f{n}", "input": each}
        for n, each in enumerate(inputs)
    ]
    said: list[JsonObject] = [{"type": "text", "text": text}] if text else []
    blocks = [*said, *calls]
    message = messages_of(ask(user("x"), assistant(*blocks)))[-1] if blocks else {"content": ""}

    answer = heard(*streamed(message, size))

    assert list(answer.finished()) == blocks
    assert answer.stop is (StopReason.TOOL_USE if calls else StopReason.END_TURN)


@settings(max_examples=60)
@given(st.lists(CHUNK, max_size=5))
def test_no_form_of_a_chunk_is_a_crash(chunks: list[Any]) -> None:
    """What a server sends is not trusted; ids are told apart in any case."""
    answer = heard(*[each for each in chunks if isinstance(each, dict)])

    blocks = answer.finished()

    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert len(set(ids)) == len(ids)
    assert all(block["name"] for block in blocks if block["type"] == "tool_use")
    assert answer.tokens is None or answer.tokens.total >= 0


@pytest.mark.parametrize("numbers", [(0, 1), (0, 0), (None, None)])
@pytest.mark.parametrize("ids", [("a", "b"), ("a", "a"), ("", ""), (None, None)])
def test_calls_are_told_apart_however_they_are_numbered(
    numbers: tuple[Any, Any], ids: tuple[Any, Any]
) -> None:
    """Some servers number all of them 0, others give no ids or always the same."""
    sent = [
        call(number, each["name"], json.dumps(each["input"]), own_id)
        for number, own_id, each in zip(numbers, ids, TWO, strict=True)
    ]

    first, second = heard(*sent).finished()

    assert (first["input"], second["input"]) == ({"path": "x"}, {"path": "y"})
    assert first["id"] != second["id"]


def test_calls_without_inputs_are_told_apart_by_their_ids() -> None:
    """Under one number, and with nothing else to tell them by."""
    answer = heard(call(0, "list", "", "a"), call(0, "list", "", "b"))

    assert [block["id"] for block in answer.finished()] == ["a", "b"]


def test_an_id_that_changes_within_a_call_makes_no_second_one() -> None:
    """Some servers give each piece a new one; only the first has the name."""
    answer = heard(call(0, "f", "", "a"), call(0, None, '{"x"', "b"), call(0, None, ": 1}", "c"))

    assert answer.finished() == ({"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},)


def test_made_up_ids_are_the_same_for_the_same_answer() -> None:
    """And others in another one."""
    sent = call(0, "f", "{}", "")

    first, same = heard(sent).finished(), heard(sent).finished()
    other = heard({**sent, "id": "c2"}).finished()

    assert first == same
    assert first[0]["id"] != other[0]["id"]


def test_a_call_that_can_not_be_read_is_told_in_words() -> None:
    """So the model learns of it, and the run goes on."""
    answer = heard(chunk({"content": "I write."}), call(0, "write", '{"path": ', "a"))

    said, told = answer.finished()

    assert said["text"] == "I write."
    assert "write" in told["text"]
    assert '{"path": ' in told["text"]
    assert answer.stop is StopReason.END_TURN


def test_a_call_that_the_limit_cut_is_left_out() -> None:
    """Half an input is no input; the stop reason says what happened."""
    answer = heard(call(0, "write", '{"path": ', "a"), finish="length")

    assert (answer.finished(), answer.stop) == ((), StopReason.MAX_TOKENS)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_what_was_thought_can_be_seen(field: str) -> None:
    """Under either of its names; it is a block of its own."""
    answer = Answering()

    events = answer.take(chunk({field: "hm"})) + answer.take(chunk({"content": "yes"}, "stop"))

    assert [(event.kind, event.text) for event in events] == [("thinking", "hm"), ("text", "yes")]
    assert [block["type"] for block in answer.finished()] == ["thinking", "text"]


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", StopReason.END_TURN),
        ("tool_calls", StopReason.END_TURN),
        ("length", StopReason.MAX_TOKENS),
        ("content_filter", StopReason.REFUSAL),
        ("abort", None),
        ("", None),
    ],
)
def test_why_it_stopped(finish: str, stop: StopReason | None) -> None:
    """A reason that nobody knows is no end; calls are only awaited where there are some."""
    assert heard(finish=finish).stop is stop


def test_a_refusal_in_words_is_one() -> None:
    """Whatever reason it stopped for."""
    answer = heard(chunk({"refusal": "I can't "}), chunk({"refusal": "do that."}))

    assert (answer.stop, answer.refusal) == (StopReason.REFUSAL, "I can't do that.")


USED = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 15},
}


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (USED, Tokens(input=10, cache_read=60, cache_write=30, output=20, reasoning=15)),
        ({"prompt_tokens": 9, "completion_tokens": 2}, Tokens(input=9, output=2)),
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 31},
            Tokens(input=9, output=22),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": "9"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_was_used(usage: Any, tokens: Tokens | None) -> None:
    """Cached tokens apart; what was thought is in the output even where it is only in the total."""
    answer = heard(chunk({"content": "hello"}), {"choices": [], "usage": usage})

    assert answer.tokens == tokens


@pytest.mark.parametrize("text", ['{"a": 1}', '```json\n{"a": 1}\n```', ' ```\n{"a": 1}```\n'])
def test_json_is_taken_out_of_its_fence(text: str) -> None:
    """Where the schema was put in words."""
    answer = heard(chunk({"content": text}))

    assert answer.finished(is_json=True)[0]["text"] == '{"a": 1}'
    assert answer.finished()[0]["text"] == text
