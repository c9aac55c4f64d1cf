"""Who the sealed process is: never root, without any capability."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH123

from __future__ import annotations

import errno
import os
import stat
import struct

from .system import StepFailed, call, prctl

_HIGH, _LOW = 1_900_000_000, 64_000
"""First uids of the ranges used: one that nobody assigns, one for small uid maps."""
_HIGH_COUNT, _LOW_COUNT = 200_000_000, 1_000
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 23, 24, 47, 4
_CAPABILITY_VERSION = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}


def fresh_uid() -> int:
    """A uid that no process has and that this user namespace can map."""
    first, count = _range()
    for _ in range(1_000):
        uid = first + int.from_bytes(os.urandom(8), "little") % count
        if not _is_in_use(uid):
            return uid
    raise StepFailed("choose a user id", errno.EAGAIN, "every sealed user id is in use")


def look_ahead() -> None:
    """Keep what does not change, for all processes that are forked from here."""
    _ahead.append(_range())


_ahead: list[tuple[int, int]] = []


def _range() -> tuple[int, int]:
    if _ahead:
        return _ahead[0]
    return (_HIGH, _HIGH_COUNT) if _maps(_HIGH + _HIGH_COUNT) else (_LOW, _LOW_COUNT)


def _maps(uid: int) -> bool:
    try:
        with open("/proc/self/uid_map") as lines:
            ranges = [line.split() for line in lines]
    except OSError:
        return False
    return any(int(inside) <= uid < int(inside) + int(count) for inside, _, count in ranges)


def _is_in_use(uid: int) -> bool:
    """The kernel has no niceness for a user without processes."""
    try:
        os.getpriority(os.PRIO_USER, uid)
    except ProcessLookupError:
        return False
    return True


def give(folder: str, uid: int) -> None:
    """Make `uid` the owner of everything below `folder`; nothing runs there yet."""
    pending = [folder]
    try:
        os.lchown(folder, uid, uid)
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    _give_entry(entry, uid)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
    except OSError as error:
        raise StepFailed("give the folder to the sealed user", error.errno or errno.EIO) from error


def _give_entry(entry: os.DirEntry[str], uid: int) -> None:
    status = entry.stat(follow_symlinks=False)
    # A file with a second name may be someone else's file; it keeps its owner.
    if stat.S_ISDIR(status.st_mode) or status.st_nlink == 1:
        os.lchown(entry.path, uid, uid)


def become(uid: int) -> None:
    """Leave root for good. Before Landlock: a capability would look past it."""
    empty_bounding_set()
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise StepFailed("drop root", error.errno or errno.EPERM) from error


def drop_capabilities() -> None:
    """Empty every capability set that is left, also for a user who was given some."""
    try:
        prctl("ambient capabilities", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    except StepFailed as failure:
        if failure.errno != errno.EINVAL:
            raise
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        raise StepFailed("drop capabilities", errno.ENOSYS)
    call("drop capabilities", number, header, bytes(24))


def empty_bounding_set() -> None:
    """No program can hand a capability out, whatever its file says."""
    for capability in range(64):
        try:
            prctl("bounding set", _PR_CAPBSET_DROP, capability)
        except StepFailed as failure:
            if failure.errno == errno.EINVAL:
                return
            # What bubblewrap has emptied already nobody may empty again.
            if _is_in_bounding_set(capability):
                raise


def _is_in_bounding_set(capability: int) -> bool:
    try:
        return bool(prctl("bounding set", _PR_CAPBSET_READ, capability))
    except StepFailed as failure:
        # The kernel does not have that one.
        return failure.errno != errno.EINVAL
