"""One agent process per home: a lock that the kernel releases, however the process ends."""

from __future__ import annotations

import fcntl
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..domain.errors import Busy, ConfigurationInvalid

_TRIES = 5
_PAUSE_SECONDS = 0.01


class HomeLock:
    """Held from `acquire` to `release`, or as a context manager.

    The lock is on an open file, so a child that inherits the descriptor would hold it too; it is
    closed on exec, and a helper that is forked without exec must close it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises Busy with the pid that holds it and since when."""
        if self._descriptor is not None:
            return
        for _ in range(_TRIES):
            descriptor = _open(self.path)
            if _try(descriptor, fcntl.LOCK_EX) and _is_still(self.path, descriptor):
                self._descriptor = descriptor
                self._sign(descriptor)
                return
            os.close(descriptor)
            # A `probe` holds it for a moment.
            time.sleep(_PAUSE_SECONDS)
        raise _busy(self.path)

    def release(self) -> None:
        """Let go. The file stays: removing it could give two processes a lock each."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _sign(self, descriptor: int) -> None:
        text = json.dumps({"pid": os.getpid(), "since": time.time()})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def probe(path: Path) -> int | None:
    """The pid of the process that holds the lock, 0 if it has not signed yet, None if nobody does.

    The lock is not taken: it is only asked for in a way that many may share.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _try(descriptor, fcntl.LOCK_SH):
            return None
        return int(_signature(path).get("pid", 0))
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationInvalid(
            f"the lock {path} cannot be made: {error.strerror}",
            hint="give this user write access to the home, or name another one with --home",
        ) from error


def _try(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _signature(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _busy(path: Path) -> Busy:
    signature = _signature(path)
    pid, since = signature.get("pid", "unknown"), signature.get("since")
    when = f" since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC" if since else ""
    return Busy(
        f"another agent process (pid {pid}) runs on this home{when}",
        hint=f"stop it (kill {pid}), or name another home with --home",
    )
