"""Lists the files of the workspace."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

HIDDEN = frozenset({"__pycache__", "node_modules"})


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Files that match, by path; hidden ones and caches are left out."""
    glob, most = inputs.get("glob", "**/*"), inputs.get("most", 1000)
    check_glob(glob)
    found = [path for path in walk(context.workspace) if matches(path, glob)]
    files = [
        {"path": path, "bytes": (context.workspace / path).stat().st_size} for path in found[:most]
    ]
    return {"files": files, "count": len(found), "truncated": len(found) > most}


def check_glob(glob: str) -> None:
    """Raise unless it is a pattern below the workspace."""
    parts = PurePosixPath(glob).parts
    if glob.startswith("/") or ".." in parts:
        raise PermissionError(f"the glob {glob!r} leads out of the workspace")
    if len(glob) > 200:
        raise ValueError(f"the glob has {len(glob)} characters; the most is 200")


def walk(workspace: Path) -> Iterator[str]:
    """Paths of regular files in order, no links followed."""
    for top, folders, names in os.walk(workspace):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(name for name in names if not _is_hidden(name)):
            path = Path(top) / name
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(workspace).as_posix()


def matches(path: str, glob: str) -> bool:
    """Whether a path fits; a glob without `/` is for names in any folder."""
    if "/" not in glob:
        return fnmatch.fnmatchcase(path.rpartition("/")[2], glob)
    return _fits(path.split("/"), glob.split("/"))


def _fits(path: list[str], glob: list[str]) -> bool:
    """Match part by part, `**` standing for any number of folders, in quadratic time at most."""
    reached = {0}
    for part in [*path, None]:
        reached |= {at + 1 for at in sorted(reached) if at < len(glob) and glob[at] == "**"}
        if part is None:
            return len(glob) in reached
        reached = {
            at if glob[at] == "**" else at + 1
            for at in reached
            if at < len(glob) and (glob[at] == "**" or fnmatch.fnmatchcase(part, glob[at]))
        }
    return False


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in HIDDEN
