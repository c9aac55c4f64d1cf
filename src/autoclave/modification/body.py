"""The body: every file of the agent that it may propose to change, as one value."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..domain.canonical import digest, digest_bytes
from ..domain.changes import ChangeSet
from ..domain.errors import InvalidInput
from ..domain.ports import Files

CAPABILITIES = "capabilities"
_NO_PART = frozenset({".git", "__pycache__"})


@dataclass(frozen=True, kw_only=True)
class Body:
    """Paths (POSIX, below the home), bytes and modes of the whole body at one moment."""

    files: Mapping[str, bytes]
    executable: frozenset[str] = frozenset()

    @cached_property
    def digest(self) -> str:
        """Names exactly these paths, modes and bytes."""
        return digest(
            [
                [path, "100755" if path in self.executable else "100644", digest_bytes(data)]
                for path, data in sorted(self.files.items())
            ]
        )

    def after(self, changes: ChangeSet) -> Body:
        """The body with the changes in it."""
        files, executable = dict(self.files), set(self.executable)
        for change in changes.files:
            executable.discard(change.path)
            if change.after is None:
                files.pop(change.path, None)
                continue
            files[change.path] = change.after
            executable.update({change.path} if change.executable else ())
        return Body(files=files, executable=frozenset(executable))

    def before(self, changes: ChangeSet) -> Body:
        """The body with the changes taken out again."""
        return self.after(reverse(changes, self.executable))

    def below(self, folder: str) -> dict[str, bytes]:
        """The files below a folder, by their whole paths."""
        return {path: data for path, data in self.files.items() if path.startswith(f"{folder}/")}

    def mind(self, folder: str) -> dict[str, bytes]:
        """The files of the mind by their names below its folder."""
        start = len(folder) + 1
        return {path[start:]: data for path, data in self.below(folder).items()}

    def capabilities(self) -> tuple[str, ...]:
        """Names of the capability folders in it."""
        parts = (PurePosixPath(path).parts for path in self.files)
        return tuple(sorted({p[1] for p in parts if p[0] == CAPABILITIES and len(p) > 2}))

    def manifest(self, capability: str) -> dict[str, object]:
        """What `capability.toml` says, unchecked; empty when it can't be read."""
        data = self.files.get(f"{CAPABILITIES}/{capability}/capability.toml", b"")
        try:
            return tomllib.loads(data.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError):
            return {}


def reverse(changes: ChangeSet, executable: frozenset[str] = frozenset()) -> ChangeSet:
    """The change set that takes another one back."""
    return ChangeSet(
        tuple(
            replace(
                change,
                before=change.after,
                after=change.before,
                executable=change.executable or change.path in executable,
            )
            for change in changes.files
        )
    )


def read_body(files: Files, root: Path, prefixes: Sequence[str]) -> Body:
    """The body as it stands on disk."""
    found: dict[str, bytes] = {}
    executable: set[str] = set()
    for prefix in prefixes:
        folder = root / prefix
        if folder.is_symlink():
            raise InvalidInput(f"{prefix} is a link; the body is made of plain folders")
        if not folder.is_dir():
            continue
        for name, data in files.read_tree(folder).items():
            if _NO_PART.isdisjoint(PurePosixPath(name).parts):
                found[f"{prefix}/{name}"] = data
                executable.update({f"{prefix}/{name}"} if _may_run(folder / name) else ())
    return Body(files=found, executable=frozenset(executable))


def is_test(path: str) -> bool:
    """Whether a file judges code: tests, what they are set up by, examples and manifests."""
    pure = PurePosixPath(path)
    folders = {"tests", "test", "examples"}
    return (
        not folders.isdisjoint(pure.parts[:-1])
        or pure.name in ("conftest.py", "capability.toml")
        or pure.name.startswith("test_")
        or pure.name.endswith("_test.py")
    )


def capability_of(path: str) -> str:
    """The capability that a path belongs to, or nothing."""
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == CAPABILITIES else ""


def _may_run(path: Path) -> bool:
    return bool(path.lstat().st_mode & stat.S_IXUSR)
