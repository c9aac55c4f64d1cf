"""Ends the run when the supervisor is killed: macOS has no signal for the death of a parent."""

from __future__ import annotations

import os

from ..launch import signals
from .descriptors import close_from
from .processes import Family


def stand_by(main: int, mark: str) -> int:
    """Start a process that outlives us. The descriptor tells it with one byte to leave."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            # Nobody's child, so that whoever waits for the run's processes does not wait for it.
            if os.fork() == 0:
                _wait(reading, main, mark)
        finally:
            os._exit(0)
    os.close(reading)
    os.waitpid(pid, 0)
    return writing


def _wait(reading: int, main: int, mark: str) -> None:
    os.setsid()
    signals.reset()
    # The caller must not wait for our ends of its pipes either.
    os.dup2(reading, 0)
    close_from(1)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    if not os.read(0, 1):
        Family(main, mark).end(lambda: None)
