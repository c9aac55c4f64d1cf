"""HTTP/1.1 by hand over asyncio, because a test server must also be able to break it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SECRET = frozenset({"authorization", "x-api-key"})
_MAX_HEAD = 64 * 1024


class Gone(Exception):
    """The connection is over; nothing more can be said on it."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """By their names in lower case."""
    raw: bytes

    @property
    def open_headers(self) -> dict[str, str]:
        """All but those that carry a key."""
        return {name: value for name, value in self.headers.items() if name not in _SECRET}

    @property
    def bearer(self) -> str | None:
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back: one body, or the frames of a stream."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    frames: tuple[bytes, ...] | None = None
    delay_seconds: float = 0.0
    event_delay_seconds: float = 0.0
    cut_after_bytes: int | None = None
    reset: bool = False
    hang: bool = False
    note: Mapping[str, Any] = field(default_factory=dict)
    """What the log says about it."""


class Connection:
    """One client, for as long as it stays."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def next_request(self) -> Request | None:
        """The next request, or nothing when the client has left."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, headers = _parse_head(head)
            raw = await self._body(headers)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        method, target, _ = first.split(" ", 2)
        parts = urlsplit(target)
        return Request(
            method=method,
            path=unquote(parts.path),
            query=parse_qs(parts.query),
            headers=headers,
            raw=raw,
        )

    async def send(self, answer: Answer) -> None:
        """Answers, or fails in the way that the answer says; raises `Gone` after a broken one."""
        try:
            await self._pause(answer.delay_seconds)
            if answer.hang:
                await self._reader.read()
                raise Gone
            if answer.reset:
                self._reset()
            elif answer.frames is None:
                await self._whole(answer)
            else:
                await self._stream(answer, answer.frames)
        except ConnectionError as error:
            raise Gone from error

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await self._reader.readexactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readuntil(b"\r\n")
        return body

    async def _whole(self, answer: Answer) -> None:
        self._head(answer, {"content-length": str(len(answer.body))})
        if answer.cut_after_bytes is not None:
            self._writer.write(answer.body[: answer.cut_after_bytes])
            await self._writer.drain()
            raise Gone
        self._writer.write(answer.body)
        await self._writer.drain()

    async def _stream(self, answer: Answer, frames: Iterable[bytes]) -> None:
        self._head(answer, {"transfer-encoding": "chunked"})
        left = answer.cut_after_bytes
        for number, frame in enumerate(frames):
            await self._pause(answer.event_delay_seconds if number else 0)
            for piece in _awkward_pieces(frame if left is None else frame[:left]):
                self._writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await self._writer.drain()
            if left is not None:
                left -= len(frame)
                if left <= 0:
                    raise Gone
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def _head(self, answer: Answer, more: Mapping[str, str]) -> None:
        phrase = HTTPStatus(answer.status).phrase if answer.status in _KNOWN else "Unnamed"
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in {**answer.headers, **more}.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._writer.drain()
            await asyncio.sleep(seconds)

    def _reset(self) -> None:
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._writer.transport.abort()
        raise Gone


_KNOWN = frozenset(status.value for status in HTTPStatus)


def _parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


def _awkward_pieces(frame: bytes) -> list[bytes]:
    """A frame in two, inside its first character of several bytes or else in the middle."""
    inside = next((n for n, byte in enumerate(frame) if 0x80 <= byte < 0xC0), len(frame) // 2)
    return [piece for piece in (frame[:inside], frame[inside:]) if piece]
