"""Events over a WebSocket: in order, once each, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from autoclave.api.protocols import PatientWebSocket
from autoclave.api.stream import MOST_OF_ONE
from autoclave.domain.errors import CredentialMissing, Stale
from autoclave.domain.events import EventKind, NewEvent
from autoclave.service.remote import RemoteControl
from autoclave.service.remote_events import RemoteEvents
from autoclave.service.tokens import Role

pytestmark = pytest.mark.slow


@asynccontextmanager
async def stream(
    place: Any, query: str = "after=0", *, headers: dict[str, str] | None = None, **more: Any
) -> AsyncIterator[ClientConnection]:
    named = place[Role.VIEWER] if headers is None else headers
    url = f"ws{place.url.removeprefix('http')}/api/v1/stream?{query}"
    async with connect(url, additional_headers=named, proxy=None, **more) as socket:
        yield socket


async def say(place: Any, number: int = 1, *, size: int = 0) -> None:
    for _ in range(number):
        event = NewEvent(kind=EventKind.AGENT_STOPPED, payload={"doing": "x" * size})
        await place.control._parts.ledger.post("agent", event, actor="kernel")


async def hear(socket: ClientConnection, number: int) -> list[int]:
    """The ids of so many events."""
    heard: list[int] = []
    async with asyncio.timeout(30):
        while len(heard) < number:
            said = json.loads(await socket.recv())
            if said["type"] == "event":
                heard.append(said["event"]["id"])
    return heard


async def hear_all(socket: ClientConnection, seen: list[int]) -> None:
    while True:
        seen += await hear(socket, 1)


async def test_what_was_and_what_comes(place: Any) -> None:
    """From an event on: first the history, then the news, without a seam."""
    await say(place, 250)
    async with stream(place, "after=10") as socket:
        hello = json.loads(await socket.recv())
        old = await hear(socket, 240)
        await say(place, 3)
        new = await hear(socket, 3)

    assert hello == {"type": "hello", "schema_version": 1, "after": 10}
    assert old + new == list(range(11, 254))


async def test_without_a_start_only_news(place: Any) -> None:
    """And of one stream alone, when that is asked for."""
    await say(place, 3)
    async with stream(place, "stream=goal/") as socket:
        assert json.loads(await socket.recv())["after"] == 3
        await say(place)
        await place.post("/api/v1/goals", {"text": "show a.txt"})
        assert await hear(socket, 1) == [5]


async def test_a_quiet_stream_says_that_it_lives(place: Any) -> None:
    """With where it stands."""
    place.stream._heartbeat_seconds = 0.05
    await say(place, 2)
    async with stream(place) as socket:
        await hear(socket, 2)
        beat = json.loads(await socket.recv())

    assert (beat["type"], beat["after"]) == ("heartbeat", 2)


async def test_a_token_may_be_the_first_word(place: Any) -> None:
    """For clients that cannot set headers; it never stands in the URL."""
    await say(place)
    async with stream(place, headers={}) as socket:
        await socket.send(json.dumps({"token": place.token(Role.VIEWER)}))
        assert await hear(socket, 1) == [1]


async def test_a_wrong_first_word_ends_it(place: Any) -> None:
    """Nothing was told before."""
    await say(place)
    for word in ['{"token": "autoclave_x"}', "{}", "[]", "x", '{"token": 7}']:
        async with stream(place, headers={}) as socket:
            await socket.send(word)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


async def test_silence_is_no_introduction(place: Any) -> None:
    """A connection that does not say who it is holds no place."""
    place.stream._first_word_seconds = 0.05
    async with stream(place, headers={}) as socket:
        with pytest.raises(ConnectionClosed, match="nobody said"):
            await socket.recv()


async def test_strangers_are_turned_down_at_the_handshake(place: Any) -> None:
    """With a problem document instead of a stream."""
    for headers in (
        {"origin": "https://evil.example"},
        {"authorization": "Bearer autoclave_x"},
        {"sec-fetch-site": "cross-site"},
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with stream(place, headers=headers):
                pass
        assert refused.value.response.status_code in (401, 403)
        assert json.loads(refused.value.response.body or b"")["code"]


async def test_a_token_that_is_revoked_ends_its_streams(place: Any) -> None:
    """Within a second, and whoever comes back is turned down."""
    async with stream(place) as socket:
        await socket.recv()
        place.tokens.revoke("viewer")
        with pytest.raises(ConnectionClosed, match="revoked"):
            async with asyncio.timeout(10):
                await socket.recv()
    with pytest.raises(InvalidStatus):
        async with stream(place):
            pass


async def test_what_is_said_into_a_stream_ends_it(place: Any) -> None:
    """Small or large: there is nothing to say."""
    for word, code in (("hello", 4400), ("x" * 100_000, 1009)):
        async with stream(place) as socket:
            await socket.recv()
            await socket.send(word)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


async def test_no_such_place_in_the_journal(place: Any) -> None:
    """What is no id, and what lies beyond the end, as after going back to a checkpoint."""
    for query in ("after=x", "after=-1", "stream=a%20b", "after=9999"):
        async with stream(place, query) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == (4409 if query == "after=9999" else 4400)


async def test_one_token_has_so_many_streams(place: Any) -> None:
    """Then the next one is turned down, until one of them ends."""
    async with AsyncExitStack() as opened:
        for _ in range(MOST_OF_ONE):
            socket = await opened.enter_async_context(stream(place))
            await socket.recv()
        async with stream(place) as one_more:
            with pytest.raises(ConnectionClosed, match="too many"):
                await one_more.recv()
    async with stream(place) as again:
        assert json.loads(await again.recv())["type"] == "hello"


async def test_a_reader_that_does_not_read_is_let_go_and_comes_back(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a reason; the server kept no more than a buffer for it, and nothing is lost."""
    monkeypatch.setattr(PatientWebSocket, "reader_seconds", 0.2)
    await say(place, 60, size=200_000)
    seen: list[int] = []
    async with stream(place, max_queue=1) as socket:
        seen += await hear(socket, 1)
        await asyncio.sleep(1.0)  # the time it does not read is what this is about
        with pytest.raises(ConnectionClosed) as closed:
            await hear_all(socket, seen)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, len(seen) < 60) == (4408, True)

    async with stream(place, f"after={seen[-1]}") as socket:
        seen += await hear(socket, 60 - len(seen))
    assert seen == list(range(1, 61))


class Cutter:
    """A way between client and server that breaks after a random number of bytes."""

    def __init__(self, url: str, *, seed: int) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._to = (host, int(port))
        self._random = random.Random(seed)  # noqa: S311
        self.cuts = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._to)
        there = asyncio.create_task(self._copy(reader, there_writer, 1 << 30))
        await self._copy(there_reader, writer, self._random.randrange(200, 20_000))
        self.cuts += 1
        there.cancel()
        writer.transport.abort()
        there_writer.transport.abort()

    async def _copy(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, most: int
    ) -> None:
        while most > 0 and (data := await source.read(min(most, 4096))):
            most -= len(data)
            to.write(data)
            await to.drain()


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_missed_or_said_twice_over_a_bad_line(
    place: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line breaks at random bytes, in the middle of frames too, while events go on."""
    monkeypatch.setattr("autoclave.service.remote_events._FIRST_PAUSE_SECONDS", 0.005)
    await say(place, 100, size=50)
    cutter, heard = Cutter(place.url, seed=seed), []

    async def go_on() -> None:
        for _ in range(60):
            await say(place, 5, size=50)
            await asyncio.sleep(0.005)

    async with cutter.open() as url, asyncio.timeout(90):
        more = asyncio.create_task(go_on())
        async for event in RemoteEvents(url, place.token(Role.VIEWER), after=0):
            heard.append(event["id"])
            if event["id"] == 400:
                break
        await more

    assert heard == list(range(1, 401))
    assert cutter.cuts > 3


async def test_the_remote_door_tells_ends_that_are_final(place: Any) -> None:
    """A token that is no good, and a place that is not there, are not tried again."""
    remote = RemoteControl(place.url, "autoclave_x")
    with pytest.raises(CredentialMissing):
        await anext(remote.events(0))
    remote = RemoteControl(place.url, place.token(Role.VIEWER))
    with pytest.raises(Stale):
        await anext(remote.events(99))


async def test_the_end_of_the_server_is_said(home: Any, serve_home: Any) -> None:
    """Streams are closed when it stops, so that clients come back to the next one."""
    async with serve_home(home) as place:
        opened = stream(place)
        socket = await opened.__aenter__()
        await socket.recv()
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
