"""Start the runner in a process group of its own and listen to what it reports."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_RUNNER = Path(__file__).parent / "runner" / "_run_tests_runner.py"
_USAGE_ERROR = 4
LONGEST_TEST = 20.0
"""Seconds for the first test that hangs; each further one gets half of what the last one got."""


@dataclass(slots=True)
class Heard:
    """Everything that the runner said, and how it ended."""

    collected: list[str] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: list[dict[str, Any]] = field(default_factory=list)
    running: str = ""
    done: bool = False
    status: int = 0
    timed_out: bool = False
    notes: list[str] = field(default_factory=list)

    def failures(self) -> list[dict[str, Any]]:
        """Failing tests in the order they ran, then what never came to an end."""
        found = [*self.broken, *(r for r in self.results.values() if r["kind"] not in _GOOD)]
        if self.running:
            found.append({"id": self.running, "kind": self._cut_short, "message": self.reason()})
        return found

    def counts(self) -> dict[str, int]:
        kinds = [r["kind"] for r in self.results.values()]
        failed = sum(kind in ("assertion", "error", "timeout", "tampered") for kind in kinds)
        skipped, passed = kinds.count("skipped"), kinds.count("passed")
        errors = len(kinds) - failed - skipped - passed + len(self.broken) + bool(self.running)
        return {"passed": passed, "failed": failed, "errors": errors, "skipped": skipped}

    @property
    def _cut_short(self) -> str:
        return "timeout" if self.timed_out else "crashed"

    def reason(self) -> str:
        """Why the run can't be trusted or is not whole; empty when it is."""
        inside = f" in {self.running}" if self.running else ""
        if self.timed_out:
            return f"timed out{inside}"
        if self.broken:
            first = self.broken[0]
            return f"collection failed: {first['id']}: {first.get('message', '')}"
        if not self.done:
            ended = f"the test process ended{inside} before it reported (status {self.status})"
            return ended if self.collected else f"pytest did not start (status {self.status})"
        missing = [i for i in self.collected if i not in self.results]
        return f"no result for {len(missing)} tests, first {missing[0]}" if missing else ""


_GOOD = frozenset({"passed", "skipped"})


def run_child(root: Path, targets: list[str], *, seconds: float, site_packages: list[str]) -> Heard:
    """Run once; again without the project's own options when pytest does not know them."""
    deadline = time.monotonic() + seconds
    heard = _run(root, targets, deadline, site_packages, plain=False)
    if heard.status == _USAGE_ERROR and not heard.collected and not heard.done:
        again = _run(root, targets, deadline, site_packages, plain=True)
        again.notes.append("the project's own pytest options (addopts) were left out")
        return again
    return heard


def _run(
    root: Path, targets: list[str], deadline: float, site_packages: list[str], *, plain: bool
) -> Heard:
    reading, writing = os.pipe()
    nonce = secrets.token_hex(16)
    left = max(1.0, deadline - time.monotonic())
    order = {
        "root": str(root),
        "targets": targets,
        "plain": plain,
        "site_packages": site_packages,
        "nonce": nonce,
        "each": min(LONGEST_TEST, max(0.5, left / 3)),
        "report": writing,
    }
    process = subprocess.Popen(
        [sys.executable, "-B", "-P", str(_RUNNER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env=_environment(),
        pass_fds=(writing,),
        start_new_session=True,
    )
    os.close(writing)
    heard = Heard()
    try:
        assert process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(order).encode())
            process.stdin.close()
        _listen(reading, heard, nonce, deadline)
    finally:
        os.close(reading)
        _end(process, heard)
    return heard


def _environment() -> dict[str, str]:
    temporary = tempfile.gettempdir()
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": temporary,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _listen(reading: int, heard: Heard, nonce: str, deadline: float) -> None:
    rest = b""
    while not heard.done:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            heard.timed_out = True
            return
        data = os.read(reading, 1 << 16)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            _take(heard, line, nonce.encode())


def _take(heard: Heard, line: bytes, nonce: bytes) -> None:
    """One report; what does not carry the nonce was not said by our runner."""
    if not line.startswith(nonce):
        return
    message = json.loads(line[len(nonce) :])
    match message["say"]:
        case "broken":
            heard.broken.append(message["facts"])
        case "collected":
            heard.collected = message["ids"]
        case "start":
            heard.running = message["id"]
        case "result":
            heard.running = ""
            heard.results[message["facts"]["id"]] = message["facts"]
        case "done":
            heard.done = True


def _end(process: subprocess.Popen[bytes], heard: Heard) -> None:
    """Wait a moment when it has said goodbye; kill it and its process group in any case."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0 if heard.timed_out else 2)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    heard.status = process.wait()
