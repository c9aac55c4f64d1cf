"""What people do with capabilities: list, look, run by hand, test, add."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ..capabilities.integrator import Integrator
from ..core.parts import Parts
from ..domain.canonical import JsonObject
from ..domain.capability import Manifest
from ..domain.errors import InvalidInput, NotAllowed
from ..domain.risk import Action, ActionKind, Origin, Verdict
from .body import Body


class CapabilityDesk:
    """The capabilities of one home."""

    def __init__(self, parts: Parts, body: Body, integrator: Integrator) -> None:
        self._parts = parts
        self._body = body
        self._integrator = integrator

    async def every(self) -> list[JsonObject]:
        """Each that is offered, with how well it works; then those that are not, with why."""
        await self._body.refresh()
        stats = self._parts.knowledge.capability_stats()
        offered = [
            {**_summary(each), "stats": stats.get(each.name, {})}
            for each in self._parts.toolbox.manifests()
        ]
        refused = [
            {"name": name, "version": "", "effect": "", "purpose": f"not offered: {why}"}
            for name, why in self._body.toolbox.registry.refused.items()
        ]
        broken = [
            {"name": each.name, "version": "", "effect": "", "purpose": f"broken: {each.error}"}
            for each in self._body.broken
        ]
        return [*offered, *refused, *broken]

    async def show(self, name: str) -> JsonObject:
        await self._body.refresh()
        manifest = self._parts.toolbox.manifest(name)
        stats = self._parts.knowledge.capability_stats().get(name, {})
        return {**_in_full(manifest), "stats": stats}

    async def run(self, name: str, inputs: JsonObject, workspace: Path | None) -> JsonObject:
        """Run one by itself, sealed; what it would change is shown and not written."""
        await self._body.refresh()
        ran = await self._parts.toolbox.run(name, inputs, workspace=workspace, key="by-hand")
        return {
            "name": name,
            "outputs": ran.outputs,
            "failure": ran.failure.to_json() if ran.failure else None,
            "diff": ran.changes.diff(),
            "changes": list(ran.changes.paths),
            "log": ran.log[-4000:].decode("utf-8", "backslashreplace"),
            "seconds": round(ran.seconds, 3),
            "tier": str(ran.tier),
        }

    async def test(self, name: str) -> JsonObject:
        """Its examples and its own tests, sealed."""
        await self._body.refresh()
        manifest = self._parts.toolbox.manifest(name)
        examples = await self._integrator.try_examples(manifest)
        tests = await self._integrator.try_tests(manifest)
        return {
            "name": name,
            "ok": all(trial.ok for trial in [*examples, *tests]),
            "examples": [{"ok": t.ok, "detail": t.why} for t in examples],
            "tests": {
                "ok": all(trial.ok for trial in tests),
                "count": len(tests),
                "failed": [f"{trial.name}: {trial.why}" for trial in tests if not trial.ok],
            },
        }

    async def add(self, folder: Path, *, by: str) -> JsonObject:
        """Try a capability and enrol it. InvalidInput names the check that it fails."""
        await self._body.refresh()
        self._judge(folder.name)
        with self._parts.body_lock():
            taken = await self._integrator.integrate(folder, self._parts.capabilities_folder)
        if taken.manifest is None:
            failed = taken.steps[-1]
            raise InvalidInput(
                f"{folder.name} was not added: step “{failed.name}” failed: {failed.summary}",
                hint="correct it and add it again; nothing was changed",
            )
        await self._body.enrol([taken.manifest], by=by)
        return await self.show(taken.manifest.name)

    def _judge(self, name: str) -> None:
        """The command of a person is the answer to an ask; a deny stays one."""
        action = Action(
            kind=ActionKind.CAPABILITY_ENROL,
            target=name,
            attributes={"findings": []},
            origins=frozenset({Origin.PERSON}),
        )
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is Verdict.DENY:
            raise NotAllowed(f"{name} is refused: {ruling.reason}", rules=ruling.rules)


def _summary(manifest: Manifest) -> JsonObject:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "effect": str(manifest.effect),
        "purpose": manifest.purpose,
        "serves": list(manifest.serves),
    }


def _in_full(manifest: Manifest) -> JsonObject:
    return {
        **_summary(manifest),
        "needs": asdict(manifest.needs),
        "inputs": manifest.inputs,
        "outputs": manifest.outputs,
        "depends_on": list(manifest.depends_on),
        "examples": len(manifest.examples),
        "folder": str(manifest.folder),
        "tree": manifest.tree,
    }
