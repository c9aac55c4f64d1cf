"""Intents as JSON: what goes out comes back, and what is hostile is refused."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes_runs import json_values

from autoclave.domain.errors import InvalidInput
from autoclave.domain.intents import (
    Act,
    Ask,
    Fetch,
    Finish,
    GiveUp,
    Intent,
    IntentKind,
    Propose,
    Recall,
    Remember,
    Search,
    Think,
    Wait,
    kind_of,
    parse,
    to_json,
)

texts = st.text(max_size=20)
objects = st.dictionaries(texts, json_values, max_size=3)
numbers = st.floats(allow_nan=False, allow_infinity=False)
intents: st.SearchStrategy[Intent] = st.one_of(
    st.builds(
        Think,
        purpose=texts,
        messages=st.lists(objects, max_size=2),
        schema=objects,
        most_tokens=st.integers(),
    ),
    st.builds(Act, step=texts, capability=texts, inputs=objects),
    st.builds(Recall, query=texts, limit=st.integers()),
    st.builds(Remember, lesson=texts, facts=objects),
    st.builds(Search, query=texts, limit=st.integers()),
    st.builds(Fetch, url=texts),
    st.builds(Ask, question=texts, choices=st.lists(texts, max_size=3)),
    st.builds(
        Propose, title=texts, reason=texts, edits=st.lists(objects, max_size=2), contract=objects
    ),
    st.builds(Finish, summary=texts),
    st.builds(GiveUp, reason=texts, needs=texts, unserved=st.booleans()),
    st.builds(Wait, seconds=numbers, reason=texts),
)
hostile = st.recursive(
    json_values | st.floats() | st.sampled_from([b"", (), set(), object(), 1j]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "step", "x", 1, None]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(intent=intents)
def test_what_goes_out_comes_back(intent: Intent) -> None:
    """Every kind, with every field."""
    assert parse(to_json(intent)) == intent


@given(data=hostile)
def test_anything_else_is_refused_and_nothing_breaks(data: Any) -> None:
    """An intent or InvalidInput: no other error reaches the loop."""
    with contextlib.suppress(InvalidInput):
        assert to_json(parse(data))["kind"] in IntentKind


@given(intent=intents, field=st.text(max_size=8), value=hostile)
def test_a_spoilt_intent_is_refused_or_still_an_intent(
    intent: Intent, field: str, value: Any
) -> None:
    """One field more, or one with another value."""
    try:
        found = parse({**to_json(intent), field: value})
    except InvalidInput:
        return
    assert parse(to_json(found)) == found


@pytest.mark.parametrize(
    "data",
    [
        {"kind": []},
        {"kind": {}},
        {"kind": "act"},
        {"kind": "Wait", "seconds": float("nan"), "reason": ""},
        {"kind": "Wait", "seconds": float("inf"), "reason": ""},
        {"kind": "Wait", "seconds": True, "reason": ""},
        {"kind": "Act", "step": "a", "capability": "b", "inputs": {"x": float("nan")}},
        {"kind": "Act", "step": "a", "capability": "b", "inputs": {"x": {1, 2}}},
        {"kind": "Act", "step": "a", "capability": "b"},
        {"kind": "Finish", "summary": "x", 3: 4},
        {"kind": "Finish", "summary": "x", "more": 1},
        {"kind": "Ask", "question": "x", "choices": [1]},
    ],
)
def test_each_of_these_is_refused(data: Any) -> None:
    """What would break further on is named here."""
    with pytest.raises(InvalidInput):
        parse(data)


def test_endless_nesting_is_refused() -> None:
    """It could not be written down."""
    inputs: dict[str, Any] = {}
    for _ in range(100_000):
        inputs = {"x": inputs}

    with pytest.raises(InvalidInput):
        parse({"kind": "Act", "step": "a", "capability": "b", "inputs": inputs})


def test_every_kind_has_a_class() -> None:
    """The names in the enum and the classes are the same closed set."""
    assert set(kind_of.values()) == set(IntentKind)
