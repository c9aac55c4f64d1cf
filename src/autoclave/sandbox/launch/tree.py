"""The tree of processes below the supervisor: who there is, what it uses, how it ends."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH110, PTH116, PTH123, PTH208

from __future__ import annotations

import errno
import os
import time

from . import signals
from .system import StepFailed, prctl

_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_LONGEST_END_SECONDS = 20.0


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    prctl("adopt orphans", _PR_SET_CHILD_SUBREAPER, 1)


def below(pid: int) -> list[int]:
    """All descendants of a process; zombies too."""
    found: list[int] = []
    pending = [pid]
    while pending:
        children = _children(pending.pop())
        found += children
        pending += children
    return found


class Use:
    """What a set of processes uses at one moment; of `ours` only the dead that it collected."""

    def __init__(self, pids: list[int], *, ours: frozenset[int] = frozenset()) -> None:
        self.alive: list[int] = []
        self.cpu_seconds = 0.0
        self.rss_bytes = 0
        for pid in pids:
            self._add(pid, is_ours=pid in ours)

    def _add(self, pid: int, *, is_ours: bool) -> None:
        fields = _stat(pid)
        if not fields:
            return
        self.cpu_seconds += sum(int(ticks) for ticks in fields[11:15]) / _TICK
        if fields[0] not in "ZX" and not is_ours:
            self.alive.append(pid)
            self.rss_bytes += int(fields[21]) * _PAGE


def shared_fairly(pids: list[int]) -> int | None:
    """Resident memory with shared pages counted once; None where the kernel won't say."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as lines:
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except ProcessLookupError:
            continue
        except OSError as error:
            if error.errno in (errno.ESRCH, errno.ENOENT) and not os.path.exists(f"/proc/{pid}"):
                continue
            return None
    return total << 10


def unlinked_bytes(pids: list[int], device: int) -> int:
    """Disk held by open files that have no name any more."""
    sizes: dict[int, int] = {}
    for pid in pids:
        for fd in _listed(f"/proc/{pid}/fd"):
            try:
                status = os.stat(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            if status.st_nlink == 0 and status.st_dev == device:
                sizes[status.st_ino] = status.st_blocks * 512
    return sum(sizes.values())


def end(reap: Reap) -> int:
    """Stop, then kill, every descendant in rounds until none is left; how many were alive."""
    me, killed = os.getpid(), set[int]()
    give_up = time.monotonic() + _LONGEST_END_SECONDS
    while time.monotonic() < give_up:
        alive = Use(below(me)).alive
        _freeze(me, alive)
        alive = Use(below(me)).alive
        for pid in alive:
            send(pid, signals.KILL)
        killed.update(alive)
        if not reap():
            return len(killed)
        time.sleep(0.0005)
    return len(killed)


class Reap:
    """Collects dead children; remembers how the one that matters ended."""

    def __init__(self, main: int) -> None:
        self.main = main
        self.status: int | None = None

    def __call__(self) -> bool:
        """Take all that is dead; False when there are no children left at all."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.main and self.status is None:
                self.status = status


def tasks_of(uid: int) -> int:
    """Threads that a user already runs, because the kernel counts those."""
    count = 0
    for name in _listed("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.stat(f"/proc/{name}").st_uid == uid:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return count


def _freeze(me: int, alive: list[int]) -> None:
    """Stop everything, again and again, until a look finds nothing new."""
    seen: set[int] = set()
    while new := set(alive) - seen:
        for pid in new:
            send(pid, signals.STOP)
        seen |= new
        alive = Use(below(me)).alive


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in _listed(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/children") as line:
                found += [int(child) for child in line.read().split()]
        except FileNotFoundError:
            if not _HAS_CHILDREN_FILE:
                return _children_by_looking_at_all(pid)
        except OSError:
            continue
    return found


def _children_by_looking_at_all(pid: int) -> list[int]:
    processes = [int(name) for name in _listed("/proc") if name.isdigit()]
    return [other for other in processes if (fields := _stat(other)) and fields[1] == str(pid)]


def _stat(pid: int) -> list[str]:
    """The fields after the command's name, which may contain anything: state first."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as line:
            return line.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except OSError as error:
        raise StepFailed(f"signal process {pid}", error.errno or errno.EPERM) from error


_HAS_CHILDREN_FILE = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
