"""How fast the machine does what the agent does all the time, against named limits."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from types import MappingProxyType

from ..core.journal import SqlJournal
from ..core.journal_engine import sqlite_url
from ..domain.events import Event, EventKind, NewEvent
from ..domain.folding import fold_all
from ..domain.ports import Sandbox
from ..domain.sealed import Limits, SealedRun
from ..monitoring.health import Check, Health, Probe

LIMITS: Mapping[str, float] = MappingProxyType(
    {"append speed": 0.05, "fold speed": 0.25, "sandbox speed": 2.0}
)
"""Seconds: for one durable append, for folding 1,000 events, for starting and ending a sealed run.

Four to ten times what a laptop takes; above them the agent works, and everything drags.
"""
_APPENDS = 15
_FOLDED = 1_000
_STARTS = 3


def speed_probes(folder: Path, sandbox: Sandbox) -> tuple[Probe, ...]:
    """`folder` is on the disk of the journal; what is written there is removed again."""
    return (
        Probe(name="append speed", look=lambda: asyncio.to_thread(_append, folder)),
        Probe(name="fold speed", look=lambda: asyncio.to_thread(_fold)),
        Probe(name="sandbox speed", look=lambda: _seal(sandbox)),
    )


def _append(folder: Path) -> Check:
    """Into a journal of its own on the same disk."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="speed-") as name:
        journal = SqlJournal(sqlite_url(Path(name) / "journal.db"), b"speed" * 7)
        try:
            note = NewEvent(kind=EventKind.CHECKPOINT_MADE, payload={"note": "x" * 500})
            took = [
                _timed(lambda: journal.post("agent", [note], actor="kernel"))
                for _ in range(_APPENDS)
            ]
        finally:
            journal.close()
    fix = "put the home on a faster disk: each step waits for this several times"
    return _held("append speed", median(took), fix=fix)


def _fold() -> Check:
    events = [_event(seq) for seq in range(1, _FOLDED + 1)]
    took = _timed(lambda: fold_all("G-0000", events))
    return _held("fold speed", took, fix="the machine is busy or slow; goals wait for it")


async def _seal(sandbox: Sandbox) -> Check:
    took = []
    for _ in range(_STARTS):
        began = time.perf_counter()
        with sandbox.scratch() as folder:
            run = SealedRun(argv=("true",), folder=folder, limits=Limits(wall_seconds=10.0))
            await sandbox.run(run)
        took.append(time.perf_counter() - began)
    return _held("sandbox speed", median(took), fix="see `autoclave sandbox test` for the tier")


def _held(name: str, seconds: float, *, fix: str) -> Check:
    limit = LIMITS[name]
    said = f"{seconds * 1000:.1f} ms, the limit is {limit * 1000:.0f} ms"
    if seconds > limit:
        return Check(name=name, verdict=Health.WARN, detail=said, fix=fix)
    return Check(name=name, verdict=Health.OK, detail=said)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _event(seq: int) -> Event:
    first = {"text": "measure"} if seq == 1 else {"reason": "measured", "wake_at": 0.0}
    return Event(
        id=seq,
        stream="goal/G-0000",
        seq=seq,
        epoch=1,
        kind=EventKind.GOAL_ADDED if seq == 1 else EventKind.TIMER_SET,
        version=1,
        payload=first,
        actor="kernel",
        at=0.0,
    )
