"""The small part of ASGI that is used by hand: types, headers, answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from email.utils import formatdate
from typing import Any, TypeAlias

from ..domain.canonical import JsonObject

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

SCHEMA_VERSION = 1
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a header; of one that stands there twice, all of them with commas."""
    found = [value for key, value in scope["headers"] if key.lower() == name]
    return b", ".join(found).decode("latin-1") if found else None


def with_safe_headers(send: Send) -> Send:
    """`send` that adds what every answer carries; what this one says itself goes before that."""

    async def safely(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            now = (b"date", formatdate(usegmt=True).encode())
            own = list(message.get("headers", ()))
            names = {name for name, _ in own}
            always = [each for each in _ALWAYS if each[0] not in names]
            message = {**message, "headers": [now, *always, *own]}
        await send(message)

    return safely


async def respond(
    send: Send,
    status: int,
    body: bytes,
    *,
    media: str = "application/json",
    headers: Iterable[Header] = (),
    kind: str = "http",
) -> None:
    """One whole answer; `kind` is `websocket.http` for a handshake that is turned down."""
    said = [
        (b"content-type", media.encode("ascii")),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": f"{kind}.response.start", "status": status, "headers": said})
    await send({"type": f"{kind}.response.body", "body": body})


def to_bytes(value: JsonObject) -> bytes:
    """JSON as it goes out. Half a character, which a file may hold, goes out as its escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
