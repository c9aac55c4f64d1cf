"""How much, how often and how slowly somebody may ask."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.api.guard import LARGEST_BODY
from autoclave.api.protocols import PatientHttp
from autoclave.api.rates import Rate, Rates
from autoclave.service.tokens import Role

pytestmark = pytest.mark.slow


async def test_what_is_too_large_is_refused_before_it_is_read(place: Any, raw: Any) -> None:
    """By what the request says of itself."""
    head = (
        f"POST /api/v1/goals HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {place.token(Role.OPERATOR)}\r\n"
        f"Content-Length: {LARGEST_BODY + 1}\r\n\r\n"
    )

    assert (await raw(place.url, head.encode())).startswith(b"HTTP/1.1 413")


@pytest.mark.slow
async def test_what_does_not_say_how_large_it_is_is_counted(place: Any) -> None:
    """Chunks add up."""

    async def chunks() -> Any:
        yield b'{"text": "'
        for _ in range(20):
            yield b"x" * 65_536
        yield b'"}'

    headers = {**place[Role.OPERATOR], "content-type": "application/json"}
    answer = await place.client.post("/api/v1/goals", content=chunks(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_head_without_end_is_cut_off(place: Any, raw: Any) -> None:
    """Headers have a limit of their own."""
    answer = await raw(place.url, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 99_999)

    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_head_that_does_not_come_is_not_waited_for(
    place: Any, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a silent connection nor one that says a letter now and then holds a place."""
    monkeypatch.setattr(PatientHttp, "head_seconds", 0.05)

    assert await raw(place.url, b"") == b""
    assert await raw(place.url, b"GET /livez HTTP/1.1\r\nHo") == b""


@pytest.mark.slow
async def test_who_asks_too_often_waits(place: Any) -> None:
    """Each token has a measure of its own, and hears how long to wait."""
    viewer, operator = place[Role.VIEWER], place[Role.OPERATOR]
    answers = [await place.get("/livez", None, headers=viewer) for _ in range(200)]

    last = answers[-1]
    assert (last.status_code, last.json()["code"]) == (429, "busy")
    assert int(last.headers["retry-after"]) >= 1
    assert (await place.get("/livez", None, headers=operator)).status_code == 200


@pytest.mark.slow
async def test_a_flood_without_a_token_keeps_nobody_with_one_out(place: Any) -> None:
    """A page on this machine may knock as often as it likes."""
    bad = {"authorization": "Bearer autoclave_nothing"}
    flood = [await place.get("/api/v1/goals", None, headers=bad) for _ in range(70)]

    assert {each.status_code for each in flood} == {401, 429}
    assert (await place.get("/api/v1/goals")).status_code == 200


def test_a_bucket_gives_what_flows_in_and_no_more() -> None:
    """After the burst, so many each second."""
    now = [0.0]
    rates = Rates(Rate(burst=2, per_second=1), clock=lambda: now[0])

    assert [rates.take("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    now[0] += 1.0
    assert [rates.take("a"), rates.take("a")] == [0.0, 1.0]
    assert rates.take("b") == 0.0


@given(st.lists(st.floats(0, 5), max_size=60))
def test_never_more_than_burst_and_flow(pauses: list[float]) -> None:
    """However the requests are spread."""
    now = [0.0]
    rates = Rates(Rate(burst=4, per_second=2), clock=lambda: now[0])
    taken = 0
    for pause in pauses:
        now[0] += pause
        taken += rates.take("a") == 0.0

    assert taken <= 4 + 2 * now[0] + 1e-6


async def test_addresses_that_come_once_are_forgotten() -> None:
    """A bucket for each of very many costs no memory."""
    rates = Rates(Rate(burst=1, per_second=1))
    for number in range(10_000):
        rates.take(str(number))

    assert len(rates._buckets) <= 4096


WRONG = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b"[" * 100_000,
    b'{"text": "a", "text": "b"}',
    b'{"text": NaN}',
    b'{"text": "\\ud800"}',
    b'{"text": "\\u0000"}',
    b'{"text": "\xff"}',
    b'{"text": 1}',
    b'{"text": "a", "nothing": 1}',
    b'{"text": "a", "budget_usd": 1e999}',
    b'{"text": "a", "budget_usd": -1}',
    b'{"text": "a", "priority": 9999999999999999999999999}',
    b'{"text": "a", "workspace": "/no/such/folder"}',
    b'{"text": "a", "model": "gpt; rm"}',
    b'{"text": "   "}',
]


async def test_no_body_is_a_bug(place: Any) -> None:
    """Whatever is wrong is said, as a problem document."""
    headers = {**place[Role.APPROVER], "content-type": "application/json"}
    for body in WRONG:
        answer = await place.client.post("/api/v1/goals", content=body, headers=headers)
        assert answer.status_code in (404, 422), body[:100]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


@pytest.mark.slow
async def test_many_at_once_are_all_answered(place: Any) -> None:
    """Readers do not stand in each other's way."""
    paths = ["/api/v1/goals", "/api/v1/status", "/livez", "/metrics"] * 5
    answers = await asyncio.gather(*(place.get(path) for path in paths))

    assert {each.status_code for each in answers} == {200}
    assert json.loads(answers[0].text) == {"schema_version": 1, "goals": []}
