"""The first thing every request meets: who, from where, how much; then who answers it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

from ..domain.errors import AutoclaveError
from ..domain.strict_json import read_object
from ..service.tokens import Role
from .asgi import (
    SCHEMA_VERSION,
    App,
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
from .places import Places, is_loopback
from .probes import METRICS_MEDIA, Probes
from .problems import Problem, problem_of, unauthenticated
from .stream import STREAM_PATH, Stream

LARGEST_BODY = 1 << 20
BODY_SECONDS = 30.0
LET_PASS_SECONDS = 0.5
_LET_PASS_BYTES = 16 << 20
API = "/api/v1/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """An ASGI application around the others."""

    places: Places
    callers: Callers
    probes: Probes
    stream: Stream
    rest: Callable[[], Awaitable[App]]
    """Made when it is first asked for: what it stands on is half as large as all the rest."""
    log: Path
    """Where bugs are written down; an answer never shows one."""
    metrics_need_token: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._watch(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, with_safe_headers(send))

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self.places.check(scope)
            if scope["path"] != STREAM_PATH:
                raise _nothing(scope)
            caller = self.callers.of(scope)
        except AutoclaveError as error:
            problem = problem_of(error)
        except Problem as error:
            problem = error
        else:
            await self.stream.run(scope, receive, send, caller=caller)
            return
        await receive()  # what asks to be connected
        await problem.send(with_safe_headers(send), kind="websocket.http")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def watched(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._serve(scope, receive, watched)
        except Problem as error:
            problem = error
        except AutoclaveError as error:
            problem = problem_of(error)
        except Exception as error:  # noqa: BLE001  the edge of the process
            problem = self._bug(error)
        else:
            return
        if not began:
            await problem.send(send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.places.check(scope)
        caller = self.callers.of(scope)
        path = scope["path"]
        if path in ("/livez", "/readyz", "/metrics"):
            _only_get(scope)
            await self._probe(path, scope, send, caller)
            return
        if not path.startswith(API):
            raise _nothing(scope)
        if caller is None:
            raise unauthenticated("this takes a token")
        body = await _body(scope, receive)
        scope.setdefault("state", {})["caller"] = caller
        rest = await self.rest()
        await rest(scope, _replay(body, receive), send)

    async def _probe(self, path: str, scope: Scope, send: Send, caller: Caller | None) -> None:
        if path == "/livez":
            await respond(send, 200, to_bytes({"schema_version": SCHEMA_VERSION, "alive": True}))
        elif path == "/readyz":
            await self._ready(scope, send, caller)
        else:
            self._check_reader(scope, caller, is_closed=self.metrics_need_token)
            text = await self.probes.metrics()
            await respond(send, 200, text.encode("utf-8", "replace"), media=METRICS_MEDIA)

    async def _ready(self, scope: Scope, send: Send, caller: Caller | None) -> None:
        if "verbose" in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            self._check_reader(scope, caller)
            found = await self.probes.ready_in_full()
        else:
            found = await self.probes.ready()
        status = 200 if found["ready"] else 503
        await respond(send, status, to_bytes({"schema_version": SCHEMA_VERSION, **found}))

    def _check_reader(
        self, scope: Scope, caller: Caller | None, *, is_closed: bool = False
    ) -> None:
        """On this machine everybody may read it, from elsewhere whoever has a token."""
        if caller is not None:
            caller.must(Role.VIEWER)
        elif is_closed or not is_loopback(scope):
            raise unauthenticated("this takes a token")

    def _bug(self, error: Exception) -> Problem:
        where = f"api-bug-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"
        try:
            flags = os.O_CREAT | os.O_WRONLY | os.O_EXCL
            with os.fdopen(os.open(self.log / where, flags, 0o600), "w") as file:
                traceback.print_exception(error, file=file)
        except OSError:
            where = "nowhere: there was no place for it"
        hint = f"the details are in the log of the home: {where}"
        return Problem(500, "bug", "this is a bug in Autoclave", hint=hint)


def _nothing(scope: Scope) -> Problem:
    return Problem(404, "not_found", "there is nothing at this address", hint="see docs/api.md")


def _only_get(scope: Scope) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        raise Problem(
            405, "not_that_way", "this can only be read", headers=((b"allow", b"GET, HEAD"),)
        )


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, if it is JSON, not too large and not too slow. Raises Problem."""
    if scope["method"] in ("GET", "HEAD"):
        return b""
    if scope["method"] == "POST":
        media = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise Problem(415, "not_json", "a request says what it wants as application/json")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _collect(scope, receive)
    except TimeoutError:
        raise Problem(408, "too_slow", "the request did not arrive in time") from None
    if scope["method"] == "POST":
        read_object(body, what="the request")
    return body


async def _collect(scope: Scope, receive: Receive) -> bytes:
    said = header(scope, b"content-length") or "0"
    body = bytearray()
    more = True
    while more:
        if not said.isdigit() or int(said) > LARGEST_BODY or len(body) > LARGEST_BODY:
            await _let_pass(receive)
            raise _too_large()
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "gone", "the request was cut off")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > LARGEST_BODY:
        raise _too_large()
    return bytes(body)


async def _let_pass(receive: Receive) -> None:
    """Read a little further: a client that is still sending would not see the answer."""
    passed = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LET_PASS_SECONDS):
            while passed < _LET_PASS_BYTES:
                message = await receive()
                passed += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _too_large() -> Problem:
    return Problem(
        413,
        "too_large",
        f"a request has at most {LARGEST_BODY:,} bytes",
        headers=((b"connection", b"close"),),
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, for whoever reads it next."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
