"""Which descriptor is which inside, and bytes that can be handed over as one."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH108

from __future__ import annotations

import fcntl
import os
import resource

RESULT, ANSWERS, CALLS, STATUS, ORDER = 3, 4, 5, 6, 7
"""As in the other launcher; `ORDER` is where the order can be read."""
_OUT_OF_THE_WAY = 32
_MOST = 1 << 16


def settle(wanted: dict[int, int]) -> None:
    """Open under each number what is wanted there, for the next program too; close all others."""
    # Out of the way first, so that no dup2 overwrites a descriptor that is still needed.
    high = {
        place: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
        for place, fd in wanted.items()
    }
    for place, fd in high.items():
        os.dup2(fd, place, inheritable=True)
    last = max(wanted)
    for place in set(range(last)).difference(wanted):
        os.closerange(place, place + 1)
    close_from(last + 1)


def close_from(first: int) -> None:
    """What is open above the limit was opened under another one; there is no such thing here."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = soft in (resource.RLIM_INFINITY, -1)
    os.closerange(first, _MOST if endless else min(soft, _MOST))


def file_of(data: bytes) -> int:
    """A descriptor to read `data` from: a file without a name, which cannot be written through it.

    There is no file in memory on macOS.
    """
    if not data:
        return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    name = f"/tmp/autoclave-{os.urandom(16).hex()}"  # noqa: S108 - nobody can guess it
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    writing = os.open(name, how, 0o600)
    try:
        reading = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    finally:
        os.unlink(name)
    written = 0
    while written < len(data):
        written += os.write(writing, data[written:])
    os.close(writing)
    return reading
