"""Fault points: a place in the harness's own hands where a process ends or freezes itself."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

VARIABLE = "AUTOCLAVE_KILL_AT"
"""`kill:once.entry:2`: end on reaching that point for the second time; `freeze:…` stops."""

_WRITES = frozenset({"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir"})
_SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


class Faults:
    """Knows at which point of this life to end; every other point is passed."""

    def __init__(self, wanted: str) -> None:
        action, _, rest = wanted.partition(":")
        self._point, _, left = rest.rpartition(":")
        self._signal = _SIGNALS.get(action)
        self._left = int(left or 0)
        self._watched = ""

    @classmethod
    def from_environment(cls) -> Faults:
        faults = cls(os.environ.get(VARIABLE, ""))
        sys.addaudithook(faults._hear)
        return faults

    def reach(self, point: str) -> None:
        """Pass the point, or end there."""
        if self._signal is None or point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)

    @contextmanager
    def every_write(self, point: str) -> Iterator[None]:
        """While this is held, every call that changes a folder is the point."""
        self._watched = point
        try:
            yield
        finally:
            self._watched = ""

    def _hear(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self._watched and event in _WRITES:
            self.reach(self._watched)
