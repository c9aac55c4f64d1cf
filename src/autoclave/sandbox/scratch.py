"""Scratch folders: made for one sealed run, removed whatever was left in them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "autoclave-run-"
_WORK = "work"


def is_scratch(folder: Path) -> bool:
    """Whether a folder lies in one that was made here; only those change their owner."""
    return any(part.startswith(_PREFIX) for part in folder.parts)


@contextmanager
def scratch_below(base: Path) -> Iterator[Path]:
    """A fresh working folder. The folder around it stays ours and holds the lock of the living."""
    place = _usable(base)
    sweep(place)
    outer, lock = _claim(place)
    try:
        # Another user, the sealed one, has to pass through when we are root.
        outer.chmod(0o711 if os.geteuid() == 0 else 0o700)
        work = outer / _WORK
        work.mkdir(mode=0o700)
        yield work
    finally:
        remove_tree(outer)
        os.close(lock)


def _claim(place: Path) -> tuple[Path, int]:
    """A new folder and the lock on it.

    Between the two a sweep in another process can take it for a left-over: then the lock is on
    something that is gone, and another folder is made.
    """
    while True:
        outer = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        try:
            lock = os.open(outer, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if outer.exists():
            return outer, lock
        os.close(lock)


def sweep(place: Path) -> None:
    """Remove what killed processes left behind: folders of ours whose lock is free."""
    for folder in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                continue
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(folder)
            finally:
                os.close(handle)


def remove_tree(root: Path) -> None:
    """Remove a folder that hostile code has filled: any depth, any name, any mode.

    Folders are moved up to the top one by one, so no path grows long and nothing recurses.
    """
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # Names made here cannot clash with what is there: a folder of our own holds them.
        heap = tempfile.mkdtemp(prefix="heap-", dir=root)
        _flatten(handle, heap)
    finally:
        os.close(handle)
    shutil.rmtree(root)


def _flatten(root: int, heap: str) -> None:
    name = Path(heap).name
    heap_handle = os.open(heap, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        count = _empty(root, heap_handle, 0, keep=name)
        while waiting := os.listdir(heap_handle):  # noqa: PTH208 - a handle, not a path
            for folder in waiting:
                count = _remove_one(heap_handle, folder, count)
    finally:
        os.close(heap_handle)


def _remove_one(heap: int, folder: str, count: int) -> int:
    inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=heap)
    try:
        count = _empty(inner, heap, count)
    finally:
        os.close(inner)
    os.rmdir(folder, dir_fd=heap)
    return count


def _empty(folder: int, heap: int, count: int, keep: str = "") -> int:
    """Delete the files of a folder and move its folders to the heap."""
    for name in os.listdir(folder):
        if name == keep:
            continue
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=folder)
            continue
        # A folder without rights for its owner cannot be moved or opened.
        os.chmod(name, 0o700, dir_fd=folder)
        count += 1
        os.rename(name, str(count), src_dir_fd=folder, dst_dir_fd=heap)
    return count


def _usable(base: Path) -> Path:
    """`base`, or the system's place when we are root and others cannot get to `base`."""
    base.mkdir(parents=True, exist_ok=True)
    real = base.resolve()
    if os.geteuid() != 0 or all(p.stat().st_mode & stat.S_IXOTH for p in (real, *real.parents)):
        return real
    return Path(tempfile.gettempdir()).resolve()
