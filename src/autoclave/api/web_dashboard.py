"""The dashboard in a browser: one page, a login and a WebSocket, each behind the same checks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, CredentialMissing
from ..domain.strict_json import read_object
from ..service.home import Home
from ..service.tokens import Role, TokenStore
from .asgi import (
    Header,
    Message,
    Receive,
    Scope,
    Send,
    header,
    respond,
    to_bytes,
    with_safe_headers,
)
from .callers import Caller, Callers
from .places import Places
from .problems import Problem, problem_of, unauthenticated
from .serving import bind, listening_on, url_of
from .web_screen import Ending, show
from .web_sessions import COOKIE, Session, Sessions, cookie_of

SCREEN = "/screen"
MOST_SCREENS = 4
_LARGEST_LOGIN = 4096
_PATIENCE_SECONDS = 10.0
_PAGES = MappingProxyType(
    {
        "/": ("page.html", "text/html; charset=utf-8"),
        "/page.js": ("page.js", "text/javascript; charset=utf-8"),
        "/page.css": ("page.css", "text/css; charset=utf-8"),
    }
)
_POLICY: tuple[Header, ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        b"form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
        b"require-trusted-types-for 'script'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


@dataclass(slots=True, kw_only=True)
class WebDashboard:
    """An ASGI application. Each screen is a process that `command` starts."""

    places: Places
    callers: Callers
    sessions: Sessions
    command: tuple[str, ...]
    _screens: int = field(default=0, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open(scope, receive, with_safe_headers(send))
        elif scope["type"] == "http":
            await self._answer(scope, receive, with_safe_headers(send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self.places.check(scope)
            if scope["path"] == "/login":
                await self._login(scope, receive, send)
            else:
                await _give_page(scope, send)
        except Problem as problem:
            await problem.send(send)
        except AutoclaveError as error:
            await problem_of(error).send(send)

    async def _login(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise Problem(405, "not_that_way", "a token is posted", headers=((b"allow", b"POST"),))
        _check_own_page(scope)
        token = (await _read_login(scope, receive)).get("token")
        caller = self.callers.with_text(token if isinstance(token, str) else "", scope)
        caller.must(Role.VIEWER)
        cookie, key = self.sessions.begin(caller)
        # No `Secure`: on loopback there is no TLS. No date: it goes with the browser.
        held = f"{COOKIE}={cookie}; Path={SCREEN}; HttpOnly; SameSite=Strict"
        body = to_bytes({"key": key, "role": str(caller.token.role)})
        await respond(send, 200, body, headers=((b"set-cookie", held.encode("ascii")),))

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # what asks to be connected
        try:
            session = self._session(scope)
        except Problem as problem:
            await problem.send(send, kind="websocket.http")
            return
        await send({"type": "websocket.accept"})
        try:
            ending = await self._show(session, receive, send)
        except Problem as problem:
            ending = Ending(code=4400 + problem.status % 100, reason=problem.detail)
        reason = ending.reason.encode("utf-8")[:120].decode("utf-8", "ignore")
        await send({"type": "websocket.close", "code": ending.code, "reason": reason})

    def _session(self, scope: Scope) -> Session:
        """Whoever opens a screen. Raises Problem."""
        self.places.check(scope)
        _check_own_page(scope)
        if scope["path"] != SCREEN:
            raise Problem(404, "not_found", "there is nothing at this address")
        session = self.sessions.find(cookie_of(header(scope, b"cookie") or ""))
        if session is None:
            raise unauthenticated("nobody has logged in here")
        return session

    async def _show(self, session: Session, receive: Receive, send: Send) -> Ending:
        first = await _first_word(receive)
        if not self.sessions.is_key(session, first.get("key")):
            raise unauthenticated("log in: this page does not belong to the session")
        if self._screens >= MOST_SCREENS:
            raise Problem(429, "busy", f"{MOST_SCREENS} dashboards are open, and no more may be")
        start = {**_who(session.caller), "size": first.get("size"), "light": first.get("light")}
        self._screens += 1
        try:
            ending = await show(
                self.command,
                start,
                sessions=self.sessions,
                session=session,
                receive=receive,
                send=send,
            )
        finally:
            self._screens -= 1
        if ending.reason == "you have left":
            self.sessions.end(session)
        return ending


async def serve_dashboard(
    home: Home,
    stop: asyncio.Event,
    *,
    command: tuple[str, ...],
    port: int,
    names: frozenset[str],
    note: Callable[[str], None],
) -> None:
    """Show dashboards on loopback until `stop` is set. Raises Busy, CredentialMissing."""
    tokens = TokenStore(home.runtime)
    if not tokens.has_any():
        raise CredentialMissing(
            "a browser gets in with a token, and there is none",
            hint="autoclave token create NAME --role viewer",
        )
    app = WebDashboard(
        places=Places(names),
        callers=Callers(tokens),
        sessions=Sessions(tokens),
        command=command,
    )
    with bind("127.0.0.1", port) as listening:
        async with listening_on(app, listening):
            note(f"the dashboard is at {url_of(listening)}; Ctrl-C stops it")
            await stop.wait()
    tokens.keep_uses()


def _who(caller: Caller) -> JsonObject:
    return {"role": str(caller.token.role), "me": caller.by}


def _check_own_page(scope: Scope) -> None:
    """Browsers say from which page a post or a WebSocket comes; what does not say it is none."""
    if header(scope, b"origin") is None:
        raise Problem(403, "foreign_origin", "this is asked for by the page alone")


async def _give_page(scope: Scope, send: Send) -> None:
    found = _PAGES.get(scope["path"])
    if found is None:
        raise Problem(404, "not_found", "there is nothing at this address")
    if scope["method"] not in ("GET", "HEAD"):
        raise Problem(405, "not_that_way", "it can only be read", headers=((b"allow", b"GET"),))
    name, media = found
    await respond(send, 200, _page(name), media=media, headers=_POLICY)


@cache
def _page(name: str) -> bytes:
    return files(__package__).joinpath("web_page", name).read_bytes()


async def _read_login(scope: Scope, receive: Receive) -> JsonObject:
    media = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Problem(415, "not_json", "a token is posted as application/json")
    body = b""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                message: Message = await receive()
                body += message.get("body", b"")
                if len(body) > _LARGEST_LOGIN:
                    raise Problem(413, "too_large", "that is not a token")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Problem(408, "too_slow", "the request did not arrive in time") from None
    return read_object(body, what="the request")


async def _first_word(receive: Receive) -> JsonObject:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            message = await receive()
        said = json.loads(message.get("text") or "")
    except (TimeoutError, ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise unauthenticated("nobody said who it is")
    return said
