"""Runs one command in the workspace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

MOST_BYTES = 256 << 10
STOPPED = 124
_PYTHON = frozenset({"python", "python3"})


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Its exit code and what it printed; only a program that can't be started is an error."""
    process = await asyncio.create_subprocess_exec(
        *_resolve(inputs["argv"], context.workspace),
        cwd=context.workspace,
        env=_environment(context),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    seconds = min(inputs.get("seconds", context.seconds), max(context.seconds - 1, 0.1))
    output, timed_out = await _communicate(process, inputs.get("stdin", ""), seconds=seconds)
    code = process.returncode or 0
    code = STOPPED if timed_out else code if code >= 0 else 128 - code
    return {
        "ok": code == 0,
        "exit_code": code,
        "stdout": output[0],
        "stderr": output[1],
        "timed_out": timed_out,
    }


async def verify(context: Any, inputs: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Never known to be done: a command leaves nothing but changes, and those the kernel checks."""
    return None


def _resolve(argv: list[str], workspace: Path) -> list[str]:
    program = argv[0]
    if any("\0" in argument for argument in argv):
        raise ValueError("an argument holds a NUL byte")
    if program in _PYTHON:
        return [sys.executable, *argv[1:]]
    place = workspace / program
    runs = place.is_file() and os.access(place, os.X_OK)
    found = (str(place) if runs else None) if "/" in program else shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"there is no program {program!r} that can be run here")
    return [found, *argv[1:]]


def _environment(context: Any) -> dict[str, str]:
    packages = os.pathsep.join(str(folder) for folder in context.site_packages)
    own = {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(context.scratch)}
    return {**os.environ, **own, **({"PYTHONPATH": packages} if packages else {})}


async def _communicate(
    process: asyncio.subprocess.Process, stdin: str, *, seconds: float
) -> tuple[list[str], bool]:
    tails = [_Capped(process.stdout), _Capped(process.stderr)]
    work = asyncio.gather(
        _feed(process, stdin.encode("utf-8")), *(tail.read() for tail in tails), process.wait()
    )
    timed_out = False
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        timed_out = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return [tail.text() for tail in tails], timed_out


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(data)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # It ended without reading everything, which is its right.
    process.stdin.close()


class _Capped:
    """What a stream gave: its beginning and its end, the middle left out when it is long."""

    def __init__(self, stream: asyncio.StreamReader | None) -> None:
        self._stream = stream
        self._first = b""
        self._last = b""
        self._lost = 0

    async def read(self) -> None:
        """Read to the end, or until nobody waits any more."""
        while self._stream is not None and (chunk := await self._stream.read(65_536)):
            room = MOST_BYTES // 2 - len(self._first)
            self._first += chunk[:room]
            self._last += chunk[room:]
            self._lost += max(0, len(self._last) - MOST_BYTES // 2)
            self._last = self._last[-MOST_BYTES // 2 :]

    def text(self) -> str:
        """As text; bytes that are no UTF-8 are spelled out."""
        first, last = (part.decode("utf-8", "backslashreplace") for part in self._parts())
        return f"{first}\n… {self._lost:,} bytes left out …\n{last}" if self._lost else first + last

    def _parts(self) -> tuple[bytes, bytes]:
        return (self._first, self._last) if self._lost else (self._first + self._last, b"")
