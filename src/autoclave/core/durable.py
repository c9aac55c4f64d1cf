"""Small moves on a disk that either happened or did not, even when the power goes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_once(path: Path, data: bytes) -> None:
    """Write a new private file, whole; of two processes that try at once, the first one wins."""
    fresh = _fresh_name(path)
    try:
        _write(fresh, lambda file: file.write(data))
        os.link(fresh, path)
        sync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        fresh.unlink(missing_ok=True)


def replace_whole(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Write a private file beside `path`, sync it, then give it that name."""
    fresh = _fresh_name(path)
    try:
        _write(fresh, fill)
        fresh.replace(path)
        sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _fresh_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


def _write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())
