"""Taking back what a run wrote to its workspace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..domain.changes import ChangeSet
from ..domain.events import EventKind, NewEvent
from ..domain.run import Run
from .parts import Parts


async def roll_back(parts: Parts, run: Run) -> Run:
    """Undo the run's applied changes, newest first. Repeating it after a crash is harmless.

    Files that somebody else has changed since are left as they are, and named in the event.
    """
    if not run.applied:
        return run
    prepared = {
        event.payload["key"]: ChangeSet.from_json(event.payload["changes"])
        for event in await parts.ledger.events(run.stream)
        if event.kind is EventKind.CHANGES_PREPARED
    }
    undone: list[str] = []
    left: list[str] = []
    for applied in reversed(run.applied):
        backwards = reverse(prepared[applied["key"]])
        root = Path(run.workspace)
        if parts.files.state(root, backwards) in ("before", "mixed"):
            parts.files.apply(root, backwards)
            undone += backwards.paths
        elif parts.files.state(root, backwards) == "other":
            left += backwards.paths
    payload = {"paths": undone, "left": left}
    event = NewEvent(kind=EventKind.CHANGES_ROLLED_BACK, payload=payload)
    return await parts.ledger.insist(run, event)


def reverse(changes: ChangeSet) -> ChangeSet:
    """The change set that undoes `changes`."""
    return ChangeSet(
        tuple(replace(each, before=each.after, after=each.before) for each in changes.files)
    )
