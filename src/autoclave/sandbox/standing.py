"""Where the files of a change set stand: as before it, as after it, between, or elsewhere."""

from __future__ import annotations

import errno
from pathlib import Path, PurePosixPath

from ..domain.canonical import digest_bytes
from ..domain.changes import ABSENT, ChangeSet, FileChange
from ..domain.ports import ChangeState
from . import beneath

_MOST_BYTES = 1 << 30
_LINKED = (errno.ELOOP, errno.EXDEV)
_NO_FILE = (errno.EINVAL, errno.EISDIR)


def state_of(root: Path, changes: ChangeSet) -> ChangeState:
    """One word for the whole set; a path through a link stands elsewhere."""
    with beneath.opened_root(root) as handle:
        try:
            sides = [sides_of(handle, change, changes) for change in changes.files]
        except OSError as error:
            if error.errno in _LINKED:
                return "other"
            raise
    if not all(sides):
        return "other"
    if all("after" in side for side in sides):
        return "after"
    return "before" if all("before" in side for side in sides) else "mixed"


def sides_of(root: int, change: FileChange, changes: ChangeSet) -> frozenset[str]:
    """The sides that one file stands on; empty for neither. OSError for a link on the way."""
    try:
        data, mode = beneath.read_file(root, change.path, most_bytes=_MOST_BYTES)
        present, is_executable = digest_bytes(data), bool(mode & 0o111)
    except FileNotFoundError:
        present, is_executable = ABSENT, False
    except NotADirectoryError:
        if not _touches_a_parent(change.path, changes):
            return frozenset()
        present, is_executable = ABSENT, False
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        if not _touches_what_is_below(change.path, changes):
            return frozenset()
        present, is_executable = ABSENT, False
    # A sealed run never sees modes, so only a wish for more is a difference.
    lacks_mode = change.executable and change.after is not None and not is_executable
    before = {"before"} if present == change.before_hash else set()
    after = {"after"} if present == change.after_hash and not lacks_mode else set()
    return frozenset(before | after)


def _touches_a_parent(path: str, changes: ChangeSet) -> bool:
    """A file makes room for a folder of its name, or the other way round."""
    parents = {str(parent) for parent in PurePosixPath(path).parents}
    return any(change.path in parents for change in changes.files)


def _touches_what_is_below(path: str, changes: ChangeSet) -> bool:
    return any(change.path.startswith(f"{path}/") for change in changes.files)
