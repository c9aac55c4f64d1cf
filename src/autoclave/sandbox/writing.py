"""Writing a change set: all of it or nothing, also when the power fails half way."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..domain.changes import ChangeSet, FileChange
from ..domain.errors import AutoclaveError, Conflict, NotAllowed, OutOfResources, Stale
from ..domain.text import show_line
from . import beneath
from .reading import OURS
from .standing import sides_of

_NEVER_WRITTEN = frozenset({".git", ".hg", ".svn"})
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_LINKED = (errno.ELOOP, errno.EXDEV)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def apply_changes(root: Path, changes: ChangeSet) -> None:
    """Stage every byte first, then only rename. Repeating it after a crash finishes the job."""
    _refuse_protected(changes)
    try:
        with beneath.opened_root(root) as handle:
            todo = _todo(handle, changes)
            with _staging(handle, changes) as stage:
                deleted = [change.path for change in changes.files if change.after is None]
                _Apply(handle, stage, deleted).run(todo)
    except OSError as error:
        raise _translated(error) from error


@dataclass(slots=True)
class _Apply:
    """One attempt, with what it takes to undo it."""

    root: int
    stage: int
    deleted: list[str]
    undo: list[tuple[str, str, int]] = field(default_factory=list)
    """Steps done so far: what, the path, and a mode or the number of a staged file."""
    touched: set[str] = field(default_factory=set)

    def run(self, todo: list[FileChange]) -> None:
        for number, change in enumerate(todo):
            self._prepare(number, change)
        os.fsync(self.stage)
        numbered = list(enumerate(todo))
        try:
            # What goes away makes room first: a file may become a folder and the other way.
            for number, change in reversed(numbered):
                if change.after is None:
                    self._move_out(number, change.path)
            for number, change in numbered:
                if change.after is not None:
                    self._put(number, change)
            self._remove_emptied("")
            self._make_durable()
        except BaseException:
            self._roll_back()
            raise

    def _prepare(self, number: int, change: FileChange) -> None:
        mode = 0o666 & ~_umask()
        if change.before is not None:
            mode = self._mode_of(change.path)
        if change.after is None:
            return
        if change.executable:
            mode |= 0o111 & ~_umask()
        self._write(f"{number}.new", change.after, mode)

    def _write(self, name: str, data: bytes, mode: int) -> None:
        handle = os.open(name, _NEW_FILE, 0o600, dir_fd=self.stage)
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle, not a path
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())

    def _mode_of(self, path: str) -> int:
        handle = beneath.open_beneath(self.root, path)
        try:
            return stat.S_IMODE(os.fstat(handle).st_mode)
        finally:
            os.close(handle)

    def _put(self, number: int, change: FileChange) -> None:
        if change.before is not None:
            self._replace(number, change, change.before)
            return
        self._make_folders(_parent(change.path))
        self._remove_emptied(f"{change.path}/")
        with _opened(self.root, _parent(change.path)) as folder:
            name = _name(change.path)
            if _exists(folder, name):
                raise Conflict(f"{show_line(change.path)} is in the way; nothing was changed")
            os.rename(f"{number}.new", name, src_dir_fd=self.stage, dst_dir_fd=folder)
        self._note("put", change.path, number)

    def _replace(self, number: int, change: FileChange, before: bytes) -> None:
        """The old file gets a second name first, so that the new one can cover it in one step."""
        name, old = _name(change.path), f"{number}.old"
        with _opened(self.root, _parent(change.path)) as folder:
            try:
                os.link(name, old, src_dir_fd=folder, dst_dir_fd=self.stage, follow_symlinks=False)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    raise
                self._write(old, before, self._mode_of(change.path))
            os.replace(f"{number}.new", name, src_dir_fd=self.stage, dst_dir_fd=folder)
        self._note("moved", change.path, number)

    def _move_out(self, number: int, path: str) -> None:
        with _opened(self.root, _parent(path)) as folder:
            os.rename(_name(path), f"{number}.old", src_dir_fd=folder, dst_dir_fd=self.stage)
        self._note("moved", path, number)

    def _make_folders(self, folder: str) -> None:
        for path in _with_parents(folder):
            with _opened(self.root, _parent(path)) as above:
                try:
                    os.mkdir(_name(path), dir_fd=above)
                except FileExistsError:
                    continue
            self._note("made", path, 0)

    def _remove_emptied(self, start: str) -> None:
        """Folders at or below `start` that are empty now, where something was deleted."""
        for path in sorted(self.deleted, reverse=True):
            folder = _parent(path)
            while folder and f"{folder}/".startswith(start) and self._remove_if_empty(folder):
                folder = _parent(folder)

    def _remove_if_empty(self, folder: str) -> bool:
        """Whether it is gone now; an attempt that was killed may have removed it already."""
        try:
            with _opened(self.root, folder) as handle:
                mode = stat.S_IMODE(os.fstat(handle).st_mode)
            with _opened(self.root, _parent(folder)) as above:
                os.rmdir(_name(folder), dir_fd=above)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        self._note("removed", folder, mode)
        return True

    def _note(self, what: str, path: str, number: int) -> None:
        self.undo.append((what, path, number))
        self.touched.add(_parent(path))

    def _make_durable(self) -> None:
        for path in sorted(self.touched):
            # A folder that was emptied later is gone; its parent is in the set too.
            gone = contextlib.suppress(FileNotFoundError, NotADirectoryError)
            with gone, _opened(self.root, path) as folder:
                os.fsync(folder)

    def _roll_back(self) -> None:
        """Back in reverse by renames, which need no room on the disk."""
        for what, path, number in reversed(self.undo):
            with _opened(self.root, _parent(path)) as folder:
                self._take_back(what, folder, _name(path), number)
        self._make_durable()

    def _take_back(self, what: str, folder: int, name: str, number: int) -> None:
        if what == "moved":
            os.replace(f"{number}.old", name, src_dir_fd=self.stage, dst_dir_fd=folder)
        elif what == "put":
            os.unlink(name, dir_fd=folder)
        elif what == "made":
            os.rmdir(name, dir_fd=folder)
        else:
            os.mkdir(name, number, dir_fd=folder)


def _todo(root: int, changes: ChangeSet) -> list[FileChange]:
    """What is not written yet. Stale when a file is neither as before nor as after."""
    todo = []
    for change in changes.files:
        sides = sides_of(root, change, changes)
        if not sides:
            raise Stale(
                f"{show_line(change.path)} is not what the change was made for",
                hint="look at the file, then make the change anew",
            )
        if "after" not in sides:
            todo.append(change)
    return todo


@contextlib.contextmanager
def _staging(root: int, changes: ChangeSet) -> Iterator[int]:
    """A folder of our own in the root; what a killed attempt left in it is removed first."""
    name = f"{OURS}apply-{changes.digest[:16]}"
    _remove_staging(root, name)
    os.mkdir(name, 0o700, dir_fd=root)
    try:
        with _opened(root, name) as stage:
            yield stage
    finally:
        # The outcome stands by now; what cannot be removed is ignored by readers and swept later.
        with contextlib.suppress(OSError):
            _remove_staging(root, name)


def _remove_staging(root: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        with _opened(root, name) as stage:
            for file in os.listdir(stage):  # noqa: PTH208 - a handle, not a path
                os.unlink(file, dir_fd=stage)
        os.rmdir(name, dir_fd=root)


def _refuse_protected(changes: ChangeSet) -> None:
    for path in changes.paths:
        parts = PurePosixPath(path).parts
        if any(part.casefold() in _NEVER_WRITTEN for part in parts):
            raise NotAllowed(f"{show_line(path)} belongs to version control and is never written")
        if any(part.startswith(OURS) for part in parts):
            raise NotAllowed(f"{show_line(path)} has a name that is kept for Autoclave's own files")


def _translated(error: OSError) -> AutoclaveError:
    where = show_line(str(error.filename or "the folder"))
    why = error.strerror or str(error)
    if error.errno in _FULL:
        return OutOfResources(f"nothing was changed: {where}: {why}", hint="make room, try again")
    if error.errno in _LINKED:
        return NotAllowed(f"nothing was changed: {where} is reached through a symbolic link")
    if error.errno in _CLOSED:
        return Conflict(
            f"nothing was changed: {where} cannot be written: {why}",
            hint="make the folder writable for this user",
        )
    return Conflict(f"nothing was changed: {where}: {why}")


@contextlib.contextmanager
def _opened(root: int, folder: str) -> Iterator[int]:
    handle = beneath.open_folder(root, folder)
    try:
        yield handle
    finally:
        os.close(handle)


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _with_parents(folder: str) -> list[str]:
    parts = PurePosixPath(folder).parts if folder else ()
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _umask() -> int:
    # Asking the kernel by setting it would race with other threads.
    try:
        with open("/proc/self/status") as lines:  # noqa: PTH123
            found = (int(line.split()[1], 8) for line in lines if line.startswith("Umask:"))
            return next(found, 0o022)
    except FileNotFoundError:
        # macOS has no such file; what is usual there can only give away too little.
        return 0o077
