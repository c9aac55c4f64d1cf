"""Landlock: which trees the sealed process may read, and the one it may write."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH110

from __future__ import annotations

import errno
import os
import stat
import struct

from .system import StepFailed, call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
NEWEST_KNOWN = 7

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_READ_TREE = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def version() -> int:
    """The kernel's Landlock ABI; StepFailed (ENOSYS, EOPNOTSUPP) where there is none."""
    return call("landlock version", _CREATE_RULESET, None, 0, 1)


def restrict(*, readable: list[str], writable: str, most_abi: int = NEWEST_KNOWN) -> int:
    """Put this thread and all its children into a domain that cannot be left; the ABI used."""
    abi = min(version(), most_abi, NEWEST_KNOWN)
    handled = _file_rights(abi)
    ruleset = call("landlock ruleset", _CREATE_RULESET, *_attributes(abi, handled), 0)
    for path in readable:
        _allow(ruleset, path, handled & _READ_TREE)
    for device in DEVICES:
        if os.path.exists(device):
            _allow(ruleset, device, handled & (_READ_FILE | _WRITE_FILE | _TRUNCATE))
    _allow(ruleset, writable, handled & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEVICE))
    call("landlock restrict", _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return abi


def _file_rights(abi: int) -> int:
    count = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)
    return (1 << count) - 1


def _attributes(abi: int, handled: int) -> tuple[bytes, int]:
    """The ruleset as the kernel of that ABI knows it: files, then TCP, then scopes."""
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    return struct.pack("=QQQ", handled, 0b11, 0b11)[:size], size


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise StepFailed(f"open {path}", error.errno or errno.EIO) from error
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _FILE_ONLY
        rule = struct.pack("=Qi", rights, handle)
        call(f"landlock rule for {path}", _ADD_RULE, ruleset, 1, rule, 0)
    finally:
        os.close(handle)
