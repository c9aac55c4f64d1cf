"""The ways into tier FULL: namespaces that we make, or those that bubblewrap makes for us."""

from __future__ import annotations

import os
import stat
from enum import StrEnum
from functools import cache

_FOLDERS = ("/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin")
_ROOTS = (0, 65534)
"""As seen from a user namespace, where root may have no number of its own."""


class Route(StrEnum):
    """How the namespaces of tier FULL come about, first choice first."""

    OWN = "own namespaces"
    BUBBLEWRAP = "bubblewrap"


@cache
def bubblewrap() -> str:
    """The system's program; empty when there is none. PATH has no say, and nobody but root."""
    paths = (f"{folder}/bwrap" for folder in _FOLDERS)
    return next((os.path.realpath(path) for path in paths if _is_roots(path)), "")


def present() -> tuple[Route, ...]:
    """Those that can be tried here."""
    return tuple(Route) if bubblewrap() else (Route.OWN,)


def _is_roots(path: str) -> bool:
    try:
        status = os.stat(path)  # noqa: PTH116 - like its neighbours
    except OSError:
        return False
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(status.st_mode) and status.st_uid in _ROOTS and not shared
