"""The two wire protocols, made patient only so far: slow heads and slow readers are let go."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .stream import TOO_SLOW

HEAD_SECONDS = 10.0
READER_SECONDS = 20.0
_LAST_WORD_SECONDS = 10.0


class PatientHttp(H11Protocol):
    """Closes a connection whose request head does not come; else a few would hold all places."""

    head_seconds = HEAD_SECONDS
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.close()


class PatientWebSocket(WebSocketsSansIOProtocol):
    """Closes a connection that does not read, with a reason that it finds when it does."""

    reader_seconds = READER_SECONDS

    async def send(self, message: Any) -> None:
        if not self.writable.is_set():
            try:
                async with asyncio.timeout(self.reader_seconds):
                    await self.writable.wait()
            except TimeoutError:
                self._let_go()
                raise ClientDisconnected from None
        await super().send(message)

    def _let_go(self) -> None:
        if self.close_sent or self.disconnected:
            return
        self.conn.send_close(TOO_SLOW, "too slow: come back and go on after your last event")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        # It may never read again, and a place is not held for that.
        self.close_timer = self.loop.call_later(_LAST_WORD_SECONDS, self.transport.abort)
