"""The dashboard's page, login and WebSocket: who gets in, from where, and for how long."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from autoclave.api.callers import Callers
from autoclave.api.places import Places
from autoclave.api.serving import bind, listening_on, url_of
from autoclave.api.web_dashboard import MOST_SCREENS, WebDashboard, serve_dashboard
from autoclave.api.web_sessions import IDLE_SECONDS, LONGEST_SECONDS, MOST_SESSIONS, Sessions
from autoclave.domain.errors import CredentialMissing
from autoclave.service.home import Home
from autoclave.service.tokens import Role, TokenStore

pytestmark = pytest.mark.slow

ECHO = (
    sys.executable,
    "-IS",
    "-c",
    "import sys\n"
    "for line in sys.stdin:\n"
    "    print(line.strip(), flush=True)\n"
    "    if 'leave' in line: break",
)
"""Says what it hears: as much of a dashboard as these tests need."""


@dataclass
class Web:
    url: str
    client: httpx2.AsyncClient
    tokens: TokenStore
    now: float = 0.0

    async def login(self, token: str, **headers: str) -> httpx2.Response:
        own = {"origin": self.url, **headers}
        return await self.client.post("/login", json={"token": token}, headers=own)

    async def enter(self, token: str) -> tuple[str, str]:
        """The cookie and the key of a new session."""
        answer = await self.login(token)
        return answer.headers["set-cookie"].partition(";")[0], answer.json()["key"]

    def screen(self, cookie: str, **headers: str) -> Any:
        said = {"origin": self.url, "cookie": cookie, **headers}
        url = self.url.replace("http", "ws") + "/screen"
        return connect(url, additional_headers={k: v for k, v in said.items() if v}, proxy=None)


@asynccontextmanager
async def shown(folder: Path, *command: str) -> AsyncIterator[Web]:
    tokens = TokenStore(folder)
    web = Web(url="", client=httpx2.AsyncClient(), tokens=tokens)
    app = WebDashboard(
        places=Places(),
        callers=Callers(tokens),
        sessions=Sessions(tokens, clock=lambda: web.now),
        command=command or ECHO,
    )
    with bind("127.0.0.1", 0) as listening:
        async with listening_on(app, listening):
            web.url = url_of(listening)
            async with httpx2.AsyncClient(base_url=web.url, trust_env=False) as client:
                web.client = client
                yield web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with shown(tmp_path) as web:
        yield web


@pytest.fixture
def token(tmp_path: Path) -> str:
    return TokenStore(tmp_path).create("maria", Role.OPERATOR, by="person:test")[1]


async def _ending(socket: Any) -> tuple[int, str]:
    """How the server ends a WebSocket."""
    async with asyncio.timeout(20):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            ended = closed.rcvd
    return (ended.code, ended.reason) if ended else (0, "cut off")


async def test_the_page_runs_nothing_but_its_own_file(web: Web) -> None:
    """No inline script, no frame around it, nothing kept by the browser, no secret in it."""
    for path in ("/", "/page.js", "/page.css"):
        answer = await web.client.get(path)
        policy = answer.headers.get_list("content-security-policy")
        assert answer.status_code == 200
        assert len(policy) == 1
        assert "default-src 'none'; script-src 'self'" in policy[0]
        assert "frame-ancestors 'none'" in policy[0]
        assert "unsafe" not in policy[0]
        assert answer.headers["cache-control"] == "no-store"
    page = (await web.client.get("/")).text
    assert "<script>" not in page
    assert "style=" not in page


async def test_a_good_token_opens_a_screen(web: Web, token: str) -> None:
    """The process hears who it is and what they may, never the token; then every key."""
    answer = await web.login(token)
    cookie, key = answer.headers["set-cookie"], answer.json()["key"]

    async with web.screen(cookie.partition(";")[0]) as socket:
        await socket.send(json.dumps({"key": key, "size": [80, 24]}))
        start = await socket.recv()
        await socket.send('{"text": "g"}')
        heard = await socket.recv()
        await socket.send('{"key": "leave"}')
        code, reason = await _ending(socket)

    assert {"HttpOnly", "SameSite=Strict", "Path=/screen"} <= set(cookie.split("; "))
    assert json.loads(start)["role"] == "operator"
    assert json.loads(start)["me"] == "person:maria@api"
    assert token not in start
    assert key not in start
    assert json.loads(heard) == {"text": "g"}
    assert (code, reason) == (1000, "you have left")
    with pytest.raises(InvalidStatus):
        await web.screen(cookie.partition(";")[0]).__aenter__()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
    ],
)
async def test_another_page_gets_no_screen_and_no_session(
    web: Web, token: str, headers: dict[str, str]
) -> None:
    """Not even with the cookie, the key and a token that are good."""
    cookie, _ = await web.enter(token)
    posted = {"origin": web.url, **headers}

    refused = await web.client.post(
        "/login", json={"token": token}, headers={k: v for k, v in posted.items() if v}
    )
    if "host" not in headers:  # the client writes that one itself
        with pytest.raises(InvalidStatus) as turned_down:
            await web.screen(cookie, **headers).__aenter__()
        assert turned_down.value.response.status_code == 403

    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


async def test_a_form_of_another_page_is_not_json(web: Web, token: str) -> None:
    """What a page may post without asking first is turned down before it is read."""
    for media in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"origin": web.url, "content-type": media}
        answer = await web.client.post("/login", content="{}", headers=headers)
        assert answer.status_code == 415


async def test_the_cookie_alone_opens_nothing(web: Web, token: str) -> None:
    """Another server on this machine gets to see it; the key it does not."""
    cookie, _ = await web.enter(token)
    _, other = await web.enter(token)

    for said in ({"key": other}, {"key": ""}, {}, {"key": None}):
        async with web.screen(cookie) as socket:
            await socket.send(json.dumps(said))
            assert (await _ending(socket))[0] == 4401


async def test_a_wrong_token_is_told_so_and_only_so_often(web: Web) -> None:
    """Guessing is held back."""
    answers = [(await web.login("autoclave_" + "0" * 12 + "_" + "x" * 43)) for _ in range(70)]

    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert not any("set-cookie" in each.headers for each in answers)


async def test_a_revoked_token_ends_the_screen(web: Web, token: str) -> None:
    """Within a second or so, whether or not a key is pressed."""
    cookie, key = await web.enter(token)
    async with web.screen(cookie) as socket:
        await socket.send(json.dumps({"key": key, "size": [80, 24]}))
        await socket.recv()

        web.tokens.revoke("maria")

        assert await _ending(socket) == (4401, "the token was revoked or has expired")


@pytest.mark.parametrize("seconds", [IDLE_SECONDS + 1, LONGEST_SECONDS + 1])
async def test_a_session_does_not_last(web: Web, token: str, seconds: float) -> None:
    """A browser that somebody left open is closed."""
    cookie, _ = await web.enter(token)

    web.now += seconds

    with pytest.raises(InvalidStatus):
        await web.screen(cookie).__aenter__()


async def test_the_newest_screen_of_a_session_is_the_one(web: Web, token: str) -> None:
    """A page that is loaded again takes over."""
    cookie, key = await web.enter(token)
    start = json.dumps({"key": key, "size": [80, 24]})
    async with web.screen(cookie) as first, web.screen(cookie) as second:
        await first.send(start)
        await first.recv()
        await second.send(start)
        await second.recv()

        assert await _ending(first) == (4401, "it was opened in another place")


async def test_there_are_only_so_many(web: Web, token: str) -> None:
    """Of processes, and of sessions."""
    kept = []
    for _ in range(MOST_SCREENS):
        cookie, key = await web.enter(token)
        socket = await web.screen(cookie).__aenter__()
        kept.append(socket)
        await socket.send(json.dumps({"key": key, "size": [80, 24]}))
        await socket.recv()

    cookie, key = await web.enter(token)
    async with web.screen(cookie) as one_more:
        await one_more.send(json.dumps({"key": key, "size": [80, 24]}))
        assert (await _ending(one_more))[0] == 4429
    answers = [await web.login(token) for _ in range(MOST_SESSIONS)]

    assert answers[-1].status_code == 429
    for socket in kept:
        await socket.close()


async def test_a_process_that_breaks_is_told_of(tmp_path: Path, token: str) -> None:
    """With its code; nothing that it wrote."""
    broken = (sys.executable, "-IS", "-c", "import sys; input(); sys.exit('private')")
    async with shown(tmp_path, *broken) as web:
        cookie, key = await web.enter(token)
        async with web.screen(cookie) as socket:
            await socket.send(json.dumps({"key": key, "size": [80, 24]}))

            code, reason = await _ending(socket)

    assert code == 1011
    assert "code 1" in reason
    assert "private" not in reason


async def test_without_a_token_nobody_could_come_in(tmp_path: Path) -> None:
    """So it says how to make one, and does not listen."""
    with pytest.raises(CredentialMissing) as refused:
        await serve_dashboard(
            Home(root=tmp_path),
            asyncio.Event(),
            command=ECHO,
            port=0,
            names=frozenset(),
            note=print,
        )

    assert "token create" in refused.value.hint
