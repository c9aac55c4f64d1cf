"""A way to needed trees that lie below folders which the sealed user may not enter.

Only root needs it: the first closed folder is covered by a small tmpfs in a mount namespace of
the sealed process, and only the needed trees are bound back below it, read-only.
"""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH103, PTH116, PTH120, PTH211

from __future__ import annotations

import errno
import os
import stat
import struct

from .system import StepFailed, call, mount

_UNSHARE = {"x86_64": 272, "aarch64": 97}
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_NEW_MOUNTS = 0x00020000
_RECURSIVE, _PRIVATE = 0x4000, 1 << 18
_NOSUID, _NODEV = 2, 4
_HERE = -100
_CLONE_TREE = 1 | 0x8000 | 0o2000000
_EMPTY_PATH = 0x1000
_WHOLE_TREE = _EMPTY_PATH | 0x8000
_ATTRIBUTE_READ_ONLY, _ATTRIBUTE_NOSUID, _ATTRIBUTE_NODEV = 1, 2, 4


def open_the_way(*, readable: list[str], folder: str, links: dict[str, str]) -> None:
    """Cover and bind whatever is needed; nothing at all when every tree can be reached."""
    trees = sorted(path for path in {*readable, folder} if first_closed(path))
    if not trees:
        return
    covers = sorted({first_closed(path) for path in trees})
    call("own mount namespace", _UNSHARE[os.uname().machine], _NEW_MOUNTS)
    mount("private mounts", "", "/", flags=_RECURSIVE | _PRIVATE)
    handles = {path: _copy_of(path, writable=path == folder) for path in trees}
    for cover in covers:
        flags = _NOSUID | _NODEV
        options = "mode=0755,size=1m,nr_inodes=4096"
        mount(f"cover {cover}", "tmpfs", cover, kind="tmpfs", flags=flags, data=options)
    for path in trees:
        _attach(path, handles[path])
    for link, target in sorted(links.items()):
        _restore(link, target)


def first_closed(path: str) -> str:
    """The first folder above `path` that others may not enter; empty when there is none."""
    at = ""
    for part in path.split("/")[1:-1]:
        at = f"{at}/{part}"
        if not os.stat(at).st_mode & stat.S_IXOTH:
            return at
    return ""


def _copy_of(path: str, *, writable: bool) -> int:
    handle = call(f"copy the mount of {path}", _OPEN_TREE, _HERE, path.encode(), _CLONE_TREE)
    attributes = _ATTRIBUTE_NOSUID | _ATTRIBUTE_NODEV
    if not writable:
        attributes |= _ATTRIBUTE_READ_ONLY
    _set_attributes(f"protect {path}", handle, attributes)
    return handle


def _set_attributes(step: str, handle: int, attributes: int) -> None:
    wanted = struct.pack("=QQQQ", attributes, 0, 0, 0)
    call(step, _MOUNT_SETATTR, handle, b"", _WHOLE_TREE, wanted, len(wanted))


def _attach(path: str, handle: int) -> None:
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


def _restore(link: str, target: str) -> None:
    if os.path.lexists(link) or os.path.dirname(link) == link:
        return
    try:
        os.makedirs(os.path.dirname(link), mode=0o755, exist_ok=True)
        os.symlink(target, link)
    except OSError as error:
        raise StepFailed(f"restore the link {link}", error.errno or errno.EIO) from error
