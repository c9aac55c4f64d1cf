"""One life of the agent: a forked process that drives every goal until it ends or is ended."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.fakes import open_loop

from autoclave.core.engine import Engine
from autoclave.domain.events import Event, EventKind

from . import mind
from .faults import VARIABLE, Faults
from .hands import FaultyFiles, toolbox
from .world import World


def live(folder: Path, *, at_once: int) -> None:
    """Drive the goals in `folder` for as long as any can run."""
    start = time.monotonic()
    logging.basicConfig(filename=folder / "log" / f"{os.getpid()}.log", level=logging.WARNING)
    faults = Faults.from_environment()
    loop = open_loop(folder, toolbox(World(folder), faults), clock=time.time, decide=mind.decide)
    parts = replace(loop.parts, files=FaultyFiles(faults))

    def hear(event: Event) -> None:
        if event.kind is EventKind.RUN_TAKEN:
            seconds = folder / "log" / f"{os.getpid()}.taken"
            seconds.write_text(str(time.monotonic() - start))
            parts.ledger.listeners.remove(hear)

    parts.ledger.listeners.append(hear)
    asyncio.run(Engine(parts, loop.board, at_once=at_once).run_until_idle())
    loop.close()


def begin(work: Callable[[], None], log: Path, *, fault: str = "") -> int:
    """Do the work in a process of its own; its pid. The caller has no database open."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.environ[VARIABLE] = fault
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - the edge of a process
        (log / f"{os.getpid()}.error").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def ended_within(pid: int, seconds: float | None) -> bool:
    """Wait for the end of a child, at most so long; it is not collected yet."""
    handle = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([handle], [], [], seconds)
        return bool(ready)
    finally:
        os.close(handle)


def collect(pid: int, log: Path) -> int:
    """How a child ended, as `subprocess` says it. A failure of its own is ours as well."""
    _, status = os.waitpid(pid, 0)
    return _judged(pid, status, log)


def stands_still(pid: int, log: Path) -> bool:
    """Wait until a child is stopped, or has ended and is collected."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return True
    _judged(pid, status, log)
    return False


def _judged(pid: int, status: int, log: Path) -> int:
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, -signal.SIGKILL):
        error = log / f"{pid}.error"
        raise RuntimeError(error.read_text() if error.exists() else f"a life ended with {code}")
    return code


def taken_after(log: Path) -> list[float]:
    """For each life that took up a goal: seconds from its start until it had."""
    found = [path.read_text() for path in log.glob("*.taken")]
    return [float(text) for text in found if text]
