"""Copies of mounts: taken while they can be reached, put where they are needed, protected."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH103, PTH120, PTH211

from __future__ import annotations

import errno
import os
import stat
import struct

from .system import StepFailed, call, mount

READ_ONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8
"""Attributes of a mount; the last three have the same values as the flags of mount(2)."""
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_HERE = -100
_CLONE_TREE = 1 | 0x8000 | 0o2000000
_EMPTY_PATH, _RECURSIVELY = 0x1000, 0x8000
_RECURSIVE, _PRIVATE = 0x4000, 1 << 18


def make_private() -> None:
    """Nothing mounted here from now on is seen outside, nor the other way round."""
    mount("private mounts", "", "/", flags=_RECURSIVE | _PRIVATE)


def copy_of(path: str, attributes: int) -> int:
    """A handle on a copy of the mounts at and below `path`, attached nowhere yet."""
    handle = call(f"copy the mount of {path}", _OPEN_TREE, _HERE, path.encode(), _CLONE_TREE)
    _set_attributes(f"protect {path}", handle, b"", _EMPTY_PATH | _RECURSIVELY, attributes)
    return handle


def protect(path: str, attributes: int) -> None:
    """Only the one mount at `path`, not those below it."""
    _set_attributes(f"protect {path}", _HERE, path.encode(), 0, attributes)


def attach(path: str, handle: int) -> None:
    """Put a copy at `path`, whose folder or file is made when it is missing."""
    try:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            os.makedirs(path, mode=0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o644))
    except OSError as error:
        raise StepFailed(f"make a place for {path}", error.errno or errno.EIO) from error
    call(f"bind {path}", _MOVE_MOUNT, handle, b"", _HERE, path.encode(), 4)
    os.close(handle)


def restore_link(link: str, target: str) -> None:
    """Make a symbolic link again that led to a needed tree."""
    if os.path.lexists(link) or os.path.dirname(link) == link:
        return
    try:
        os.makedirs(os.path.dirname(link), mode=0o755, exist_ok=True)
        os.symlink(target, link)
    except OSError as error:
        raise StepFailed(f"restore the link {link}", error.errno or errno.EIO) from error


def _set_attributes(step: str, handle: int, path: bytes, flags: int, attributes: int) -> None:
    wanted = struct.pack("=QQQQ", attributes, 0, _PRIVATE, 0)
    call(step, _MOUNT_SETATTR, handle, path, flags, wanted, len(wanted))
