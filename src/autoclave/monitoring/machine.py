"""Checks of the machine itself: Python, memory, disk, clock, database library, git, terminal."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from .health import Check, Health, Probe

_LEAST_PYTHON = (3, 11)
_LEAST_DISK_BYTES = 1 << 30
_LEAST_MEMORY_BYTES = 1 << 30
_BUILT_AT = 1_735_689_600.0  # 2025-01-01: no clock that is right says less
_GIGABYTE = 1e9


def machine_probes(root: Path, *, newest_event_at: float = 0.0) -> tuple[Probe, ...]:
    """Everything about the machine that Autoclave needs; `root` is the home."""
    looks: dict[str, Callable[[], Check]] = {
        "python": check_python,
        "processor": check_processor,
        "memory": check_memory,
        "disk": partial(check_disk, root),
        "write access": partial(check_write_access, root),
        "clock": partial(check_clock, newest_event_at=newest_event_at),
        "text search": check_text_search,
        "git": check_git,
        "terminal": check_terminal,
    }
    return tuple(Probe(name=name, look=look) for name, look in looks.items())


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    said = ".".join(map(str, version))
    if version < _LEAST_PYTHON:
        return _fail("python", f"{said} is too old", "install Python 3.11 or newer")
    return _ok("python", said)


def check_processor() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0]
    detail = f"{cores} cores, load {load:.1f}"
    if cores and load > 4 * cores:
        return _warn("processor", detail, "wait: runs will meet their time limits early")
    return _ok("processor", detail)


def check_memory() -> Check:
    import psutil

    free = psutil.virtual_memory().available
    detail = f"{free / _GIGABYTE:.1f} GB free"
    if free < _LEAST_MEMORY_BYTES:
        return _warn("memory", detail, "close something: sealed runs may be killed")
    return _ok("memory", detail)


def check_disk(root: Path) -> Check:
    free = shutil.disk_usage(root).free
    detail = f"{free / _GIGABYTE:.1f} GB free at {root}"
    if free < _LEAST_DISK_BYTES:
        return _fail("disk", detail, "free some space, or move the home with --home")
    return _ok("disk", detail)


def check_write_access(root: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=root):
            return _ok("write access", str(root))
    except OSError as error:
        return _fail("write access", f"{root}: {error.strerror}", "choose another home with --home")


def check_clock(*, newest_event_at: float = 0.0, now: float | None = None) -> Check:
    """The journal's newest event is the one witness of time that needs no network."""
    here = time.time() if now is None else now
    if here < max(_BUILT_AT, newest_event_at - 60):
        return _fail("clock", "is behind the journal's newest event", "set the clock")
    return _ok("clock", time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(here)))


def check_text_search() -> Check:
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    except sqlite3.OperationalError as error:
        fix = "use a Python whose sqlite3 has FTS5"
        return _fail("text search", f"SQLite {sqlite3.sqlite_version}: {error}", fix)
    return _ok("text search", f"SQLite {sqlite3.sqlite_version} with FTS5")


def check_git() -> Check:
    found = shutil.which("git")
    if found is None:
        return _fail("git", "not found; changes could not be kept or undone", "install git")
    return _ok("git", found)


def check_terminal() -> Check:
    if not sys.stdout.isatty():
        return Check(name="terminal", verdict=Health.NOT_CHECKED, detail="output is not a terminal")
    size = shutil.get_terminal_size()
    # What stands in for it while a dashboard draws has no encoding.
    encoding = getattr(sys.stdout, "encoding", "utf-8") or "unknown"
    detail = f"{size.columns}x{size.lines}, {encoding}, TERM={os.environ.get('TERM', '')}"
    if "utf" not in encoding.lower():
        return _warn("terminal", detail, "set LANG=C.UTF-8 to see every character")
    return _ok("terminal", detail)


def _ok(name: str, detail: str) -> Check:
    return Check(name=name, verdict=Health.OK, detail=detail)


def _warn(name: str, detail: str, fix: str) -> Check:
    return Check(name=name, verdict=Health.WARN, detail=detail, fix=fix)


def _fail(name: str, detail: str, fix: str) -> Check:
    return Check(name=name, verdict=Health.FAIL, detail=detail, fix=fix)
