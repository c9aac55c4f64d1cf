"""One dashboard for one browser: a process of its own, its frames out and its keys in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from ..domain.canonical import JsonObject
from .asgi import Receive, Send
from .web_sessions import Session, Sessions

LOOK_SECONDS = 1.0
_LARGEST_FRAME = 8 << 20
_LAST_SECONDS = 3.0
LEFT, OVER, BROKEN = 1000, 4401, 1011


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why a screen is not shown any more."""

    code: int
    reason: str


GONE = Ending(code=LEFT, reason="")


async def show(
    command: tuple[str, ...],
    start: JsonObject,
    *,
    sessions: Sessions,
    session: Session,
    receive: Receive,
    send: Send,
) -> Ending:
    """Show a dashboard until somebody leaves, the session ends or the process does."""
    session.screen = mine = object()
    async with _process(command) as process:
        await _say(_keys_of(process), start)
        parts = [
            asyncio.create_task(_frames(process, send)),
            asyncio.create_task(_keys(_keys_of(process), receive, sessions, session)),
            asyncio.create_task(_watch(sessions, session, mine)),
        ]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)


@asynccontextmanager
async def _process(command: tuple[str, ...]) -> AsyncIterator[asyncio.subprocess.Process]:
    """It sees the end of its input, and is ended when it does not care."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LARGEST_FRAME,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        await asyncio.shield(asyncio.ensure_future(_end(process)))


def _keys_of(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    return cast("asyncio.StreamWriter", process.stdin)


def _frames_of(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    return cast("asyncio.StreamReader", process.stdout)


async def _end(process: asyncio.subprocess.Process) -> None:
    _keys_of(process).close()
    # A pipe that is full would keep it from seeing the end.
    draining = asyncio.create_task(_drain(process))
    for ask in (process.terminate, process.kill):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await process.wait()
        if process.returncode is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            ask()
    await process.wait()
    await draining


async def _drain(process: asyncio.subprocess.Process) -> None:
    while await _frames_of(process).read(1 << 16):
        pass


async def _frames(process: asyncio.subprocess.Process, send: Send) -> Ending:
    while line := await _frames_of(process).readline():
        await send({"type": "websocket.send", "text": line.decode("utf-8").rstrip("\n")})
    if code := await process.wait():
        return Ending(code=BROKEN, reason=f"the dashboard ended with code {code}; see the log")
    return Ending(code=LEFT, reason="you have left")


async def _keys(
    stdin: asyncio.StreamWriter, receive: Receive, sessions: Sessions, session: Session
) -> Ending:
    while (message := await receive())["type"] == "websocket.receive":
        try:
            said = json.loads(message.get("text") or "")
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            return Ending(code=4400, reason="what a page says here is a JSON object")
        if "size" not in said:
            sessions.use(session)
        with contextlib.suppress(ConnectionError):
            await _say(stdin, said)
    return GONE


async def _say(stdin: asyncio.StreamWriter, value: JsonObject) -> None:
    # Escaped, so that one value is always one line.
    stdin.write(json.dumps(value).encode("ascii") + b"\n")
    await stdin.drain()


async def _watch(sessions: Sessions, session: Session, mine: object) -> Ending:
    """The end of the session, also when nobody presses a key."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if why := sessions.why_over(session):
            return Ending(code=OVER, reason=why)
        if session.screen is not mine:
            return Ending(code=OVER, reason="it was opened in another place")
