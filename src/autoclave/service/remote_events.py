"""Events of an agent elsewhere, as they happen; a lost connection is taken up where it was."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from urllib.parse import urlencode

from ..domain.canonical import JsonObject
from ..domain.errors import CredentialMissing, InvalidInput, NotAllowed, Stale, Unreachable
from .remote_calls import check_url, is_here

_LARGEST_EVENT = 64 << 20
_QUIET_SECONDS = 60.0
"""The server says at least four things in this time."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 10.0
_MOST_TRIES = 12
_FINAL = {4400: InvalidInput, 4401: CredentialMissing, 4403: NotAllowed, 4409: Stale}


class RemoteEvents:
    """Iterate over it for every event after a given one, once each, in order, for ever."""

    def __init__(self, url: str, token: str, *, after: int, stream: str = "") -> None:
        self._url = check_url(url)
        self._token = token
        self._after = after
        self._stream = stream
        self._failed = 0

    async def __aiter__(self) -> AsyncIterator[JsonObject]:
        """Raises CredentialMissing, NotAllowed, Stale, InvalidInput, Unreachable."""
        while True:
            try:
                async for event in self._connected():
                    self._failed, self._after = 0, event["id"]
                    yield event
            except Unreachable:
                self._failed += 1
                if self._failed > _MOST_TRIES:
                    raise
                pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**self._failed)
                # Apart from each other: a server that comes back is not met by all at once.
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311

    async def _connected(self) -> AsyncIterator[JsonObject]:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

        try:
            async with connect(
                self._address(),
                additional_headers={"authorization": f"Bearer {self._token}"},
                max_size=_LARGEST_EVENT,
                proxy=None if is_here(self._url) else True,
                compression=None,
            ) as socket:
                while True:
                    async with asyncio.timeout(_QUIET_SECONDS):
                        said = json.loads(await socket.recv())
                    if said.get("type") == "hello":
                        self._after = max(self._after, said["after"])
                    elif said.get("type") == "event" and said["event"]["id"] > self._after:
                        yield said["event"]
        except ConnectionClosed as error:
            code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")
            if code in _FINAL:
                raise _FINAL[code](reason) from error
            raise Unreachable(f"the stream from {self._url} ended: {reason or code}") from error
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                raise CredentialMissing(f"{self._url} refuses this token ({status})") from error
            raise Unreachable(f"{self._url} answered {status}") from error
        except (OSError, TimeoutError, ValueError, WebSocketException) as error:
            raise Unreachable(f"no stream from {self._url}: {error}") from error

    def _address(self) -> str:
        asked = {"stream": self._stream} | ({"after": str(self._after)} if self._after >= 0 else {})
        return f"ws{self._url.removeprefix('http')}/api/v1/stream?{urlencode(asked)}"
