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
        plain = not any(_needs_header(change) for change in self.files)
        return "".join(_diff_of(change, plain=plain) for change in self.files)

    def to_json(self) -> JsonObject:
        return {"files": [change.to_json() for change in self.files], "digest": self.digest}

    @classmethod
    def from_json(cls, data: JsonObject) -> ChangeSet:
        return cls(tuple(FileChange.from_json(item) for item in data["files"]))


def check_relative(path: str) -> None:
    """Raise InvalidInput unless `path` is a clean POSIX path that stays below its root."""
    pure = PurePosixPath(path)
    is_clean = str(pure) == path and path not in ("", ".") and "\0" not in path
    if not is_clean or pure.is_absolute() or ".." in pure.parts:
        raise InvalidInput(f"{path!r} is not a clean path below its root")


def _diff_of(change: FileChange, *, plain: bool) -> str:
    header = "" if plain else _header(change)
    try:
        before = _lines((change.before or b"").decode("utf-8"))
        after = _lines((change.after or b"").decode("utf-8"))
    except UnicodeDecodeError:
        return f"{header}Binary file {_quoted(change.path)} changes\n"
    old = "/dev/null" if change.before is None else _named("a", change.path)
    new = "/dev/null" if change.after is None else _named("b", change.path)
    lines = difflib.unified_diff(before, after, old, new)
    return header + "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _needs_header(change: FileChange) -> bool:
    """Whether the lines of a plain diff would not show all that happens."""
    is_new_program = change.before is None and change.executable
    return is_new_program or not (change.before or change.after)


def _header(change: FileChange) -> str:
    """Git's own lines; where one file has them all need them."""
    names = f"diff --git {_quoted('a/' + change.path)} {_quoted('b/' + change.path)}\n"
    if change.before is None:
        return f"{names}new file mode {'100755' if change.executable else '100644'}\n"
    return f"{names}deleted file mode 100644\n" if change.after is None else names


def _named(side: str, path: str) -> str:
    """The file's name as `patch` and git read it back: a tab ends one that has spaces."""
    quoted = _quoted(f"{side}/{path}")
    return f"{quoted}\t" if " " in path and quoted[0] != '"' else quoted


def _quoted(name: str) -> str:
    """In quotes, as git does, where a bare name could be taken for another line of the diff."""
    if not any(ord(character) < 32 or character in '\x7f"\\' for character in name):
        return name
    return '"' + "".join(_QUOTES.get(character, character) for character in name) + '"'


_QUOTES = {
    **{chr(code): f"\\{code:03o}" for code in (*range(32), 127)},
    **{'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"},
}


def _lines(text: str) -> list[str]:
    """Cut at newlines only: `splitlines` would also cut at form feeds and their like."""
    *whole, rest = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([rest] if rest else [])]


def _as_text(data: bytes | None) -> str | None:
    # latin-1 maps every byte to one character, so any file survives JSON unchanged.
    return None if data is None else data.decode("latin-1")


def _as_bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")
