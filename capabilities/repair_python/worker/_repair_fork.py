"""Run something in a forked child and read the messages it sends, whatever becomes of it."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

Message = dict[str, Any]
Send = Callable[[Message], None]

MEMORY = 3 << 30


class TimedOut(BaseException):
    """The test has used up its time; not an Exception, so that code under test can't eat it."""


def messages(work: Callable[[Send], None], *, quiet_seconds: float) -> Iterator[Message]:
    """What `work` sends from a forked child; ends when the child does.

    The child and its process group are killed when nothing came for `quiet_seconds`, when the
    reader stops listening, and at the end.
    """
    reading, writing = os.pipe()
    child = _fork()
    if child == 0:
        os.close(reading)
        _run_child(work, writing)
    _running.append(child)
    os.close(writing)
    try:
        yield from _read(reading, quiet_seconds=quiet_seconds)
    finally:
        os.close(reading)
        _running.remove(child)
        _end(child)


_running: list[int] = []


def end_with_children(*_: object) -> None:
    """What SIGTERM does to a worker: no child outlives it."""
    for child in _running:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    os._exit(143)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return os.fork()


def _run_child(work: Callable[[Send], None], writing: int) -> None:
    """Never returns."""
    status = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.disable()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        def send(message: Message) -> None:
            data = json.dumps(message).encode() + b"\n"
            while data:
                data = data[os.write(writing, data) :]

        work(send)
        status = 0
    except BaseException:  # noqa: BLE001, S110 (the edge of a process: the reader sees a short report)
        pass
    finally:
        os._exit(status)


def _read(descriptor: int, *, quiet_seconds: float) -> Iterator[Message]:
    rest = b""
    deadline = time.monotonic() + quiet_seconds
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return
        data = os.read(descriptor, 1 << 16)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from (json.loads(line) for line in lines)
        deadline = time.monotonic() + quiet_seconds


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


@contextlib.contextmanager
def at_most(seconds: float, *, wall: bool = False) -> Iterator[None]:
    """Raise TimedOut inside the block after so many seconds of processor time (or by the clock)."""
    number, timer = (
        (signal.SIGALRM, signal.ITIMER_REAL) if wall else (signal.SIGPROF, signal.ITIMER_PROF)
    )

    def expire(*_: object) -> None:
        raise TimedOut

    before = signal.signal(number, expire)
    # The interval strikes again when the first exception was swallowed by a bare `except:`.
    signal.setitimer(timer, seconds, max(seconds / 4, 0.02))
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)
