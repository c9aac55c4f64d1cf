"""A server on the loopback in a thread of its own, so that a test may wait in any way it likes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.exchanges import Exchange, ExchangeLog
from tests.servers.script import Mismatch, Script, script_of
from tests.servers.turns import Item
from tests.servers.wire import Answer, Connection, Gone, Request

_HOST = "127.0.0.1"
_BACKLOG = 256
_START_SECONDS = 10


class Clock:
    """The time a server lives by; a test moves it instead of waiting."""

    def __init__(self) -> None:
        self._moved = 0.0

    def advance(self, seconds: float) -> None:
        self._moved += seconds

    def __call__(self) -> float:
        return time.time() + self._moved


class LoopbackServer(ABC):
    """What both servers share: a script, a log, a key, and a thread while it is entered."""

    prefix = ""
    """What the SDK's base URL has behind the port."""

    def __init__(
        self,
        turns: Script | Sequence[Item] = (),
        *,
        key: str | None = None,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        self.script = script_of(turns)
        self.clock = Clock()
        self.key = key
        self._log = ExchangeLog(log)
        self._port = port
        self._ready = threading.Event()
        self._start_error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The variables that send a client here."""

    @abstractmethod
    def answer(self, number: int, request: Request) -> Answer:
        """Answers one request; runs in the server's loop, one at a time."""

    @property
    def base_url(self) -> str:
        return f"http://{_HOST}:{self._port}{self.prefix}"

    @property
    def requests(self) -> list[Exchange]:
        """Everything asked so far."""
        return list(self._log.exchanges)

    @property
    def bodies(self) -> list[dict[str, object]]:
        """The JSON of every request that asked the model something."""
        return [e.body for e in self.requests if e.path.endswith(("/messages", "/completions"))]

    @property
    def mismatches(self) -> list[Mismatch]:
        return list(self.script.mismatches)

    def check(self) -> None:
        """Everything came that the script expects, and nothing else."""
        problems = [f"request {m.number}: {m.reason}" for m in self.mismatches]
        problems += [f"{name} was never asked for" for name in self.script.left()]
        if problems:
            raise AssertionError("the script was not followed: " + "; ".join(problems))

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS) or self._start_error is not None:
            raise RuntimeError("the server did not start") from self._start_error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._start_error = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        clients: set[asyncio.Task[None]] = set()

        def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._client(Connection(reader, writer)))
            clients.add(task)
            task.add_done_callback(clients.discard)

        server = await asyncio.start_server(welcome, _HOST, self._port, backlog=_BACKLOG)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()

    async def _client(self, connection: Connection) -> None:
        try:
            with contextlib.suppress(Gone):
                while request := await connection.next_request():
                    number = self._log.next_number()
                    answer = self._answer_or_tell(number, request)
                    self._log.add(number, request, answer)
                    await connection.send(answer)
        finally:
            await connection.close()

    def _answer_or_tell(self, number: int, request: Request) -> Answer:
        try:
            return self.answer(number, request)
        except Exception as error:  # noqa: BLE001
            # The edge of the thread: a test must hear what its own function raised here.
            reason = f"{type(error).__name__}: {error}"
            self.script.refuse(number, reason)
            body = {"type": "error", "error": {"type": "api_error", "message": reason}}
            return Answer(
                status=500,
                headers={"content-type": "application/json", "x-should-retry": "false"},
                body=json.dumps(body).encode(),
                note={"mismatch": reason},
            )
