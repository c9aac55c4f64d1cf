"""The warm helper, seen from here: started once, it begins a sealed Python run in milliseconds."""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import os
import socket
import subprocess
import sys
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.sealed import SealedRun
from . import places
from .calling import Line
from .launch.view import first_closed
from .launching import PATIENCE_SECONDS, Answer, packed, unpacked
from .refusal import silent

_FILE = Path(__file__).resolve().with_name("warm.py")
_LONGEST_END_SECONDS = 30.0
_OPTIONS = (("-I", "-B"), ("-I", "-S", "-B"))
_LIKE_OURS = {"LANG": "C.UTF-8"}
"""What of a sealed run's environment matters to a Python that starts."""
_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "GLIBC_", "MALLOC_", "TZ")


def options_of(run: SealedRun) -> tuple[str, ...] | None:
    """The options with which a helper could run this as a Python of its own would; or None."""
    argv = run.argv
    if argv[0] != "python" or any(name.startswith(_AT_START) for name in run.environment):
        return None
    # A helper of root sees the standard trees, and covers instead of the folders above them.
    if os.geteuid() == 0 and any(map(_is_closed, (run.folder, *run.readable))):
        return None
    for options in _OPTIONS:
        end = 1 + len(options)
        rest = argv[end:]
        if argv[1:end] == options and rest and _is_program(rest):
            return options
    return None


def _is_closed(path: Path) -> bool:
    return bool(first_closed(str(path.resolve())))


def _is_program(rest: tuple[str, ...]) -> bool:
    return len(rest) > 1 if rest[0] == "-c" else rest[0].startswith("/") and rest[0].endswith(".py")


class NoHelper(Exception):
    """It is gone, or busy beyond measure; the order was not handed over."""


class Helper:
    """One helper process, for any number of runs at once."""

    def __init__(self, options: tuple[str, ...]) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *options, str(_FILE)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_LIKE_OURS,
                start_new_session=True,
            )
        trees = [str(tree) for tree in places.standard_trees()]
        with contextlib.suppress(OSError):
            self._line.send(marshal.dumps((trees, places.standard_links())))
        self._line.setblocking(False)

    async def launch(self, order: JsonObject, stdin: bytes, line: Line | None = None) -> Answer:
        """Run one order. Cancelling kills the whole tree first. NoHelper, and nothing was run."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        data = packed(order, stdin)
        handed = line.inside if line else ()
        with theirs:
            # What fits is there already when the helper wakes up.
            sent = ours.send(data)
            try:
                socket.send_fds(self._line, [b"r"], [theirs.fileno(), *handed])
            except OSError as error:
                ours.close()
                raise NoHelper from error
        if line:
            line.let_go()
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        try:
            async with asyncio.timeout(order["limits"]["wall_seconds"] + PATIENCE_SECONDS):
                writer.write(data[sent:])
                output = await _all(reader)
        except TimeoutError:
            await asyncio.shield(self._end(reader, writer))
            raise silent("it did not end in time") from None
        except BaseException:
            await asyncio.shield(self._end(reader, writer))
            raise
        finally:
            writer.close()
        return unpacked(output, b"", order)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """Let the helper end once its runs have; they hear of it as well."""
        self._line.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LONGEST_END_SECONDS)
            return
        self._process.kill()
        self._process.wait()

    async def _end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hang up; the supervisor then kills the tree. With one that does not, all have to go."""
        with contextlib.suppress(OSError):
            writer.write_eof()
        try:
            async with asyncio.timeout(_LONGEST_END_SECONDS):
                await _all(reader)
        except TimeoutError:
            self._process.kill()


async def _all(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the end; a supervisor that dies may leave a reset instead of one."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""
