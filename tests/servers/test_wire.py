"""The Messages server on the wire, without any SDK."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from typing import Any

import pytest
from tests.servers.messages import MessagesServer
from tests.servers.script import Script
from tests.servers.seen import Seen
from tests.servers.turns import Expect, Fault, Reply, ToolCall, Turn

HEADERS = {"Authorization": "Bearer sk-test", "anthropic-version": "2026-10-21"}
BODY: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}
Serve = Callable[..., MessagesServer]


@dataclass(frozen=True, kw_only=True)
class Came:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def post(server: MessagesServer, body: dict[str, Any], headers: dict[str, str] = HEADERS) -> Came:
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=10)
    with closing(connection):
        connection.request("POST", "/v1/messages", json.dumps(body), headers)
        response = connection.getresponse()
        return Came(status=response.status, headers=response.headers, body=response.read())


def test_a_whole_message_comes_with_usage_limits_and_an_id(serve: Serve) -> None:
    """Without `stream` the answer is one JSON body."""
    server = serve(Turn(reply=Reply(text="hello")))

    response = post(server, BODY)
    message = response.json

    assert message["content"] == [{"type": "text", "text": "hello", "citations": None}]
    assert message["stop_reason"] == "end_turn"
    assert message["usage"]["input_tokens"] > 0
    assert response.headers["request-id"].startswith("req_")
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "3999"
    server.check()


def test_a_stream_has_its_events_in_order_and_every_character(serve: Serve) -> None:
    """Pieces end inside escapes, and together they are the text."""
    said = 'é"\n\\ 😀 \u2028'
    server = serve(Turn(reply=Reply(text=said, tools=(ToolCall(name="f", input={"x": said}),))))

    raw = post(server, BODY | {"stream": True}).body.decode()
    events = [json.loads(e.split("data: ")[1]) for e in raw.split("\n\n") if e]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    arguments = [d["partial_json"] for d in deltas if d["type"] == "input_json_delta"]

    assert [e["type"] for e in events if e["type"].startswith("message")] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    assert "".join(d.get("text", "") for d in deltas) == said
    assert any(piece.endswith("\\") for piece in arguments)
    assert json.loads("".join(arguments)) == {"x": said}


def test_pieces_on_the_wire_end_inside_a_character(serve: Serve) -> None:
    """Who decodes each piece by itself fails here, and not at a customer's."""
    server = serve(Turn(reply=Reply(text="😀é")))
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=10)
    with closing(connection):
        connection.request("POST", "/v1/messages", json.dumps(BODY | {"stream": True}), HEADERS)
        pieces = list(iter(connection.getresponse().read1, b""))

    assert any(piece.endswith(b"\xf0") for piece in pieces)
    assert "😀é" in b"".join(pieces).decode()


def test_a_request_off_the_script_is_an_error_that_names_both_sides(serve: Serve) -> None:
    """The client gets 500, the test gets the mismatch, and `check` fails."""
    server = serve(Turn(name="bye", expect=Expect(user_contains="bye")))

    response = post(server, BODY)
    error = response.json["error"]

    assert response.status == 500
    assert "turn 1 'bye': user_contains: wanted 'bye', came 'hi'" in error["message"]
    assert server.mismatches[0].number == 1
    with pytest.raises(AssertionError, match="never asked for"):
        server.check()


def test_what_a_turn_of_a_test_raises_is_told(serve: Serve) -> None:
    """An assertion inside a reply fails the test and does not hang the client."""

    def reply(seen: Seen) -> Reply:
        raise AssertionError(f"not {seen.user}")

    server = serve(Turn(reply=reply))

    response = post(server, BODY)

    assert response.status == 500
    with pytest.raises(AssertionError, match="not hi"):
        server.check()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-Api-Key": "sk-test", "anthropic-version": "1"}, 401),
        ({"Authorization": "Bearer other", "anthropic-version": "1"}, 401),
        ({"Authorization": "Bearer sk-test"}, 400),
    ],
)
def test_the_key_is_asked_for_as_today(serve: Serve, headers: dict[str, str], status: int) -> None:
    """A Bearer key and a version, or no entry."""
    server = serve(Turn(), key="sk-test")

    response = post(server, BODY, headers)

    assert response.status == status
    assert "sk-test" not in json.dumps([e.to_json() for e in server.requests])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.5}, "temperature: Extra inputs"),
        ({"messages": []}, "at least one message"),
        ({"messages": "hi"}, "a valid list"),
        ({"max_tokens": 10**7}, "maximum allowed number of output tokens"),
        ({"messages": [{"role": "user", "content": "x" * 5_000_000}]}, "prompt is too long"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            "additionalProperties",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1"}]},
                    {"role": "user", "content": "no result"},
                ]
            },
            "without `tool_result` blocks immediately after: toolu_1",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "toolu_9"}],
                    }
                ]
            },
            "unexpected `tool_use_id`",
        ),
        (
            {
                "system": [
                    {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}
                    for _ in range(5)
                ]
            },
            "maximum of 4 blocks with cache_control",
        ),
    ],
)
def test_what_the_api_refuses_is_refused_here(
    serve: Serve, change: dict[str, Any], message: str
) -> None:
    """A request that would be a 400 in earnest does not reach the script."""
    server = serve(Turn())

    response = post(server, BODY | change)

    assert response.status == 400
    assert message in response.json["error"]["message"]
    assert server.script.left() == ["turn 1"]


def test_limits_named_in_the_script_are_kept_and_come_back() -> None:
    """The request over the limit is told to wait out the minute, and then goes through."""
    script = Script([Turn(repeat=2)], options={"limits": {"requests": 1}})
    with MessagesServer(script) as limited:
        statuses = [post(limited, BODY).status]
        refused = post(limited, BODY)
        limited.clock.advance(61)
        statuses.append(post(limited, BODY).status)

    assert statuses == [200, 200]
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60


def test_a_cut_stream_is_cut_where_the_script_says(serve: Serve) -> None:
    """The body ends in the middle, and the client can see that it did."""
    server = serve(Turn(fault=Fault(cut_after_bytes=300)))

    with pytest.raises(http.client.IncompleteRead) as cut:
        post(server, BODY | {"stream": True})

    assert len(cut.value.partial) == 300
