"""The supervisor: starts the sealed child, holds it to its limits, ends the tree, reports."""

from __future__ import annotations

import errno
import os
import resource
import select
import time

from . import child, first, identity, signals, talk, tree
from .disk import HostFolder, InMemory
from .order import Order
from .pipes import Capped, sealed_file
from .system import StepFailed

_LOOK_SECONDS = 0.1
_FLOOD = 16
"""Output this many times over its cap ends the run."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .inodes import Inodes


class Sealed(BaseException):
    """Unwinds a warm child to the top of its interpreter, where the command is run."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self.order = order


def main(calls: tuple[int, ...] = (), *, started: Callable[[], None] | None = None) -> None:
    """Serve one order; raises Sealed in the child of a warm one, which is handed its `calls`.

    `started` is called once the child is forked, or was not to be.
    """
    order = talk.read_order()
    order.calls = calls or order.calls
    try:
        facts, streams = Supervisor(order, started).run()
    except StepFailed as failure:
        facts = {"step": failure.step, "errno": failure.errno, "why": failure.why}
        streams = []
    except OSError as error:
        facts = {"step": "start the supervisor", "errno": error.errno, "why": str(error)}
        streams = []
    talk.tell(facts, streams)


class Supervisor:
    """One run from fork to the last reaped descendant."""

    def __init__(self, order: Order, started: Callable[[], None] | None = None) -> None:
        self._order = order
        self._started = started
        self._limits = order.limits
        self._uid = identity.fresh_uid() if os.geteuid() == 0 else None
        self._disk: HostFolder | InMemory = HostFolder(order)
        self._line = first.Line() if order.is_full else None
        self._ours = frozenset[int]()
        """Processes of tier FULL that are not the command's: the first one, and bubblewrap."""
        self._inodes: Inodes | None = None
        self._most_rss = 0
        self._next_look = 0.0
        self._ended = ""

    def run(self) -> tuple[dict[str, object], list[bytearray]]:
        tree.adopt_orphans()
        if self._uid is not None:
            identity.give(self._order.folder, self._uid)
        self._start()
        sealed = self._sealed()
        if "full" in sealed:
            self._ended = "disk"
        elif self._line:
            self._take_over(self._line)
        self._watch()
        was_running = self._reap.status is None
        strays = tree.end(self._reap) - was_running - len(self._ours)
        for pipe in self._pipes:
            pipe.drain()
        facts = self._facts(sealed, strays)
        if facts["ended"] != "cancelled" and not self._disk.bring_back():
            facts["ended"] = "disk"
        return facts, [pipe.data for pipe in self._pipes]

    def _start(self) -> None:
        tasks = tree.tasks_of(os.getuid()) if self._uid is None and not self._line else 0
        pairs = [os.pipe() for _ in range(4)]
        stdin = sealed_file(self._order.stdin)
        self._began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            if self._line:
                self._line.forget()
            child.start(
                self._order,
                ends=(stdin, *(write for _, write in pairs[:3])),
                status=pairs[3][1],
                line=self._line.theirs if self._line else -1,
                uid=self._uid,
                tasks=tasks,
            )
            raise Sealed(self._order)
        if self._started:
            self._started()
        for fd in (*(write for _, write in pairs), *self._order.calls):
            os.close(fd)
        os.close(stdin)
        caps = (self._limits.output_bytes, self._limits.output_bytes, self._limits.result_bytes)
        self._pipes = [Capped(read, cap) for (read, _), cap in zip(pairs, caps, strict=False)]
        self._status = pairs[3][0]
        if self._line and not self._order.bubblewrap:
            pid = self._line.meet(pid)
            self._ours = frozenset({pid})
        self._reap = tree.Reap(pid)
        if self._line and self._order.bubblewrap:
            self._ours = frozenset({pid, self._line.meet_through(pid)})
            if 0 in self._ours:
                # Whatever is left keeps the pipes open that are read next.
                tree.end(self._reap)

    def _sealed(self) -> dict[str, object]:
        """What the child says before exec. Set-up takes milliseconds, but the caller may go."""
        text = b""
        while chunk := os.read(self._status, 4096):
            text += chunk
        os.close(self._status)
        said = talk.read_words(text)
        if "abi" not in said and "full" not in said:
            tree.end(self._reap)
            number = int(str(said.get("errno") or errno.ECHILD))
            why = said.get("why") or (self._last_words() if self._order.bubblewrap else "")
            raise StepFailed(str(said.get("step", "start the child")), number, str(why))
        return said

    def _last_words(self) -> str:
        """What bubblewrap wrote when it could not do what it was told."""
        errors = self._pipes[1]
        errors.drain()
        return bytes(errors.data[-300:]).decode("utf-8", "backslashreplace").strip()

    def _take_over(self, line: first.Line) -> None:
        workspace = line.handle()
        self._disk = InMemory(self._order, workspace)
        if self._order.bubblewrap:
            from .inodes import Inodes

            self._inodes = Inodes(line.handle(), workspace, self._limits.inodes)

    def _watch(self) -> None:
        """Until the child exits or something ends it."""
        poller = select.poll()
        self._exit = self._line.fd if self._line else os.pidfd_open(self._reap.main)
        for fd in (talk.CALLER, self._exit, *(pipe.fd for pipe in self._pipes)):
            poller.register(fd, select.POLLIN)
        if self._inodes:
            poller.register(self._inodes.fd, select.POLLIN)
        deadline = self._began + self._limits.wall_seconds
        self._next_look = self._began + _LOOK_SECONDS / 4
        while not self._ended:
            wake = min(deadline, self._next_look)
            ready = poller.poll(max(0.0, (wake - time.monotonic()) * 1000))
            for fd, _ in ready:
                self._hear(fd, poller)
            self._reap()
            if self._reap.status is not None:
                break
            self._judge_time(deadline)

    def _hear(self, fd: int, poller: select.poll) -> None:
        if fd == talk.CALLER and not os.read(talk.CALLER, 4096):
            self._ended = "cancelled"
        if self._line and fd == self._exit:
            self._reap.status = self._line.status()
        if self._inodes and fd == self._inodes.fd and not self._inodes.answer():
            poller.unregister(fd)
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
            # A folder that takes long to count must not take the whole processor.
            self._next_look = now + max(_LOOK_SECONDS, 10 * took)

    def _look(self) -> str:
        """The limits that no kernel limit covers; the name of the one that is passed."""
        limits = self._limits
        pids = tree.below(os.getpid())
        use = tree.Use(pids, ours=self._ours)
        self._most_rss = max(self._most_rss, use.rss_bytes)
        most = limits.total_memory_bytes - self._disk.used_memory
        if use.rss_bytes > most:
            fair = tree.shared_fairly(use.alive)
            if fair is None or fair > most:
                return "memory"
        if use.cpu_seconds + _reaped_cpu() > limits.cpu_seconds:
            return "cpu_time"
        # Where the user's other processes are counted too, room may have come free.
        for pid in use.alive[limits.processes :]:
            tree.send(pid, signals.KILL)
        return "disk" if self._disk.has_to_end(use.alive) else ""

    def _facts(self, sealed: dict[str, object], strays: int) -> dict[str, object]:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        status = self._reap.status
        code = 128 + signals.KILL if status is None else os.waitstatus_to_exitcode(status)
        return {
            **sealed,
            "ended": self._ended or self._how(code),
            "exit_code": 128 - code if code < 0 else code,
            "lost": [pipe.lost for pipe in self._pipes],
            "wall_seconds": time.monotonic() - self._began,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "max_rss_bytes": max(self._most_rss, used.ru_maxrss << 10),
            "strays": max(0, strays),
        }

    def _how(self, code: int) -> str:
        """The end of a child that nobody but the kernel ended."""
        if self._pipes[2].lost:
            return "output"
        if code >= 0:
            return self._last_look()
        spent = _reaped_cpu() >= self._limits.cpu_seconds
        if -code == signals.NO_TIME or (-code == signals.KILL and spent):
            return "cpu_time"
        return "signalled"

    def _last_look(self) -> str:
        """A run that was too quick for the looks still has to answer for its disk."""
        return "disk" if self._disk.is_over() else "exited"


def _reaped_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
