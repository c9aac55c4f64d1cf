"""Running a person's own command sealed, and testing the seal."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..domain.ports import Files, Sandbox
from ..domain.sealed import SealedRun, Tier
from .goals import check_workspace


class SandboxDesk:
    """The sandbox, for people."""

    def __init__(self, sandbox: Sandbox, files: Files) -> None:
        self._sandbox = sandbox
        self._files = files

    async def run(
        self, argv: tuple[str, ...], tier: Tier | None, folder: Path | None
    ) -> JsonObject:
        """Run a command on a copy of `folder`; what it changed is named and thrown away."""
        if not argv:
            raise InvalidInput("there is no command to run", hint="put it behind --")
        root = check_workspace(folder)
        with self._sandbox.scratch() as scratch:
            before = self._files.read_tree(Path(root)) if root else {}
            self._files.write_tree(scratch, before)
            result = await self._sandbox.run(SealedRun(argv=argv, folder=scratch, tier=tier))
            changed = self._files.difference(before, scratch)
        return {
            "argv": list(argv),
            "exit_code": result.exit_code,
            "ended": str(result.ended),
            "stdout": result.stdout.decode("utf-8", "backslashreplace"),
            "stderr": result.stderr.decode("utf-8", "backslashreplace"),
            "stdout_lost": result.stdout_lost,
            "stderr_lost": result.stderr_lost,
            "wall_seconds": round(result.wall_seconds, 4),
            "cpu_seconds": round(result.cpu_seconds, 4),
            "max_rss_bytes": result.max_rss_bytes,
            "stray_processes": result.stray_processes,
            "tier": str(result.tier),
            "changed": list(changed.paths),
        }

    async def test(self) -> JsonObject:
        """The self-test, probe by probe."""
        test = await self._sandbox.self_test()
        probes = [{**asdict(probe), "passed": probe.passed} for probe in test.probes]
        return {
            "ok": test.ok,
            "tier": str(test.tier),
            "probes": probes,
            "facts": test.facts,
            "seconds": round(test.seconds, 3),
        }
