"""The supervisor on macOS: starts the sealed command, holds it to its limits, ends it, reports."""

from __future__ import annotations

import errno
import marshal
import os
import resource
import select
import sys
import time

from ..launch import signals, talk
from ..launch.disk import HostFolder
from ..launch.order import Order
from ..launch.pipes import Capped
from ..launch.system import StepFailed
from ..launch.tree import Reap
from . import descriptors
from .processes import Family, Ps, Row, send
from .standby import stand_by

_LAUNCHER = os.path.abspath(f"{__file__}/../../launcher.py")  # noqa: PTH100 - starts slowly
_LOOK_SECONDS = 0.1
_LONGEST_START_SECONDS = 30.0
_FLOOD = 16
"""Output this many times over its cap ends the run."""


def main() -> None:
    """Serve one order."""
    order = talk.read_order()
    facts: dict[str, object]
    streams: list[bytearray] = []
    try:
        if sys.platform == "darwin" and os.geteuid() == 0:
            raise StepFailed("macOS: choose a user", errno.EPERM, "nothing is run as root")
        facts, streams = Supervisor(order).run()
    except StepFailed as failure:
        facts = {"step": failure.step, "errno": failure.errno, "why": failure.why}
    except OSError as error:
        facts = {"step": "macOS: supervise", "errno": error.errno, "why": str(error)}
    talk.tell(facts, streams)


class Supervisor:
    """One run from fork to the last descendant that can be found."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._limits = order.limits
        self._disk = HostFolder(order)
        self._mark = f"AUTOCLAVE_RUN={os.urandom(16).hex()}"
        self._most_rss = 0
        self._next_look = 0.0
        self._ended = ""

    def run(self) -> tuple[dict[str, object], list[bytearray]]:
        self._child_ended = signals.wake_on_child()
        self._start()
        dismiss = stand_by(self._reap.main, self._mark)
        try:
            sealed = self._sealed()
            self._watch()
        finally:
            # Whatever happened: nothing of the run stays behind.
            was_running = self._reap.status is None
            strays = self._family.end(self._reap) - was_running
            os.write(dismiss, b"d")
        for pipe in self._pipes:
            pipe.drain()
        return self._facts(sealed, strays), [pipe.data for pipe in self._pipes]

    def _start(self) -> None:
        uid = os.getuid()
        tasks = sum(row.uid == uid for row in Ps().rows())
        name, _, value = self._mark.partition("=")
        environment = {**self._order.environment, name: value}
        told = {**self._order.data, "environment": environment, "tasks": tasks}
        handed = descriptors.file_of(marshal.dumps(told))
        stdin = descriptors.file_of(self._order.stdin)
        pairs = [os.pipe() for _ in range(4)]
        ends = (stdin, *(write for _, write in pairs[:3]))
        self._began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._become(ends, status=pairs[3][1], order=handed)
        for fd in (*ends, pairs[3][1], handed, *self._order.calls):
            os.close(fd)
        caps = (self._limits.output_bytes, self._limits.output_bytes, self._limits.result_bytes)
        self._pipes = [Capped(read, cap) for (read, _), cap in zip(pairs, caps, strict=False)]
        self._status = pairs[3][0]
        self._reap = Reap(pid)
        self._family = Family(pid, self._mark)

    def _become(self, ends: tuple[int, ...], *, status: int, order: int) -> None:
        """The freshly forked process turns into `sandbox-exec`; nothing of ours comes along."""
        try:
            os.setsid()
            wanted = dict(enumerate(ends))
            wanted |= {descriptors.STATUS: status, descriptors.ORDER: order}
            if self._order.calls:
                places = (descriptors.ANSWERS, descriptors.CALLS)
                wanted |= dict(zip(places, self._order.calls, strict=True))
            descriptors.settle(wanted)
            signals.reset()
            os.umask(0o022)
            os.chdir(self._order.folder)
            python = [sys.executable, "-I", "-S", "-B", _LAUNCHER, "macos", "inside"]
            words = [*self._order.seal, *python]
            os.execve(words[0], words, {})  # noqa: S606 - that is the job
        except OSError as error:
            said = {"step": "macOS: start the seal", "errno": error.errno, "why": str(error)}
            os.write(descriptors.STATUS, marshal.dumps(said))
        finally:
            os._exit(126)

    def _sealed(self) -> dict[str, object]:
        """What the child says before the command; silence means that the profile was refused."""
        said = talk.read_words(self._first_words())
        if "uid" in said:
            return said
        number = int(str(said.get("errno") or errno.ECHILD))
        why = said.get("why") or self._last_words()
        raise StepFailed(str(said.get("step", "macOS: seal the child")), number, str(why))

    def _first_words(self) -> bytes:
        text = b""
        deadline = time.monotonic() + _LONGEST_START_SECONDS
        poller = select.poll()
        poller.register(self._status, select.POLLIN)
        while left := max(0.0, deadline - time.monotonic()):
            if poller.poll(left * 1000):
                chunk = os.read(self._status, 4096)
                if not chunk:
                    break
                text += chunk
        os.close(self._status)
        return text

    def _last_words(self) -> str:
        errors = self._pipes[1]
        errors.drain()
        return bytes(errors.data[-300:]).decode("utf-8", "backslashreplace").strip()

    def _watch(self) -> None:
        """Until the child exits or something ends it."""
        poller = select.poll()
        for fd in (talk.CALLER, self._child_ended, *(pipe.fd for pipe in self._pipes)):
            poller.register(fd, select.POLLIN)
        deadline = self._began + self._limits.wall_seconds
        self._next_look = self._began + _LOOK_SECONDS / 4
        while not self._ended:
            self._reap()
            if self._reap.status is not None:
                break
            wake = min(deadline, self._next_look)
            for fd, _ in poller.poll(max(0.0, (wake - time.monotonic()) * 1000)):
                self._hear(fd, poller)
            self._judge_time(deadline)

    def _hear(self, fd: int, poller: select.poll) -> None:
        if fd == talk.CALLER and not os.read(fd, 4096):
            self._ended = "cancelled"
        if fd == self._child_ended:
            os.read(fd, 4096)
        for pipe in self._pipes:
            if pipe.fd == fd:
                pipe.read()
                if not pipe.is_open:
                    poller.unregister(fd)
        out, err, result = self._pipes
        flood = _FLOOD * max(1, self._limits.output_bytes)
        if result.lost or out.lost > flood or err.lost > flood:
            self._ended = "output"

    def _judge_time(self, deadline: float) -> None:
        now = time.monotonic()
        if now >= deadline:
            self._ended = self._ended or "wall_clock"
        elif now >= self._next_look:
            self._ended = self._ended or self._look()
            took = time.monotonic() - now
            # Looking must not take the whole processor.
            self._next_look = now + max(_LOOK_SECONDS, 10 * took)

    def _look(self) -> str:
        """The limits that the kernel does not hold; the name of the one that is passed."""
        limits = self._limits
        alive = self._family.look()
        rss = sum(row.rss_bytes for row in alive)
        self._most_rss = max(self._most_rss, rss)
        if rss > limits.total_memory_bytes or _largest(alive) > limits.memory_bytes:
            return "memory"
        if sum(row.cpu_seconds for row in alive) + self._reaped_cpu() > limits.cpu_seconds:
            return "cpu_time"
        for row in alive[limits.processes :]:
            send(row.pid, signals.KILL)
        return "disk" if self._disk.has_to_end([]) else ""

    def _facts(self, sealed: dict[str, object], strays: int) -> dict[str, object]:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        status = self._reap.status
        code = -signals.KILL if status is None else os.waitstatus_to_exitcode(status)
        return {
            **sealed,
            "ended": self._ended or self._how(code),
            "exit_code": 128 - code if code < 0 else code,
            "lost": [pipe.lost for pipe in self._pipes],
            "wall_seconds": time.monotonic() - self._began,
            "cpu_seconds": self._reaped_cpu(),
            "max_rss_bytes": max(self._most_rss, used.ru_maxrss << _RSS_SHIFT),
            "strays": max(0, strays),
        }

    def _how(self, code: int) -> str:
        """The end of a child that nobody but the kernel ended."""
        if self._pipes[2].lost:
            return "output"
        if code >= 0:
            return "disk" if self._disk.is_over() else "exited"
        spent = self._reaped_cpu() >= self._limits.cpu_seconds
        if -code == signals.NO_TIME or (-code == signals.KILL and spent):
            return "cpu_time"
        return "signalled"

    def _reaped_cpu(self) -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return max(0.0, used.ru_utime + used.ru_stime - self._family.ps.cpu_seconds)


def _largest(rows: list[Row]) -> int:
    return max((row.rss_bytes for row in rows), default=0)


_RSS_SHIFT = 0 if sys.platform == "darwin" else 10
"""macOS tells the largest resident size in bytes, Linux in kilobytes."""
