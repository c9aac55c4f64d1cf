"""Who belongs to a run, asked of `ps`: macOS has no /proc, and nobody can adopt orphans there.

A process is kin by its parent, its group or its session. One that leaves all three between two
looks is still known by a mark in its environment, unless it did away with that on purpose.
"""

from __future__ import annotations

import os
import sys
import time

from ..launch import signals

_PROGRAM = "/bin/ps"
_COLUMNS = ("pid", "ppid", "pgid", "uid", "state", "rss", "time")
_WITH_ENVIRONMENT = "-axEww" if sys.platform == "darwin" else "axeww"
_LONGEST_END_SECONDS = 20.0
_BETWEEN_ROUNDS_SECONDS = 0.002

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Row:
    """One process at one moment."""

    def __init__(self, words: list[bytes]) -> None:
        self.pid, self.parent, self.group, self.uid = map(int, words[:4])
        self.is_dead = words[4][:1] in b"ZX"
        self.rss_bytes = int(words[5]) << 10
        self.cpu_seconds = seconds_of(words[6].decode())


class Ps:
    """Asks `ps`, and knows how much time that itself took."""

    def __init__(self) -> None:
        self.cpu_seconds = 0.0

    def rows(self) -> list[Row]:
        """Every process there is."""
        columns = (word for name in _COLUMNS for word in ("-o", f"{name}="))
        lines = map(bytes.split, self._ask("-ax", *columns).splitlines())
        # A process that is just going may have nothing in some column.
        return [Row(words) for words in lines if len(words) == len(_COLUMNS)]

    def marked(self, mark: str) -> set[int]:
        """The processes that started with `mark` in their environment."""
        lines = self._ask(_WITH_ENVIRONMENT, "-o", "pid=", "-o", "command=").splitlines()
        return {int(line.split(None, 1)[0]) for line in lines if mark.encode() in line}

    def _ask(self, *options: str) -> bytes:
        reading, writing = os.pipe()
        null = (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)
        actions = [(os.POSIX_SPAWN_DUP2, writing, 1), null]
        try:
            words = [_PROGRAM, *options]
            pid = os.posix_spawn(_PROGRAM, words, {"LC_ALL": "C"}, file_actions=actions)
        finally:
            os.close(writing)
        text = bytearray()
        while chunk := os.read(reading, 1 << 16):
            text += chunk
        os.close(reading)
        _, _, used = os.wait4(pid, 0)
        self.cpu_seconds += used.ru_utime + used.ru_stime
        return bytes(text)


class Family:
    """The processes of one run."""

    def __init__(self, main: int, mark: str) -> None:
        self.ps = Ps()
        self._mark = mark
        self._known = {main}
        self._bonds = {main}
        """Groups and sessions that are the run's."""
        self._ours = {os.getpgrp(), os.getsid(0)}

    def look(self) -> list[Row]:
        """Those alive now, the oldest first. OSError when there is no room to ask."""
        rows = self.ps.rows()
        found: set[int] = set()
        while new := {row.pid for row in rows if row.pid not in found and self._is_kin(row, found)}:
            found |= new
            self._bonds |= {bond for pid in new for bond in self._bonds_of(pid)}
        self._known = found
        return sorted(
            (row for row in rows if row.pid in found and not row.is_dead), key=lambda row: row.pid
        )

    def end(self, reap: Callable[[], object]) -> int:
        """Stop, then kill, in rounds until a close look finds nobody; how many were alive."""
        killed = set[int]()
        give_up = time.monotonic() + _LONGEST_END_SECONDS
        while time.monotonic() < give_up:
            try:
                alive = self._freeze()
            except OSError:
                # No room for `ps`: what is known already makes some.
                alive = set(self._known)
            for pid in alive:
                send(pid, signals.KILL)
            killed |= alive
            reap()
            if not alive:
                break
            time.sleep(_BETWEEN_ROUNDS_SECONDS)
        return len(killed)

    def _freeze(self) -> set[int]:
        """Stop everything, again and again, until a look finds nothing new."""
        seen: set[int] = set()
        self._known |= self.ps.marked(self._mark)
        while new := {row.pid for row in self.look()} - seen:
            for pid in new:
                send(pid, signals.STOP)
            seen |= new
        return seen

    def _is_kin(self, row: Row, found: set[int]) -> bool:
        if row.pid in self._known or row.parent in found:
            return True
        return not self._bonds.isdisjoint(self._bonds_of(row.pid))

    def _bonds_of(self, pid: int) -> set[int]:
        """Its group and its session. A child that has just been forked is still in our own."""
        try:
            return {os.getpgid(pid), os.getsid(pid)} - self._ours
        except OSError:
            return set()


def seconds_of(text: str) -> float:
    """`[[days-]hours:]minutes:seconds` as a number."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total + 86_400 * int(days or 0)


def send(pid: int, number: int) -> None:
    """What is gone, or has become another user's, is not ours to end."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
