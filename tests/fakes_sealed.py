"""Fakes of the ports Sandbox and Files: real processes and files, nothing sealed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from autoclave.domain.canonical import digest, digest_bytes
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import InvalidInput, Stale
from autoclave.domain.ports import ChangeState
from autoclave.domain.sealed import Ended, SealedResult, SealedRun, SelfTest, Tier
from autoclave.sandbox.calling import Line, answered

_IGNORED = {".git", ".venv", "__pycache__", ".pytest_cache"}


_WITH_LINE = """
import os, sys
high = [os.dup2(int(fd), 50 + n) for n, fd in enumerate(sys.argv[1:3])]
for place, fd in zip((4, 5), high): os.dup2(fd, place)
os.execv(sys.argv[3], sys.argv[3:])
"""


class UnsealedSandbox:
    """Runs the command as an ordinary process, with its wall clock and result channel."""

    def __init__(self) -> None:
        self.runs: list[SealedRun] = []

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="unsealed-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def run(self, run: SealedRun) -> SealedResult:
        if run.answer is None:
            return await self._run(run, None)
        return await answered(run.answer, lambda line: self._run(run, line))

    async def _run(self, run: SealedRun, line: Line | None) -> SealedResult:
        self.runs.append(run)
        started = time.monotonic()
        with tempfile.NamedTemporaryFile() as answer:
            process = await self._start(run, answer.name, line)
            if line:
                line.let_go()
            ended = Ended.EXITED
            try:
                wait = process.communicate(run.stdin)
                out, err = await asyncio.wait_for(wait, run.limits.wall_seconds)
            except TimeoutError:
                ended, out, err = Ended.WALL_CLOCK, b"", b""
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            code = process.returncode or 0
            if code < 0 and ended is Ended.EXITED:
                ended = Ended.SIGNALLED
            result = answer.read(run.limits.result_bytes)
        return SealedResult(
            ended=ended,
            exit_code=code if code >= 0 else 128 - code,
            stdout=out,
            stderr=err,
            stdout_lost=0,
            stderr_lost=0,
            result=result,
            wall_seconds=time.monotonic() - started,
            cpu_seconds=0.0,
            max_rss_bytes=0,
            stray_processes=0,
            tier=Tier.RESTRICTED,
        )

    async def _start(
        self, run: SealedRun, answer: str, line: Line | None
    ) -> asyncio.subprocess.Process:
        program = sys.executable if run.argv[0] == "python" else run.argv[0]
        command = ("/bin/sh", "-c", 'exec 3>"$0"; exec "$@"', answer, program, *run.argv[1:])
        if line:
            numbers = [str(fd) for fd in line.inside]
            command = (sys.executable, "-I", "-S", "-c", _WITH_LINE, *numbers, *command)
        return await asyncio.create_subprocess_exec(
            *command,
            pass_fds=line.inside if line else (),
            cwd=run.folder,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(run.folder)}
            | run.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    async def self_test(self) -> SelfTest:
        return SelfTest(tier=Tier.RESTRICTED, probes=(), facts={}, seconds=0.0)

    def tiers(self) -> tuple[Tier, ...]:
        return (Tier.RESTRICTED,)


class PlainFiles:
    """The port Files with ordinary file operations; refuses links, nothing else."""

    def read_tree(self, root: Path) -> dict[str, bytes]:
        found = {}
        for path in sorted(root.rglob("*")):
            if _IGNORED & set(path.relative_to(root).parts):
                continue
            if path.is_symlink():
                raise InvalidInput(f"{path} is a link")
            if path.is_file():
                found[path.relative_to(root).as_posix()] = path.read_bytes()
        return found

    def write_tree(self, root: Path, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def difference(self, before: Mapping[str, bytes], root: Path) -> ChangeSet:
        after = self.read_tree(root)
        return ChangeSet(
            tuple(
                FileChange(path=path, before=before.get(path), after=after.get(path))
                for path in sorted(before.keys() | after.keys())
                if before.get(path) != after.get(path)
            )
        )

    def state(self, root: Path, changes: ChangeSet) -> ChangeState:
        now = self.read_tree(root)
        if all(now.get(change.path) == change.before for change in changes.files):
            return "before"
        if all(now.get(change.path) == change.after for change in changes.files):
            return "after"
        return "other"

    def apply(self, root: Path, changes: ChangeSet) -> None:
        if self.state(root, changes) == "other":
            raise Stale(f"{root} changed")
        for change in changes.files:
            path = root / change.path
            if change.after is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(change.after)

    def tree_digest(self, root: Path) -> str:
        return digest([[path, digest_bytes(data)] for path, data in self.read_tree(root).items()])
