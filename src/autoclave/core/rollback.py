"""Taking back what a run wrote to its workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..domain.changes import ChangeSet, FileChange
from ..domain.events import EventKind, NewEvent
from ..domain.ports import Files
from ..domain.run import Run
from .concealing import reveal_changes
from .parts import Parts
from .workspace import alone_in


async def roll_back(parts: Parts, run: Run) -> Run:
    """Undo the run's applied changes. Repeating it after a crash is harmless.

    Files that somebody else has changed since are left as they are, and named in the event.
    """
    if not run.applied:
        return run
    prepared = {
        event.payload["key"]: ChangeSet.from_json(event.payload["changes"])
        for event in await parts.ledger.events(run.stream)
        if event.kind is EventKind.CHANGES_PREPARED
    }
    # As one change set, a roll-back that was cut off is told apart from what others changed.
    written = [reveal_changes(parts, run.stream, prepared[each["key"]]) for each in run.applied]
    backwards = reverse(_joined(written))
    root = Path(run.workspace)
    with alone_in(root):
        undone = _ours(parts.files, root, backwards)
        if undone:
            parts.files.apply(root, undone)
    left = sorted(set(backwards.paths) - set(undone.paths))
    payload = {"paths": list(undone.paths), "left": left}
    event = NewEvent(kind=EventKind.CHANGES_ROLLED_BACK, payload=payload)
    return await parts.ledger.insist(run, event)


def reverse(changes: ChangeSet) -> ChangeSet:
    """The change set that undoes `changes`."""
    return ChangeSet(
        tuple(replace(each, before=each.after, after=each.before) for each in changes.files)
    )


def _joined(sets: Sequence[ChangeSet]) -> ChangeSet:
    """All of them as one, from before the first to after the last."""
    files: dict[str, FileChange] = {}
    for change in (each for changes in sets for each in changes.files):
        first = files.get(change.path, change)
        files[change.path] = replace(change, before=first.before)
    changed = (files[path] for path in sorted(files))
    return ChangeSet(tuple(each for each in changed if each.before != each.after))


def _ours(files: Files, root: Path, changes: ChangeSet) -> ChangeSet:
    """The changes without the files that are neither as we left them nor as we found them."""
    if files.state(root, changes) != "other":
        return changes
    kept = (each for each in changes.files if files.state(root, ChangeSet((each,))) != "other")
    ours = ChangeSet(tuple(kept))
    return ours if files.state(root, ours) != "other" else ChangeSet()
