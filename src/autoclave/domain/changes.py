"""Changes to files as values: what a run wants to write, before anything is written."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import PurePosixPath

from .canonical import JsonObject, digest, digest_bytes
from .errors import InvalidInput

ABSENT = ""
"""The hash of a file that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file before and after. None means that the file does not exist on that side."""

    path: str
    """POSIX, relative to the root that the change set is for; never absolute, never with `..`."""
    before: bytes | None
    after: bytes | None
    executable: bool = False

    def __post_init__(self) -> None:
        check_relative(self.path)

    @property
    def before_hash(self) -> str:
        return ABSENT if self.before is None else digest_bytes(self.before)

    @property
    def after_hash(self) -> str:
        return ABSENT if self.after is None else digest_bytes(self.after)

    def to_json(self) -> JsonObject:
        return {
            "path": self.path,
            "before": _as_text(self.before),
            "after": _as_text(self.after),
            "executable": self.executable,
        }

    @classmethod
    def from_json(cls, data: JsonObject) -> FileChange:
        return cls(
            path=data["path"],
            before=_as_bytes(data["before"]),
            after=_as_bytes(data["after"]),
            executable=data["executable"],
        )


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """All files of one change, sorted by path, each path once."""

    files: tuple[FileChange, ...] = ()

    def __post_init__(self) -> None:
        paths = [change.path for change in self.files]
        if paths != sorted(set(paths)):
            raise InvalidInput("a change set names each path once, in order")

    def __bool__(self) -> bool:
        return bool(self.files)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(change.path for change in self.files)

    @property
    def digest(self) -> str:
        return digest([[c.path, c.before_hash, c.after_hash, c.executable] for c in self.files])

    def diff(self) -> str:
        """Unified diff of the text files; binary ones are named in one line each."""
        return "".join(_diff_of(change) for change in self.files)

    def to_json(self) -> JsonObject:
        return {"files": [change.to_json() for change in self.files], "digest": self.digest}

    @classmethod
    def from_json(cls, data: JsonObject) -> ChangeSet:
        return cls(tuple(FileChange.from_json(item) for item in data["files"]))


def check_relative(path: str) -> None:
    """Raise InvalidInput unless `path` is a clean POSIX path that stays below its root."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or str(pure) != path or "\0" in path:
        raise InvalidInput(f"{path!r} is not a clean path below its root")


def _diff_of(change: FileChange) -> str:
    try:
        before = (change.before or b"").decode("utf-8")
        after = (change.after or b"").decode("utf-8")
    except UnicodeDecodeError:
        return f"Binary file {change.path} changes\n"
    old = "/dev/null" if change.before is None else f"a/{change.path}"
    new = "/dev/null" if change.after is None else f"b/{change.path}"
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), old, new
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _as_text(data: bytes | None) -> str | None:
    # latin-1 maps every byte to one character, so any file survives JSON unchanged.
    return None if data is None else data.decode("latin-1")


def _as_bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")
