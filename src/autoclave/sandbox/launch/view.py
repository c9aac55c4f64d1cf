"""A way to needed trees that lie below folders which the sealed user may not enter.

Only root needs it: the first closed folder is covered by a small tmpfs in a mount namespace of
the sealed process, and only the needed trees are bound back below it, read-only.
"""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH116

from __future__ import annotations

import os
import stat

from . import mounts
from .system import call, mount

_UNSHARE = {"x86_64": 272, "aarch64": 97}
_NEW_MOUNTS = 0x00020000


def open_the_way(*, readable: list[str], folder: str = "", links: dict[str, str]) -> None:
    """Cover and bind whatever is needed; nothing at all when every tree can be reached."""
    trees = sorted(path for path in {*readable, folder} if path and first_closed(path))
    if not trees:
        return
    covers = sorted({first_closed(path) for path in trees})
    call("own mount namespace", _UNSHARE[os.uname().machine], _NEW_MOUNTS)
    mounts.make_private()
    handles = {path: _copy_of(path, writable=path == folder) for path in trees}
    for cover in covers:
        flags = mounts.NOSUID | mounts.NODEV
        options = "mode=0755,size=1m,nr_inodes=4096"
        mount(f"cover {cover}", "tmpfs", cover, kind="tmpfs", flags=flags, data=options)
    for path in trees:
        mounts.attach(path, handles[path])
    for link, target in sorted(links.items()):
        mounts.restore_link(link, target)


def first_closed(path: str) -> str:
    """The first folder above `path` that others may not enter; empty when there is none."""
    at = ""
    for part in path.split("/")[1:-1]:
        at = f"{at}/{part}"
        if not os.stat(at).st_mode & stat.S_IXOTH:
            return at
    return ""


def _copy_of(path: str, *, writable: bool) -> int:
    attributes = mounts.NOSUID | mounts.NODEV
    return mounts.copy_of(path, attributes if writable else attributes | mounts.READ_ONLY)
