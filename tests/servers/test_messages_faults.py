"""How each way to fail reaches whoever uses the real SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.servers.messages import MessagesServer
from tests.servers.turns import Fault, Reply, Turn

pytestmark = pytest.mark.slow

Serve = Callable[..., MessagesServer]
Claude = Callable[..., Awaitable[Any]]
ASK: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "hi"}],
}


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "BadRequestError", "invalid_request_error"),
        (401, "AuthenticationError", "authentication_error"),
        (402, "PaymentRequiredError", "billing_error"),
        (403, "PermissionDeniedError", "permission_error"),
        (404, "NotFoundError", "not_found_error"),
        (408, "RequestTimeoutError", "timeout_error"),
        (409, "ConflictError", "conflict_error"),
        (413, "ContentTooLargeError", "invalid_request_error"),
        (422, "UnprocessableEntityError", "invalid_request_error"),
        (429, "RateLimitError", "rate_limit_error"),
        (500, "InternalServerError", "api_error"),
        (503, "ServiceUnavailableError", "api_error"),
        (504, "GatewayTimeoutError", "timeout_error"),
        (529, "OverloadedError", "overloaded_error"),
    ],
)
async def test_every_status_is_its_own_error(
    serve: Serve, claude: Claude, status: int, error: str, kind: str
) -> None:
    """With the type, the message and the request id of the body and header."""
    import anthropic._exceptions as errors

    client = await claude(serve(Turn(fault=Fault(status=status, message="so it goes"))))

    with pytest.raises(getattr(errors, error)) as caught:
        await client.messages.create(**ASK, stream=True)

    assert caught.value.status_code == status
    assert caught.value.type == kind
    assert caught.value.api_message == "so it goes"
    assert caught.value.request_id == "req_000000000001"


async def test_a_retry_after_of_hours_arrives_as_it_is(serve: Serve, claude: Claude) -> None:
    """Who obeys it is the client's affair."""
    import anthropic

    fault = Fault(status=429, retry_after=7200, error_code="enforced_spend_limit_reached")
    client = await claude(serve(Turn(fault=fault)))

    with pytest.raises(anthropic.RateLimitError) as caught:
        await client.messages.create(**ASK)

    assert caught.value.response.headers["retry-after"] == "7200"
    assert caught.value.error_code == "enforced_spend_limit_reached"


@pytest.mark.parametrize("fault", [Fault(cut_after_events=4), Fault(cut_after_bytes=900)])
async def test_a_cut_stream_is_an_error_of_the_http_library(
    serve: Serve, claude: Claude, fault: Fault
) -> None:
    """The SDK lets it through unwrapped, after the events that came whole."""
    import httpx2

    client = await claude(serve(Turn(reply=Reply(text="long " * 99), fault=fault)))
    stream = await client.messages.create(**ASK, stream=True)
    seen: list[str] = []

    async def read() -> None:
        async for event in stream:
            seen.append(event.type)  # noqa: PERF401

    with pytest.raises(httpx2.RemoteProtocolError):
        await read()

    assert seen[0] == "message_start"
    assert "message_stop" not in seen


async def test_a_stream_that_ends_too_early_is_no_error_to_the_sdk(
    serve: Serve, claude: Claude
) -> None:
    """Only the missing `message_stop` tells."""
    client = await claude(serve(Turn(fault=Fault(ends_early_after_events=4))))

    stream = await client.messages.create(**ASK, stream=True)
    seen = [event.type async for event in stream]

    assert seen == ["message_start", "content_block_start", "content_block_delta"]


@pytest.mark.parametrize(
    "fault", [Fault(content_type="text/html"), Fault(wrong_json=True), Fault(empty_body=True)]
)
async def test_what_is_no_stream_at_all_is_an_empty_one_to_the_sdk(
    serve: Serve, claude: Claude, fault: Fault
) -> None:
    """A page of a proxy with status 200 looks like a model that says nothing."""
    client = await claude(serve(Turn(fault=fault)))

    stream = await client.messages.create(**ASK, stream=True)

    assert [event async for event in stream] == []


async def test_a_stream_that_stalls_is_a_read_timeout_of_the_http_library(
    serve: Serve, claude: Claude
) -> None:
    """Unwrapped, as a cut one is; before the first byte it is the SDK's own."""
    import httpx2

    server = serve(Turn(reply=Reply(text="long " * 9, event_delay_seconds=60)))
    client = await claude(server, timeout=httpx2.Timeout(5, read=0.3))
    stream = await client.messages.create(**ASK, stream=True)

    with pytest.raises(httpx2.ReadTimeout):
        [event async for event in stream]


async def test_an_error_in_mid_stream_has_the_status_of_its_start(
    serve: Serve, claude: Claude
) -> None:
    """Overloaded after 200 is told by its type alone."""
    import anthropic

    fault = Fault(error_after_events=3, type="overloaded_error", message="Overloaded")
    client = await claude(serve(Turn(fault=fault)))
    stream = await client.messages.create(**ASK, stream=True)

    with pytest.raises(anthropic.APIStatusError) as caught:
        [event async for event in stream]

    assert type(caught.value) is anthropic.APIStatusError
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(reset=True), "anthropic.APIConnectionError"),
        (Fault(cut_after_bytes=50), "anthropic.APIConnectionError"),
        (Fault(wrong_json=True), "json.JSONDecodeError"),
        (Fault(empty_body=True), "json.JSONDecodeError"),
    ],
)
async def test_a_whole_answer_can_break_as_well(
    serve: Serve, claude: Claude, fault: Fault, error: str
) -> None:
    """Reset, cut short, no JSON, nothing at all."""
    client = await claude(serve(Turn(fault=fault)))

    with pytest.raises(Exception) as caught:  # noqa: PT011
        await client.messages.create(**ASK)

    kind = type(caught.value)
    assert f"{kind.__module__.split('.')[0]}.{kind.__name__}" == error


async def test_another_content_type_comes_through_as_text(serve: Serve, claude: Claude) -> None:
    """A page of a proxy with status 200 is a text where a message was wanted."""
    client = await claude(serve(Turn(fault=Fault(content_type="text/html"))))

    message = await client.messages.create(**ASK)

    assert isinstance(message, str)


async def test_a_server_that_says_nothing_runs_into_the_timeout(
    serve: Serve, claude: Claude
) -> None:
    """It hangs until the client closes."""
    import anthropic

    client = await claude(serve(Turn(fault=Fault(hang=True))), timeout=0.3)

    with pytest.raises(anthropic.APITimeoutError):
        await client.messages.create(**ASK)


async def test_an_answer_that_ran_out_of_tokens_is_half_a_json(
    serve: Serve, claude: Claude
) -> None:
    """The text ends inside, and the stop reason says why."""
    turn = Turn(reply=Reply(structured={"name": "x" * 50}), fault=Fault(truncate_after=20))
    client = await claude(serve(turn))

    message = await client.messages.create(**ASK)

    assert message.content[0].text == '{"name": "xxxxxxxxxx'
    assert message.stop_reason == "max_tokens"
