"""Reading a tree of files that hostile code may have left."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..domain.errors import InvalidInput, NotFound, OutOfResources
from ..domain.text import show_line
from . import beneath
from .places import TEMPORARY

OURS = ".autoclave-"
"""Every name that we make inside a tree starts so."""

_IGNORED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        ".eggs",
        ".coverage",
        ".cache",
        TEMPORARY,
    }
)
_IGNORED_ENDS = (".pyc", ".pyo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that one tree may hold."""

    bytes: int = 64 << 20
    files: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One regular file of a tree."""

    path: str
    data: bytes
    is_executable: bool


def is_ignored(path: str) -> bool:
    """Whether any part of a relative path names a cache, a repository or an environment."""
    return any(_is_ignored_name(part) for part in path.split("/"))


def files_below(root: Path, caps: Caps, *, refuse_links: bool) -> Iterator[Found]:
    """Every regular file, sorted by path.

    Links, pipes and devices are passed over, or refused when `refuse_links`: a folder that a
    sealed run was given held none, so what is there now cannot be taken over as it is.
    """
    left = caps.bytes
    try:
        with beneath.opened_root(root) as handle:
            for path in _paths(handle, caps, refuse_links=refuse_links):
                data, mode = beneath.read_file(handle, path, most_bytes=left)
                left -= len(data)
                yield Found(path=path, data=data, is_executable=bool(mode & 0o111))
    except FileNotFoundError as error:
        raise NotFound(f"{show_line(str(root))} cannot be read: {_say(error)}") from error
    except OSError as error:
        raise _refusal(root, caps, error) from error


def _paths(root: int, caps: Caps, *, refuse_links: bool) -> list[str]:
    found: list[str] = []
    pending = [""]
    seen = 0
    while pending:
        folder = pending.pop()
        for name, mode in _entries(root, folder):
            seen += 1
            path = f"{folder}/{name}" if folder else name
            if stat.S_ISDIR(mode):
                pending.append(path)
            elif stat.S_ISREG(mode):
                found.append(path)
            elif refuse_links:
                raise InvalidInput(f"{show_line(path)} is a {_kind(mode)}, not a file or folder")
        if len(found) > caps.files or seen > 2 * caps.files + 1_000:
            raise InvalidInput(
                f"more than {caps.files} files", hint="choose a smaller folder or clean it up"
            )
    return sorted(found)


def _entries(root: int, folder: str) -> list[tuple[str, int]]:
    handle = beneath.open_folder(root, folder)
    try:
        with os.scandir(handle) as entries:
            return [
                (_checked_name(entry.name, folder), entry.stat(follow_symlinks=False).st_mode)
                for entry in entries
                if not _is_ignored_name(entry.name)
            ]
    finally:
        os.close(handle)


def _is_ignored_name(name: str) -> bool:
    return name in _IGNORED or name.startswith(OURS) or name.endswith(_IGNORED_ENDS)


def _checked_name(name: str, folder: str) -> str:
    """Names travel as JSON and into the journal, so they have to be UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        raise InvalidInput(
            f"the file name {show_line(shown)} in {show_line(folder or '.')} is not UTF-8",
            hint="rename or remove it",
        ) from None
    return name


def _kind(mode: int) -> str:
    names = {stat.S_IFLNK: "symbolic link", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return names.get(stat.S_IFMT(mode), "device")


def _refusal(root: Path, caps: Caps, error: OSError) -> InvalidInput | OutOfResources:
    where = show_line(str(error.filename or root))
    if error.errno == errno.EFBIG:
        return InvalidInput(
            f"the files below {show_line(str(root))} are larger than {caps.bytes} bytes; "
            f"{where} goes over it",
            hint="choose a smaller folder or clean it up",
        )
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return OutOfResources(f"{where} cannot be read: {_say(error)}")
    return InvalidInput(f"{where} cannot be read: {_say(error)}")


def _say(error: OSError) -> str:
    return error.strerror or str(error)
