"""The line on which a sealed run asks the kernel: two plain pipes, so nothing but bytes travels."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

T = TypeVar("T")
Answer: TypeAlias = Callable[[bytes], Awaitable[bytes]]

MOST_FRAME = 1 << 20
"""Bytes of one call, and of one answer."""
MOST_CALLS = 256
MOST_BYTES = 64 << 20
"""Of all calls and answers of one run."""
_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 16


class LineBroken(Exception):
    """What came over the line is no call, or too much; the run is ended for it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.after_seconds = 0.0


async def answered(answer: Answer, start: Callable[[Line], Awaitable[T]]) -> T:
    """What `start` gives, while the calls on its line are answered.

    What `answer` raises ends the run and is raised here, and so is LineBroken. A call that is being
    answered when the run ends is answered to its end: what it began is then written down.
    """
    began = time.monotonic()
    with Line() as line:
        work = asyncio.ensure_future(start(line))
        serving = asyncio.ensure_future(line.serve(answer))
        try:
            await asyncio.wait({work, serving}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            given = await work
            line.hang_up(serving)
            await asyncio.wait({serving})
            if not serving.cancelled():
                serving.result()
        except LineBroken as broken:
            broken.after_seconds = time.monotonic() - began
            raise
        finally:
            work.cancel()
            serving.cancel()
            await asyncio.gather(work, serving, return_exceptions=True)
    return given


class Line:
    """Both pipes, seen from the kernel."""

    def __init__(self) -> None:
        answers, self._write = os.pipe()
        self._read, calls = os.pipe()
        self.inside: tuple[int, ...] = (answers, calls)
        """The ends for the run: it reads answers from the first and writes calls to the second."""
        self._is_answering = False
        self._is_over = False
        self._bytes = 0
        for fd in (self._read, self._write):
            os.set_blocking(fd, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.let_go()
        os.close(self._read)
        os.close(self._write)

    def let_go(self) -> None:
        """Close the inner ends here, once the run has them."""
        for fd in self.inside:
            os.close(fd)
        self.inside = ()

    async def serve(self, answer: Answer) -> None:
        """Answer call after call until the run closes its end. Raises LineBroken."""
        calls = 0
        while not self._is_over and (call := await self._next_call()) is not None:
            calls += 1
            if calls > MOST_CALLS:
                raise LineBroken(f"it made more than {MOST_CALLS} calls")
            self._is_answering = True
            said = await answer(call)
            self._is_answering = False
            self._count(len(said))
            if not self._is_over:
                await self._send(_LENGTH.pack(len(said)) + said)

    def hang_up(self, serving: asyncio.Future[None]) -> None:
        """The run has ended: no further call is begun, but one that was begun is finished."""
        self._is_over = True
        if not self._is_answering:
            serving.cancel()

    async def _next_call(self) -> bytes | None:
        head = await self._receive(_LENGTH.size)
        if not head:
            return None
        (length,) = _LENGTH.unpack(head)
        if length > MOST_FRAME:
            raise LineBroken(f"a call of {length:,} bytes; the most is {MOST_FRAME:,}")
        self._count(length)
        call = await self._receive(length)
        if len(call) < length:
            raise LineBroken("it closed the line in the middle of a call")
        return call

    async def _receive(self, length: int) -> bytes:
        """So many bytes; none at the end of the line."""
        data = bytearray()
        loop = asyncio.get_running_loop()
        while len(data) < length:
            try:
                chunk = os.read(self._read, min(_CHUNK, length - len(data)))
            except BlockingIOError:
                await _ready(loop.add_reader, loop.remove_reader, self._read)
                continue
            if not chunk and data:
                raise LineBroken("it closed the line in the middle of a call")
            if not chunk:
                break
            data += chunk
        return bytes(data)

    async def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        loop = asyncio.get_running_loop()
        while rest:
            try:
                rest = rest[os.write(self._write, rest) :]
            except BlockingIOError:
                await _ready(loop.add_writer, loop.remove_writer, self._write)
            except BrokenPipeError:
                return

    def _count(self, length: int) -> None:
        self._bytes += length
        if self._bytes > MOST_BYTES:
            raise LineBroken(f"its calls and answers have more than {MOST_BYTES:,} bytes")


async def _ready(add: Callable[..., Any], remove: Callable[[int], Any], fd: int) -> None:
    """Until a descriptor can be read, or written."""
    ready = asyncio.Event()
    add(fd, ready.set)
    try:
        await ready.wait()
    finally:
        remove(fd)
