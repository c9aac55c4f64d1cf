"""Takes a new capability in: five steps in order, stopping at the first that fails."""

from __future__ import annotations

import ast
import asyncio
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.version import Version

from ..domain.capability import Manifest
from ..domain.errors import AutoclaveError, Conflict, InvalidInput, NotAllowed
from ..domain.intents import Effect
from ..domain.ports import Files, Sandbox
from ..domain.sealed import Tier
from .registry import Registry
from .scan import Finding, scan
from .trees import read_tree
from .trials import TrialResult, Trials

StepName = Literal["validate", "dependencies", "safety", "register", "test"]
_INCOMING = ".incoming"
_REPLACED = ".replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the five steps and what it found."""

    name: StepName
    ok: bool
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """How far a capability came, and what to enrol when it came through."""

    steps: tuple[Step, ...]
    manifest: Manifest | None = None
    """As it lies in its new place; None unless every step succeeded."""
    findings: tuple[Finding, ...] = ()
    trials: tuple[TrialResult, ...] = ()

    @property
    def ok(self) -> bool:
        return self.manifest is not None

    @property
    def record(self) -> dict[str, str]:
        """What an enrolment remembers; the registry compares the tree."""
        if self.manifest is None:
            raise Conflict(f"not enrolled: {self.steps[-1].summary}")
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "tree": self.manifest.tree,
        }


class Integrator:
    """Tries capabilities and takes them in."""

    def __init__(
        self,
        *,
        registry: Callable[[], Registry],
        sandbox: Sandbox,
        files: Files,
        tier: Tier | None = None,
    ) -> None:
        self._registry = registry
        self._files = files
        self._trials = Trials(sandbox=sandbox, files=files, tier=tier)

    async def try_examples(self, manifest: Manifest) -> list[TrialResult]:
        """Run every example in the sandbox."""
        dependencies = self._registry().closure(manifest)
        return await self._trials.examples(manifest, dependencies=dependencies)

    async def try_tests(self, manifest: Manifest) -> list[TrialResult]:
        """Run the capability's own tests in the sandbox."""
        dependencies = self._registry().closure(manifest)
        return await self._trials.tests(manifest, dependencies=dependencies)

    async def look(self, folder: Path) -> Manifest:
        """What the folder holds, read and not run. Raises InvalidInput."""
        return await asyncio.to_thread(lambda: _validate(folder.resolve()))

    async def integrate(self, folder: Path, into: Path, *, tree: str = "") -> Integration:
        """Validate, resolve, scan, copy below `into` and test the capability in `folder`.

        It is copied to a hidden place first and appears in `into` only when everything passed.
        With `tree` it has to be those bytes and no others.
        """
        taking = _Taking(self, folder=folder, into=into, files=self._files, tree=tree)
        try:
            return await taking.run(self._registry())
        finally:
            await asyncio.to_thread(taking.clean)


class _Taking:
    """One integration on its way; collects its steps."""

    def __init__(
        self, integrator: Integrator, *, folder: Path, into: Path, files: Files, tree: str
    ) -> None:
        self._integrator = integrator
        self._folder = folder.resolve()
        self._into = into
        self._files = files
        self._tree = tree
        self._waiting = into / _INCOMING / uuid.uuid4().hex
        self._steps: list[Step] = []
        self._findings: tuple[Finding, ...] = ()
        self._trials: list[TrialResult] = []

    async def run(self, registry: Registry) -> Integration:
        step: StepName = "validate"
        try:
            manifest = await asyncio.to_thread(_validate, self._folder)
            if self._tree and manifest.tree != self._tree:
                raise Conflict(f"the files of {manifest.name} changed since they were looked at")
            self._done(step, f"{manifest.name} {manifest.version}")
            step = "dependencies"
            found = registry.closure(manifest)
            self._done(step, ", ".join(one.name for one in found) or "none")
            step = "safety"
            self._findings = scan(read_tree(manifest.folder), manifest.needs)
            _refuse_findings(self._findings)
            self._done(step, f"{len(self._findings)} remarks")
            step = "register"
            copied = await asyncio.to_thread(self._copy, manifest)
            self._done(step, str(self._into / manifest.name))
            step = "test"
            self._done(step, await self._test(copied))
            placed = await asyncio.to_thread(self._place, copied)
        except AutoclaveError as error:
            self._steps.append(Step(name=step, ok=False, summary=error.message))
            return self._result(None)
        return self._result(placed)

    def clean(self) -> None:
        """Remove what was copied and not placed; put back what was to be replaced."""
        replaced = self._waiting / _REPLACED
        place = self._into / self._folder.name
        if replaced.exists() and not place.exists():
            replaced.rename(place)
        shutil.rmtree(self._waiting, ignore_errors=True)
        incoming = self._into / _INCOMING
        if incoming.is_dir() and not any(incoming.iterdir()):
            incoming.rmdir()

    def _copy(self, manifest: Manifest) -> Manifest:
        from .manifests import read_manifest

        if self._into.is_symlink() or not self._into.is_dir():
            raise InvalidInput(f"{self._into} is not a folder")
        _check_place(manifest, self._into / manifest.name)
        copy = self._waiting / manifest.name
        copy.mkdir(parents=True)
        tree = read_tree(self._folder)
        self._files.write_tree(copy, tree.files)
        for path in tree.executable:
            (copy / path).chmod(0o755)
        copied = read_manifest(copy)
        if copied.tree != manifest.tree:
            raise Conflict(f"the files of {manifest.name} changed while they were copied")
        return copied

    async def _test(self, manifest: Manifest) -> str:
        if not manifest.examples:
            raise InvalidInput(f"{manifest.name} has no example; at least one is needed")
        self._trials = await self._integrator.try_examples(manifest)
        if all(trial.ok for trial in self._trials):
            self._trials += await self._integrator.try_tests(manifest)
        for trial in self._trials:
            if not trial.ok:
                raise InvalidInput(f"{trial.name}: {trial.why}")
        return f"{len(self._trials)} examples and tests passed"

    def _place(self, copied: Manifest) -> Manifest:
        from .manifests import read_manifest

        place = self._into / copied.name
        if place.exists():
            place.rename(self._waiting / _REPLACED)
        copied.folder.rename(place)
        return read_manifest(place)

    def _done(self, name: StepName, summary: str) -> None:
        self._steps.append(Step(name=name, ok=True, summary=summary))

    def _result(self, manifest: Manifest | None) -> Integration:
        return Integration(
            steps=tuple(self._steps),
            manifest=manifest,
            findings=self._findings,
            trials=tuple(self._trials),
        )


def _validate(folder: Path) -> Manifest:
    from .manifests import read_manifest

    manifest = read_manifest(folder)
    tree = read_tree(folder)
    defined = _async_functions(tree.files["code.py"])
    wanted = ["execute"] + (["verify"] if manifest.effect is Effect.VERIFIABLE else [])
    for name in wanted:
        if name not in defined:
            raise InvalidInput(f"{manifest.name}/code.py has no `async def {name}`")
    return manifest


def _async_functions(code: bytes) -> set[str]:
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(f"code.py does not parse: {error}") from error
    return {node.name for node in body if isinstance(node, ast.AsyncFunctionDef)}


def _refuse_findings(findings: tuple[Finding, ...]) -> None:
    against = [finding for finding in findings if finding.refuses]
    if against:
        first = against[0]
        more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
        raise NotAllowed(f"{first.file}:{first.line} {first.message}{more}")


def _check_place(manifest: Manifest, place: Path) -> None:
    """A name that is taken can only be replaced by a newer version."""
    from .manifests import read_manifest

    if place.is_symlink():
        raise NotAllowed(f"{place} is a link")
    if not place.exists():
        return
    there = read_manifest(place)
    if Version(manifest.version) <= Version(there.version):
        raise Conflict(
            f"{manifest.name} {there.version} is there already; {manifest.version} is not newer"
        )
