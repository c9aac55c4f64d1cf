"""What the goals do to the world outside the journal, on real files where a repeat shows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autoclave.domain.changes import ChangeSet, FileChange

LOG = "log.txt"
LAST = "total.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One time that an effect happened."""

    effect: str
    goal: str
    step: str
    key: str
    pid: int


class World:
    """One file of traces for all effects, and a workspace for each goal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ledger = folder / "ledger"

    def leave(self, effect: str, goal: str, step: str, key: str) -> None:
        """Let an effect happen: one whole line, on disk on return."""
        line = f"{effect} {goal} {step} {key} {os.getpid()}\n".encode()
        handle = os.open(self._ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    def traces(self) -> list[Trace]:
        """Every effect that happened, oldest first."""
        if not self._ledger.exists():
            return []
        rows = [line.split() for line in self._ledger.read_text().splitlines()]
        return [Trace(effect=e, goal=g, step=s, key=k, pid=int(p)) for e, g, s, k, p in rows]

    def workspace(self, goal: str) -> Path:
        return self.folder / "work" / goal

    def seed(self, goal: str, steps: list[str]) -> None:
        """The workspace as the goal finds it: what steps add to, and a file for each to remove."""
        (self.workspace(goal) / "old").mkdir(parents=True)
        for name, data in seeded(steps).items():
            (self.workspace(goal) / name).write_bytes(data)

    def changes(self, workspace: Path, step: str, key: str) -> ChangeSet:
        """What a writing step does: two files longer, one file new, one file gone."""
        log, last = (workspace / LOG).read_bytes(), (workspace / LAST).read_bytes()
        old = f"old/{step}.txt"
        if not (workspace / old).exists():
            raise ValueError(f"{old} is gone: this step was done")
        changes = (
            FileChange(path=LOG, before=log, after=log + f"{step} {key}\n".encode()),
            FileChange(path=f"made/{step}.txt", before=None, after=f"{key}\n".encode()),
            FileChange(path=old, before=(workspace / old).read_bytes(), after=None),
            FileChange(path=LAST, before=last, after=last + b"+"),
        )
        return ChangeSet(changes)

    def files(self, goal: str) -> dict[str, bytes]:
        """Every file of a workspace, hidden ones too."""
        root = self.workspace(goal)
        found = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def seeded(steps: list[str]) -> dict[str, bytes]:
    return {
        LOG: b"",
        LAST: b"",
        **{f"old/{step}.txt": f"{step} was here\n".encode() for step in steps},
    }
