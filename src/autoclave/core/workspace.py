"""The folder that a run works on: the user's, or one made for an improvement."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ..domain.errors import Busy, NotFound
from ..domain.knowledge import Case, Opportunity
from ..domain.run import Run, RunKind
from .bundle import write_bundle
from .parts import Parts

_TRIES = 10
_PAUSE_SECONDS = 0.02
_NO_LOCKS = (errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP)


@asynccontextmanager
async def workspace_of(parts: Parts, run: Run) -> AsyncIterator[Path | None]:
    """Where the run's capabilities work; None when the goal names no folder."""
    if run.kind is RunKind.IMPROVEMENT:
        with _bundle(parts, run) as folder:
            yield folder
        return
    if not run.workspace:
        yield None
        return
    folder = Path(run.workspace)
    if not folder.is_dir():
        raise NotFound(
            f"the workspace {run.workspace} is not a folder any more",
            hint="bring it back, or cancel the goal",
        )
    yield folder


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Held while a workspace is written. Raises Busy when another process is writing there.

    A process that was frozen half way, and wakes up after another one has finished its work, would
    take back what it finds undone; it keeps the lock while it is frozen.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(f"the workspace {folder} is not a folder any more") from error
    try:
        if not any(_locked(handle) for _ in range(_TRIES)):
            raise Busy(
                f"another process is writing in {folder}",
                hint="look for a process that hangs, end it, then resume the goal",
            )
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # The lock of a process that was killed goes when the process has gone.
        time.sleep(_PAUSE_SECONDS)
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


@contextmanager
def _bundle(parts: Parts, run: Run) -> Iterator[Path]:
    with parts.sandbox.scratch() as folder:
        write_bundle(
            folder,
            capabilities=parts.capabilities_folder,
            host=parts.capability_host,
            cases=cases_of(parts, run),
            files=parts.files,
        )
        yield folder


def cases_of(parts: Parts, run: Run) -> list[Case]:
    """The failures that an improvement run is about."""
    facts = run.facts
    return parts.knowledge.cases(
        Opportunity(
            key=facts["key"],
            title=facts["title"],
            capability=facts["capability"],
            pattern_id=facts["pattern_id"],
            confirmations=facts["confirmations"],
            goals=tuple(facts["goals"]),
            cases=tuple(facts["cases"]),
        )
    )
