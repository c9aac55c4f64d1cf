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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "worker" / "_repair_worker.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Where the copy stands that tests run in, and what may be edited there."""

    root: Path
    files: tuple[str, ...]
    """Paths below the root that may be edited."""
    paths: tuple[str, ...] = ()
    """Where tests are collected from; pytest's own choice when empty."""
    site_packages: tuple[Path, ...] = ()
    """Further places to import from."""


class WorkerLost(Exception):
    """The worker ended or did not answer in time."""


class Worker:
    """One worker process; `ask` sends a request and waits for its answer."""

    def __init__(self, mode: str, project: Project) -> None:
        self.cpu_seconds = 0.0
        self.ready: dict[str, Any] = {}
        for plain in (False, True):
            self._start(mode, project, plain=plain)
            if self.ready.get("ok"):
                break
            self.close()

    def _start(self, mode: str, project: Project, *, plain: bool) -> None:
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
            cwd=project.root,
            env=environment,
            start_new_session=True,
        )
        self._rest = b""
        setup = {
            "mode": mode,
            "root": str(project.root),
            "files": [str(project.root / f) for f in project.files],
            "paths": list(project.paths),
            "site_packages": [str(p) for p in project.site_packages],
            "plain": plain,
        }
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
        """End it, its children and everything in its process group."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
