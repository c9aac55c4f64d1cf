"""Events as they happen, over a WebSocket, from any event on.

The journal is the queue: each client is a place in it, and a page of events at a time. Whoever
comes back names the last event that arrived, and nothing is missing or said twice.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from typing import Protocol
from urllib.parse import parse_qs

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError
from ..service.tokens import Role
from .asgi import SCHEMA_VERSION, Receive, Scope, Send, to_bytes, with_safe_headers
from .callers import Caller, Callers
from .problems import Problem, problem_of
from .tail import Tail

STREAM_PATH = "/api/v1/stream"
PAGE = 100
HEARTBEAT_SECONDS = 15.0
_LOOK_AT_TOKEN_SECONDS = 1.0
FIRST_WORD_SECONDS = 10.0
MOST_STREAMS = 64
MOST_OF_ONE = 8

BAD_REQUEST, UNKNOWN, NOT_ALLOWED = 4400, 4401, 4403
TOO_SLOW, GONE_BACK, TOO_MANY = 4408, 4409, 4429
TRY_AGAIN = 1013
_CLOSE_CODES = {401: UNKNOWN, 403: NOT_ALLOWED, 409: GONE_BACK, 429: TOO_MANY}
_NAME = re.compile(r"[A-Za-z0-9/_.-]{0,120}")


class Told(Protocol):
    """Where events come from: a part of Control."""

    async def newest_event(self) -> int: ...
    async def history(self, after: int, limit: int, stream: str = "") -> list[JsonObject]: ...


class Stream:
    """Everybody who follows the journal."""

    def __init__(
        self,
        control: Told,
        callers: Callers,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        first_word_seconds: float = FIRST_WORD_SECONDS,
    ) -> None:
        self._control = control
        self._callers = callers
        self._tail = Tail(control.newest_event)
        self._heartbeat_seconds = heartbeat_seconds
        self._first_word_seconds = first_word_seconds
        self._open: Counter[str] = Counter()

    async def run(
        self, scope: Scope, receive: Receive, send: Send, *, caller: Caller | None
    ) -> None:
        """One connection from its handshake to its end."""
        await receive()  # what asks to be connected
        await with_safe_headers(send)({"type": "websocket.accept"})
        try:
            caller = caller or await self._introduced(scope, receive)
            caller.must(Role.VIEWER)
            after, stream = await self._start(scope)
            await self._follow(receive, send, caller, after=after, stream=stream)
        except Problem as problem:
            await _close(send, problem)
        except AutoclaveError as error:
            await _close(send, problem_of(error))

    async def _introduced(self, scope: Scope, receive: Receive) -> Caller:
        """Who it is by their first message. A URL would end up in logs, so it is not there."""
        try:
            async with asyncio.timeout(self._first_word_seconds):
                message = await receive()
        except TimeoutError:
            raise Problem(401, "credential_missing", "nobody said who it is") from None
        try:
            token = json.loads(message.get("text") or "")["token"]
        except (ValueError, LookupError, TypeError, RecursionError):
            token = ""
        return self._callers.with_text(token if isinstance(token, str) else "", scope)

    async def _start(self, scope: Scope) -> tuple[int, str]:
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        after, stream = asked.get("after", [""])[0], asked.get("stream", [""])[0]
        newest = await self._control.newest_event()
        if not _NAME.fullmatch(stream) or not re.fullmatch(r"[0-9]{0,15}", after):
            raise Problem(400, "invalid_input", "after is the id of an event, stream a name")
        start = int(after) if after else newest
        if start > newest:
            raise Problem(
                409, "stale", f"there is no event {start}: the journal ends with {newest}"
            )
        return start, stream

    async def _follow(
        self, receive: Receive, send: Send, caller: Caller, *, after: int, stream: str
    ) -> None:
        of_one, everybody = self._open[caller.token.id], self._open.total()
        if of_one >= MOST_OF_ONE or everybody >= MOST_STREAMS:
            raise Problem(429, "busy", "too many streams are open")
        self._open[caller.token.id] += 1
        telling = asyncio.create_task(self._tell(send, caller, after=after, stream=stream))
        hearing = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({telling, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                telling.result()
            elif hearing.result():
                raise Problem(400, "invalid_input", "nothing is to be said here")
        finally:
            self._open[caller.token.id] -= 1
            self._open += Counter()  # forgets those without one
            telling.cancel()
            hearing.cancel()
            await asyncio.gather(telling, hearing, return_exceptions=True)

    async def _tell(self, send: Send, caller: Caller, *, after: int, stream: str) -> None:
        """Pages as long as there are any, then the news as it comes."""
        await _say(send, {"type": "hello", "schema_version": SCHEMA_VERSION, "after": after})
        seen, said_at = after, time.monotonic()
        while True:
            self._check(caller)
            page = await self._control.history(after, PAGE, stream)
            for event in page:
                await _say(send, {"type": "event", "event": event})
                after = event["id"]
            if page:
                said_at, seen = time.monotonic(), max(seen, after)
            if len(page) == PAGE:
                continue
            last = await self._tail.beyond(seen, seconds=_LOOK_AT_TOKEN_SECONDS)
            if last is not None:
                # What is new may be in other streams: it is looked at once, not again and again.
                seen = last
            elif time.monotonic() - said_at >= self._heartbeat_seconds:
                await _say(send, {"type": "heartbeat", "after": after, "at": time.time()})
                said_at = time.monotonic()

    def _check(self, caller: Caller) -> None:
        if not self._callers.tokens.is_good(caller.token):
            raise Problem(401, "credential_missing", "the token was revoked or has expired")


async def _say(send: Send, value: JsonObject) -> None:
    await send({"type": "websocket.send", "text": to_bytes(value).decode("utf-8")})


async def _until_gone(receive: Receive) -> bool:
    """Wait for the end of the connection; True when something was said instead."""
    message = await receive()
    return bool(message["type"] == "websocket.receive")


async def _close(send: Send, problem: Problem) -> None:
    code = _CLOSE_CODES.get(problem.status, TRY_AGAIN if problem.status == 503 else BAD_REQUEST)
    # A close frame holds 125 bytes, two of them for the code.
    reason = problem.detail.encode("utf-8")[:120].decode("utf-8", "ignore")
    await send({"type": "websocket.close", "code": code, "reason": reason})
