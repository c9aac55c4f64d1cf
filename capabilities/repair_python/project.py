"""The project under repair: a copy to run in, and which of its files may be edited."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Iterable
from pathlib import Path

PROTECTED = ("tests/*", "test/*", "*/tests/*", "*/test/*", "test_*.py", "*_test.py", "conftest.py")
IGNORED = (
    ".git",
    ".hg",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".hypothesis",
)


def copy_project(workspace: Path, goal: Path) -> Path:
    """A copy that tests may write to, so that only the fix itself changes the workspace."""
    ignore = shutil.ignore_patterns(*IGNORED, "*.pyc")
    shutil.copytree(workspace, goal, symlinks=True, ignore=ignore)
    return goal


def editable(root: Path, wanted: Iterable[str], protected: Iterable[str]) -> list[str]:
    """Python files, relative to the root, that may be edited; tests never are."""
    wanted = list(wanted)
    rules = [*PROTECTED, *protected]
    found = []
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root).as_posix()
        if set(path.split("/")) & set(IGNORED) or file.is_symlink() or not file.is_file():
            continue
        if any(matches(path, rule) for rule in rules):
            continue
        if not wanted or any(matches(path, rule) for rule in wanted):
            found.append(path)
    return found


def matches(path: str, rule: str) -> bool:
    """A glob on the whole path, or on the file name when the rule has no slash."""
    rule = rule.removeprefix("./")
    if "/" not in rule:
        path = path.rpartition("/")[2] if not fnmatch.fnmatchcase(path, rule) else path
    return fnmatch.fnmatchcase(path, rule)
