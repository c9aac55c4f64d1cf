"""Talks to the worker processes that hold the project and try candidates."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "worker" / "_repair_worker.py"


class WorkerLost(Exception):
    """The worker ended or did not answer in time."""


class Worker:
    """One worker process; `ask` sends a request and waits for its answer."""

    def __init__(self, mode: str, root: Path, files: list[str], paths: list[str]) -> None:
        self.cpu_seconds = 0.0
        self.ready: dict[str, Any] = {}
        for plain in (False, True):
            self._start(mode, root, files, paths, plain=plain)
            if self.ready.get("ok"):
                break
            self.close()

    def _start(
        self, mode: str, root: Path, files: list[str], paths: list[str], *, plain: bool
    ) -> None:
        temporary = tempfile.gettempdir()
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": temporary,
            "TMPDIR": temporary,
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-B", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=root,
            env=environment,
            start_new_session=True,
        )
        self._rest = b""
        absolute = [str(root / f) for f in files]
        setup = {"mode": mode, "root": str(root), "files": absolute, "paths": paths, "plain": plain}
        self.ready = self.ask(setup, seconds=60)

    def ask(self, request: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        """The answer to a request. Raises WorkerLost."""
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise WorkerLost(f"the worker has ended: {error}") from error
        reply: dict[str, Any] = json.loads(self._line(time.monotonic() + seconds))
        self.cpu_seconds = reply.pop("cpu", self.cpu_seconds)
        return reply

    def _line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                self.close()
                raise WorkerLost("the worker did not answer in time")
            data = os.read(descriptor, 1 << 16)
            if not data:
                self.close()
                raise WorkerLost("the worker ended without an answer")
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return line

    def close(self) -> None:
        """End it and everything in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
