"""Trees of files for checkpoints: copied, digested, put in place of another."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..domain.canonical import digest, digest_bytes
from .durable import sync_folder

_IGNORED = frozenset({"__pycache__", ".git"})


def tree_digest(root: Path) -> str:
    """Digest over path, executable bit and bytes of every regular file below `root`."""
    return digest([[name, _is_executable(path), _digest(path)] for name, path in _files(root)])


def copy_tree(source: Path, target: Path) -> None:
    """Copy the regular files below `source`, each synced; links are left out."""
    target.mkdir(parents=True, mode=0o700)
    for name, path in _files(source):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy_file(path, copy)
    sync_folders(target)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file, mode and bytes, and sync it."""
    shutil.copy(source, target)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(source: Path, target: Path) -> None:
    """Make `target` a copy of the tree `source`; what was there is swapped out whole."""
    mark = f"{os.getpid()}.{secrets.token_hex(4)}"
    fresh = target.with_name(f".{target.name}.new.{mark}")
    old = target.with_name(f".{target.name}.old.{mark}")
    copy_tree(source, fresh)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def sync_folders(root: Path) -> None:
    """Make the names in a folder and in all below it durable."""
    for folder, _, _ in os.walk(root):
        sync_folder(Path(folder))


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    found = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in _IGNORED]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                found.append((path.relative_to(root).as_posix(), path))
    yield from sorted(found)


def _is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _digest(path: Path) -> str:
    return digest_bytes(path.read_bytes())
