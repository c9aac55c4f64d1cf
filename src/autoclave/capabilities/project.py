"""Finds what a workspace's own virtual environment has installed."""

from __future__ import annotations

import sys
from pathlib import Path

_NAMES = (".venv", "venv")


def site_packages(workspace: Path | None) -> tuple[Path, ...]:
    """The `site-packages` of the workspace's environment, if it is for our minor version.

    A link on the way is refused: it could make any folder of this machine readable.
    """
    if workspace is None:
        return ()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for name in _NAMES:
        steps = (name, "lib", version, "site-packages")
        folders = [workspace.joinpath(*steps[:count]) for count in range(1, len(steps) + 1)]
        if all(folder.is_dir() and not folder.is_symlink() for folder in folders):
            return (folders[-1].absolute(),)
    return ()
