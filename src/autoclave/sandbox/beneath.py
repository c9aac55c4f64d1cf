"""Opening files below a folder so that no link, `..` or swapped parent leads out of it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_OPENAT2 = 437
_BENEATH_WITHOUT_LINKS = 0x08 | 0x04 | 0x02
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """A handle on the root; the root itself may be reached through links, it is ours."""
    handle = os.open(root, _FOLDER)
    try:
        yield handle
    finally:
        os.close(handle)


def open_beneath(root: int, path: str, flags: int = _FILE) -> int:
    """Open a clean relative path. OSError ELOOP or EXDEV when a link is on the way."""
    if _has_openat2():
        return _openat2(root, path, flags)
    return _open_step_by_step(root, path, flags)


def open_folder(root: int, path: str) -> int:
    """A handle on a folder beneath; an empty path is the root."""
    return open_beneath(root, path or ".", _FOLDER)


def read_file(root: int, path: str, *, most_bytes: int) -> tuple[bytes, int]:
    """Bytes and mode of a regular file beneath.

    OSError with EINVAL for what is not a regular file and EFBIG for one that is too large;
    opening never waits, so a pipe cannot hold us.
    """
    handle = open_beneath(root, path)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        if status.st_size > most_bytes:
            raise OSError(errno.EFBIG, "file too large", path)
        return _read_up_to(handle, most_bytes, path), stat.S_IMODE(status.st_mode)
    finally:
        os.close(handle)


def _read_up_to(handle: int, most_bytes: int, path: str) -> bytes:
    chunks: list[bytes] = []
    left = most_bytes + 1
    while left > 0 and (chunk := os.read(handle, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    if left <= 0:
        raise OSError(errno.EFBIG, "file grew too large while it was read", path)
    return b"".join(chunks)


@cache
def _has_openat2() -> bool:
    if sys.platform != "linux":
        # There the number means another call.
        return False
    with contextlib.suppress(OSError):
        handle = os.open("/", _FOLDER)
        try:
            os.close(_openat2(handle, ".", _FOLDER))
        finally:
            os.close(handle)
        return True
    return False


def _openat2(root: int, path: str, flags: int) -> int:
    from .launch.system import StepFailed, call

    how = struct.pack("=QQQ", flags, 0, _BENEATH_WITHOUT_LINKS)
    try:
        return call("openat2", _OPENAT2, root, os.fsencode(path), how, len(how))
    except StepFailed as failure:
        raise OSError(failure.errno, os.strerror(failure.errno), path) from None


def _open_step_by_step(root: int, path: str, flags: int) -> int:
    """The same for kernels without openat2: every part is opened without following links."""
    parts = path.split("/")
    if ".." in parts:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    at = os.dup(root)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        return os.open(parts[-1], flags | os.O_NOFOLLOW, dir_fd=at)
    finally:
        os.close(at)
