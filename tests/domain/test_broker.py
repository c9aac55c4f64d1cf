"""Calls of a capability: no bytes make the reader do anything but give a call or say why not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autoclave.domain.broker import (
    CallKind,
    ModelCall,
    NetworkCall,
    Place,
    RecallCall,
    digest_of,
    parse_call,
    refused,
    to_json,
    told_apart,
)
from autoclave.domain.errors import InvalidInput, NotAllowed

RECALL = {"call": "knowledge.recall", "query": "x"}
NETWORK = {"call": "network.request", "url": "https://example.org/a"}
MODEL = {"call": "model.complete", "messages": [{"role": "user", "content": "hello"}]}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
field_names = st.sampled_from(
    [
        "query",
        "limit",
        "messages",
        "system",
        "schema",
        "most_tokens",
        "url",
        "method",
        "headers",
        "body",
        "secret",
        "call",
        "x",
    ]
)


def read(call: dict[str, Any]) -> Any:
    return parse_call(json.dumps(call).encode())


@given(st.binary(max_size=200))
@example(b"")
@example(b'{"call": "network.request", "call": "network.request"}')
@example(b"[" * 100_000)
@example(b'{"call": ["knowledge.recall"]}')
@example(b'{"call": "knowledge.recall", "query": "\\ud800"}')
@example(b'{"call": "knowledge.recall", "limit": ' + b"9" * 5000 + b"}")
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever a capability writes is a call, or InvalidInput."""
    try:
        call = parse_call(data)
    except InvalidInput:
        return

    assert parse_call(json.dumps(to_json(call)).encode()) == call


@given(st.sampled_from([RECALL, NETWORK, MODEL]), st.dictionaries(field_names, json_values))
def test_no_fields_break_the_reader(base: dict[str, Any], more: dict[str, Any]) -> None:
    """The same for texts that are nearly right."""
    try:
        data = json.dumps({**base, **more}).encode()
        call = parse_call(data)
    except InvalidInput:
        return

    assert digest_of(call) == digest_of(read(to_json(call)))
    assert json.dumps(told_apart(call))


@given(st.text(max_size=60))
@example("https://example.org:99999/")
@example("https://a..b/")
@example("https://user@example.org/")
@example("https://example.org#x")
def test_a_url_has_one_reading_or_none(text: str) -> None:
    """Where it leads is said by its own beginning, in plain small letters."""
    try:
        place = Place.of(text)
    except InvalidInput:
        return

    assert place.url.startswith(f"{place.scheme}://{place.host}")
    assert place.url.lower() == text.lower()


def test_calls_have_defaults() -> None:
    """The short form is the usual one."""
    assert read(RECALL) == RecallCall(query="x", limit=5)
    assert read(NETWORK) == NetworkCall(url="https://example.org/a", method="GET")
    assert read(MODEL) == ModelCall(messages=[{"role": "user", "content": "hello"}])


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"call": "workspace.read", "path": "a"}, "is not a call"),
        ({"query": "x"}, "is not a call"),
        ({**RECALL, "more": 1}, "no field 'more'"),
        ({"call": "knowledge.recall"}, "needs 'query'"),
        ({**RECALL, "query": ""}, "length of query"),
        ({**RECALL, "limit": True}, "limit must be int"),
        ({**RECALL, "limit": 5.0}, "limit must be int"),
        ({**RECALL, "limit": 51}, "limit is 51"),
        ({**MODEL, "messages": []}, "number of messages"),
        ({**MODEL, "messages": ["hello"]}, "a message has"),
        ({**MODEL, "messages": [{"role": "system", "content": "x"}]}, "role of a message"),
        ({**MODEL, "messages": [{"role": "user", "content": [1]}]}, "content of a message"),
        ({**MODEL, "most_tokens": 0}, "most_tokens is 0"),
        ({**NETWORK, "method": "get"}, "method 'get'"),
        ({**NETWORK, "method": "CONNECT"}, "method 'CONNECT'"),
        ({**NETWORK, "url": "ftp://example.org/"}, "url: "),
        ({**NETWORK, "url": "https://me:pass@example.org/"}, "url: "),
        ({**NETWORK, "url": "https://example.org\\@evil.com/"}, "url: "),
        ({**NETWORK, "url": "https://[::1]/"}, "url: "),
        ({**NETWORK, "url": "https://exämple.org/"}, "url: "),
        ({**NETWORK, "url": "https://example.org./"}, "url: "),
        ({**NETWORK, "url": "https://example.org/a b"}, "url: "),
        ({**NETWORK, "headers": {"Authorization": "x"}}, "is for the kernel to set"),
        ({**NETWORK, "headers": {"Host": "x"}}, "is for the kernel to set"),
        ({**NETWORK, "headers": {"Cookie": "x"}}, "is for the kernel to set"),
        ({**NETWORK, "headers": {"a b": "x"}}, "plain name"),
        ({**NETWORK, "headers": {"x-a": "b\r\nc: d"}}, "plain name"),
        ({**NETWORK, "headers": {"x-a": 1}}, "plain name"),
        ({**NETWORK, "headers": {"x-a": "1", "X-A": "2"}}, "a name twice"),
        ({**NETWORK, "body": "YQ=="}, "a GET has no body"),
        ({**NETWORK, "method": "POST", "body": "?"}, "not base64"),
        ({**NETWORK, "method": "POST", "body": "A" * (700 << 10)}, "the most is 524,288"),
        ({**NETWORK, "secret": "a b"}, "name of a secret"),
    ],
)
def test_what_is_refused_says_why(call: dict[str, Any], why: str) -> None:
    """Unknown calls, unknown fields, wrong types, values out of range."""
    with pytest.raises(InvalidInput) as error:
        read(call)

    assert why in error.value.message


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"method": "HEAD"}, True),
        ({"headers": {"Accept": "text/html"}}, True),
        ({"headers": {"X-Data": "what the workspace holds"}}, False),
        ({"headers": {"Accept": "text/html", "If-None-Match": "a" * 150}}, True),
        ({"headers": {"Accept": "text/html", "If-None-Match": "a" * 152}}, False),
        ({"method": "POST"}, False),
        ({"method": "DELETE"}, False),
    ],
)
def test_reading_sends_nothing_along(more: dict[str, Any], expected: bool) -> None:
    """A header of one's own can carry a secret out as well as a body can."""
    assert read({**NETWORK, **more}).reads_only is expected


def test_the_journal_gets_no_contents() -> None:
    """Bodies, header values and messages are told apart by the digest, and shown by their size."""
    body = base64.b64encode(b"private").decode()
    post = read({**NETWORK, "method": "POST", "body": body, "headers": {"x-a": "private"}})
    model = read({**MODEL, "messages": [{"role": "user", "content": "private"}]})

    assert "private" not in json.dumps([told_apart(post), told_apart(model)])
    assert body not in json.dumps(told_apart(post))
    assert told_apart(post)["bytes"] == 7


def test_every_kind_is_read() -> None:
    """The closed set and its classes are the same."""
    assert [read(each) for each in (RECALL, MODEL, NETWORK)]
    assert {RECALL["call"], MODEL["call"], NETWORK["call"]} == set(CallKind)


def test_a_refusal_says_what_kind_it_is() -> None:
    assert refused(NotAllowed("no")) == {"refused": {"error_class": "NotAllowed", "message": "no"}}
