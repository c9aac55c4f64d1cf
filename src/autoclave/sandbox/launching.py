"""Talking to the launcher: one process for every sealed run, an order in, a report out."""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import struct
import subprocess
import sys
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import SandboxUnavailable
from ..domain.text import show_line
from .calling import Line
from .refusal import silent, unavailable
from .reports import read_report

_LAUNCHER = Path(__file__).resolve().with_name("launcher.py")
_LONGEST_END_SECONDS = 30.0
PATIENCE_SECONDS = 60.0

Answer = tuple[JsonObject, list[bytes]]
"""The launcher's facts, and what came out: standard output, standard error, the result."""


async def launch(order: JsonObject, stdin: bytes, line: Line | None = None) -> Answer:
    """Run one order. Cancelling kills the whole tree first."""
    pipe = asyncio.subprocess.PIPE
    handed = line.inside if line else ()
    order = order | {"calls": list(handed)}
    process = await asyncio.create_subprocess_exec(
        *_command(order),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env={},
        start_new_session=True,
        pass_fds=handed,
    )
    if line:
        line.let_go()
    try:
        # The launcher watches the clock itself; this is for a launcher that cannot.
        async with asyncio.timeout(order["limits"]["wall_seconds"] + PATIENCE_SECONDS):
            output, errors = await _talk(process, packed(order, stdin))
    except TimeoutError:
        await asyncio.shield(_end(process))
        raise silent("it did not end in time") from None
    except BaseException:
        await asyncio.shield(_end(process))
        raise
    return unpacked(output, errors, order)


def rehearse(order: JsonObject) -> None:
    """Set everything up in a child that then leaves. SandboxUnavailable names the step."""
    order = order | {"argv": []}
    done = subprocess.run(
        _command(order), input=packed(order, b""), capture_output=True, env={}, check=False
    )
    unpacked(done.stdout, done.stderr, order)


def packed(order: JsonObject, stdin: bytes) -> bytes:
    text = marshal.dumps(order)
    return struct.pack("=QQ", len(text), len(stdin)) + text + stdin


def unpacked(output: bytes, errors: bytes, order: JsonObject) -> Answer:
    read = read_report(output)
    if read is None:
        last = errors.decode("utf-8", "backslashreplace").strip().splitlines()[-1:]
        raise silent(show_line(" ".join(last) or "it said nothing that makes sense"))
    if "ended" not in read[0]:
        raise unavailable(read[0], order["tier"])
    return read


def _command(order: JsonObject) -> tuple[str, ...]:
    how = ("macos", "outside") if "seal" in order else ()
    return (sys.executable, "-I", "-S", str(_LAUNCHER), *how)


async def _talk(process: asyncio.subprocess.Process, order: bytes) -> tuple[bytes, bytes]:
    """Send the order and keep the pipe open: its end would mean that we are gone."""
    into, out, err = process.stdin, process.stdout, process.stderr
    if into is None or out is None or err is None:
        raise SandboxUnavailable("the launcher was started without its pipes")
    into.write(order)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await into.drain()
    output, errors = await asyncio.gather(out.read(), err.read())
    into.close()
    await process.wait()
    return output, errors


async def _end(process: asyncio.subprocess.Process) -> None:
    """Hang up; the launcher then kills the tree. A launcher that does not is killed itself."""
    if process.stdin:
        process.stdin.close()
    streams = [stream.read() for stream in (process.stdout, process.stderr) if stream]
    try:
        async with asyncio.timeout(_LONGEST_END_SECONDS):
            await asyncio.gather(*streams)
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
