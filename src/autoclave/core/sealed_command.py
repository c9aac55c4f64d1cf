"""Running a command sealed, on a copy of a folder."""

from __future__ import annotations

from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.ports import Files, Sandbox
from ..domain.sealed import Ended, Limits, SealedRun

_TAIL = 4000


async def run_sealed(
    sandbox: Sandbox, files: Files, argv: tuple[str, ...], folder: Path | None, *, seconds: float
) -> JsonObject:
    """`{"ok", "exit_code", "ended", "output", "seconds"}`; the folder itself is not touched."""
    with sandbox.scratch() as scratch:
        if folder is not None:
            files.write_tree(scratch, files.read_tree(folder))
        limits = Limits(wall_seconds=seconds, cpu_seconds=int(seconds) + 1)
        result = await sandbox.run(SealedRun(argv=argv, folder=scratch, limits=limits))
    output = (result.stdout + result.stderr)[-_TAIL:].decode("utf-8", "backslashreplace")
    return {
        "ok": result.ok,
        "exit_code": result.exit_code if result.ended is Ended.EXITED else None,
        "ended": str(result.ended),
        "output": output,
        "seconds": round(result.wall_seconds, 3),
    }
