"""Reads the folder of a capability safely and names its contents by one digest."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ..domain.canonical import digest, digest_bytes
from ..domain.errors import InvalidInput, NotFound

MOST_FILES = 500
MOST_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Every file of a capability, hidden ones and `__pycache__` left out."""

    files: dict[str, bytes]
    """By POSIX path below the folder."""
    executable: frozenset[str]

    @property
    def digest(self) -> str:
        """Names exactly these paths, modes and bytes."""
        return digest(
            [
                [path, digest_bytes(data), path in self.executable]
                for path, data in sorted(self.files.items())
            ]
        )


def read_tree(folder: Path) -> Tree:
    """Read a capability's folder; links, special files and oversize are refused."""
    if folder.is_symlink():
        raise InvalidInput(f"{folder.name} is a link; a capability is a plain folder")
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    files: dict[str, bytes] = {}
    executable: set[str] = set()
    for top, folders, names, descriptor in os.fwalk(folder, follow_symlinks=False):
        below = Path(top).relative_to(folder)
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        for name in [*folders, *names]:
            _check_name(below / name)
        for name in folders:
            if stat.S_ISLNK(os.lstat(name, dir_fd=descriptor).st_mode):
                raise InvalidInput(f"{(below / name).as_posix()} is a link")
        for name in sorted(name for name in names if not is_ignored(name)):
            path = (below / name).as_posix()
            files[path], may_run = _read_file(name, descriptor, path=path)
            executable.update({path} if may_run else ())
            _check_size(files)
    return Tree(files=files, executable=frozenset(executable))


def is_ignored(name: str) -> bool:
    """Hidden files and Python's caches are no part of a capability."""
    return name.startswith(".") or name == "__pycache__"


def _read_file(name: str, folder: int, *, path: str) -> tuple[bytes, bool]:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise InvalidInput(f"{path} is a link or can't be read ({error.strerror})") from error
    with open(descriptor, "rb") as file:  # noqa: PTH123  (a descriptor, not a path)
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidInput(f"{path} is no regular file")
        if facts.st_size > MOST_BYTES:
            raise InvalidInput(f"{path} has {facts.st_size:,} bytes; the most is {MOST_BYTES:,}")
        return file.read(MOST_BYTES + 1), bool(facts.st_mode & 0o111)


def _check_name(path: Path) -> None:
    text = path.as_posix()
    if not (text.isascii() and text.isprintable()) or "\\" in text:
        raise InvalidInput(f"the file name {text!r} is not plain ASCII")


def _check_size(files: dict[str, bytes]) -> None:
    if len(files) > MOST_FILES:
        raise InvalidInput(f"more than {MOST_FILES} files in one capability")
    if sum(map(len, files.values())) > MOST_BYTES:
        raise InvalidInput(f"more than {MOST_BYTES:,} bytes in one capability")
