"""Starts a capability in the sandbox: copies in, runs the host, reads back what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..domain.canonical import JsonObject
from ..domain.capability import CapabilityResult, Failure, Manifest
from ..domain.changes import ChangeSet
from ..domain.errors import InvalidInput, Stale
from ..domain.ports import Broker, Files, Sandbox
from ..domain.sealed import Limits, SealedResult, SealedRun, Tier
from .answers import failed, read_answer
from .broker import Desk
from .project import site_packages
from .schemas import misfit
from .trees import read_tree

HOST = Path(__file__).with_name("host.py")
_TEST_SECONDS = 120.0
_MOST_LOG = 256 << 10
_OWN_TIME = 0.95
"""Share of the wall clock that the capability may use; the rest is for a clear answer."""

Mode = Literal["execute", "verify", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One start of one capability."""

    mode: Mode
    manifest: Manifest
    dependencies: Sequence[Manifest] = ()
    inputs: JsonObject
    workspace: Path | None
    key: str
    broker: Broker | None = None
    """Who answers what it asks for while it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a job, before it is held against the manifest."""

    sealed: SealedResult
    answer: JsonObject | Failure | None
    changes: ChangeSet | Failure


class Launcher:
    """Runs jobs through the two ports; knows nothing of which capabilities are offered."""

    def __init__(self, *, sandbox: Sandbox, files: Files, tier: Tier | None = None) -> None:
        self._sandbox = sandbox
        self._files = files
        self._tier = tier

    async def execute(self, job: Job) -> CapabilityResult:
        """Run a capability and hold its answer against its manifest."""
        ran = await self.launch(job)
        outputs, changes, failure = _judge(job.manifest, ran)
        return CapabilityResult(
            outputs=outputs,
            changes=changes,
            failure=failure,
            ended=ran.sealed.ended,
            log=_log(ran.sealed),
            seconds=ran.sealed.wall_seconds,
            cpu_seconds=ran.sealed.cpu_seconds,
            max_rss_bytes=ran.sealed.max_rss_bytes,
            tier=ran.sealed.tier,
        )

    async def launch(self, job: Job) -> Ran:
        """Run the host once. Raises InvalidInput for a workspace that can't be copied."""
        await asyncio.to_thread(_check_trees, job)
        given = await asyncio.to_thread(self._read_workspace, job)
        with self._sandbox.scratch() as folder:
            request = await asyncio.to_thread(self._prepare, job, folder, given)
            sealed = await self._sandbox.run(self._sealed_run(job, folder, request))
            changes = await asyncio.to_thread(self._changes, given, folder / "workspace")
        return Ran(sealed=sealed, answer=read_answer(sealed), changes=changes)

    def _read_workspace(self, job: Job) -> dict[str, bytes]:
        if job.manifest.needs.workspace == "none" or job.mode == "test":
            return {}
        if job.workspace is None:
            raise InvalidInput(f"{job.manifest.name} needs a workspace, and none was given")
        if not job.workspace.is_dir():
            raise InvalidInput(f"the workspace {job.workspace} is not a folder")
        return self._files.read_tree(job.workspace)

    def _prepare(self, job: Job, folder: Path, given: dict[str, bytes]) -> JsonObject:
        for name in ("workspace", "scratch"):
            (folder / name).mkdir()
        self._files.write_tree(folder / "workspace", given)
        if job.workspace is not None:
            _keep_executable(given, job.workspace, folder / "workspace")
        packages = {one.name: str(one.folder.absolute()) for one in _all(job)}
        if job.mode == "test":
            # Tests may write beside the code, so they get a copy of it.
            copy = folder / "code" / job.manifest.name
            copy.mkdir(parents=True)
            self._files.write_tree(copy, read_tree(job.manifest.folder).files)
            packages[job.manifest.name] = str(copy)
        return {
            "mode": job.mode,
            "name": job.manifest.name,
            "packages": packages,
            "workspace": str(folder / "workspace"),
            "scratch": str(folder / "scratch"),
            "site_packages": [str(path) for path in _site_packages(job)],
            "inputs": job.inputs,
            "key": job.key,
            "seconds": _limits(job).wall_seconds * _OWN_TIME,
            "calls": job.broker is not None,
        }

    def _sealed_run(self, job: Job, folder: Path, request: JsonObject) -> SealedRun:
        code = tuple(one.folder.absolute() for one in _all(job))
        return SealedRun(
            argv=("python", "-I", "-B", str(HOST)),
            folder=folder,
            readable=(HOST.parent, *code, *_site_packages(job)),
            stdin=json.dumps(request).encode(),
            limits=_limits(job),
            tier=self._tier,
            answer=Desk(job.manifest, job.broker).answer if job.broker else None,
        )

    def _changes(self, given: dict[str, bytes], workspace: Path) -> ChangeSet | Failure:
        try:
            return self._files.difference(given, workspace)
        except InvalidInput as error:
            return failed("InvalidOutput", f"what it left in the workspace: {error.message}")


def _keep_executable(given: Iterable[str], workspace: Path, copy: Path) -> None:
    """Let the user's scripts stay programs; nobody inside can change a mode."""
    for path in given:
        with contextlib.suppress(FileNotFoundError):
            if (workspace / path).lstat().st_mode & 0o100:
                (copy / path).chmod(0o755)


def _all(job: Job) -> tuple[Manifest, ...]:
    return (job.manifest, *job.dependencies)


def _limits(job: Job) -> Limits:
    """A whole suite of tests may take longer than one run."""
    own = job.manifest.limits
    if job.mode != "test":
        return own
    return replace(
        own,
        wall_seconds=max(own.wall_seconds, _TEST_SECONDS),
        cpu_seconds=max(own.cpu_seconds, int(_TEST_SECONDS)),
    )


def _site_packages(job: Job) -> tuple[Path, ...]:
    return () if job.manifest.needs.workspace == "none" else site_packages(job.workspace)


def _check_trees(job: Job) -> None:
    for one in _all(job):
        if read_tree(one.folder).digest != one.tree:
            raise Stale(
                f"the files of {one.name} changed after it was read",
                hint="look at it and enrol it again: `autoclave capability add`",
            )


def _judge(manifest: Manifest, ran: Ran) -> tuple[JsonObject, ChangeSet, Failure | None]:
    """Outputs and changes, or nothing and a failure."""
    answer, changes = ran.answer, ran.changes
    if isinstance(answer, Failure):
        return {}, ChangeSet(), answer
    if isinstance(changes, Failure):
        return {}, ChangeSet(), changes
    if answer is None:
        return {}, ChangeSet(), failed("InvalidOutput", "it gave no outputs")
    if why := misfit(manifest.outputs, answer):
        message = f"the outputs of {manifest.name} do not fit its manifest: {why}"
        return {}, ChangeSet(), failed("InvalidOutput", message)
    if changes and manifest.needs.workspace != "write":
        message = f"wrote without the need: {', '.join(changes.paths[:5])}"
        return {}, ChangeSet(), failed("NotAllowed", message)
    return answer, changes, None


def _log(sealed: SealedResult) -> bytes:
    return sealed.stdout[:_MOST_LOG] + sealed.stderr[-_MOST_LOG:]
