"""Safe hands for trees of files: the port `Files`."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ..domain.canonical import digest, digest_bytes
from ..domain.changes import ChangeSet, FileChange, check_relative
from ..domain.errors import Conflict, NotFound, OutOfResources
from ..domain.ports import ChangeState
from ..domain.text import show_line
from . import beneath
from .reading import Caps, files_below, is_ignored
from .standing import state_of
from .writing import apply_changes


class SafeFiles:
    """Reads and writes beneath a root only, never through links, within caps."""

    def __init__(self, *, most_bytes: int = 64 << 20, most_files: int = 10_000) -> None:
        self._caps = Caps(bytes=most_bytes, files=most_files)

    def read_tree(self, root: Path) -> dict[str, bytes]:
        """Every regular file that is not ignored; links and special files are passed over."""
        found = files_below(root, self._caps, refuse_links=False)
        return {file.path: file.data for file in found}

    def write_tree(self, root: Path, files: Mapping[str, bytes]) -> None:
        """Write new files below `root`; Conflict when one of them is there already."""
        root.mkdir(parents=True, exist_ok=True)
        with beneath.opened_root(root) as handle:
            for path, data in sorted(files.items()):
                check_relative(path)
                _write_below(handle, path, data)

    def difference(self, before: Mapping[str, bytes], root: Path) -> ChangeSet:
        """What changed below `root`. InvalidInput when a link, pipe or device is there now.

        Without that refusal a file replaced by a link would look as if it had been deleted.
        """
        found = files_below(root, self._caps, refuse_links=True)
        after = {file.path: file for file in found}
        paths = sorted(path for path in {*before, *after} if not is_ignored(path))
        changes = []
        for path in paths:
            old, new = before.get(path), after.get(path)
            data = new.data if new else None
            if old != data:
                is_executable = bool(new and new.is_executable)
                change = FileChange(path=path, before=old, after=data, executable=is_executable)
                changes.append(change)
        return ChangeSet(tuple(changes))

    def state(self, root: Path, changes: ChangeSet) -> ChangeState:
        return state_of(_existing(root), changes)

    def apply(self, root: Path, changes: ChangeSet) -> None:
        """All or nothing; NotAllowed for version control's own files and paths through links."""
        apply_changes(_existing(root), changes)

    def tree_digest(self, root: Path) -> str:
        found = files_below(root, self._caps, refuse_links=False)
        return digest([[file.path, file.is_executable, digest_bytes(file.data)] for file in found])


def _write_below(root: int, path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        folder = _folder_for(root, path)
        try:
            handle = os.open(PurePosixPath(path).name, flags, 0o644, dir_fd=folder)
        finally:
            os.close(folder)
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle, not a path
            file.write(data)
    except FileExistsError as error:
        raise Conflict(f"{show_line(path)} is there already") from error
    except OSError as error:
        why = f"{show_line(path)} cannot be written: {error.strerror}"
        if error.errno in (errno.ELOOP, errno.EXDEV, errno.ENOTDIR, errno.EACCES, errno.EROFS):
            raise Conflict(why) from error
        raise OutOfResources(why) from error


def _folder_for(root: int, path: str) -> int:
    """A handle on the folder of `path`; what is missing of it is made."""
    at = beneath.open_folder(root, "")
    for part in PurePosixPath(path).parts[:-1]:
        try:
            if not _has(at, part):
                os.mkdir(part, dir_fd=at)
            below = beneath.open_folder(at, part)
        finally:
            os.close(at)
        at = below
    return at


def _has(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _existing(root: Path) -> Path:
    if not root.is_dir():
        raise NotFound(f"{show_line(str(root))} is not a folder")
    return root
