"""What people do with capabilities: list, look, run by hand, test, add."""

from __future__ import annotations

from pathlib import Path

from ..capabilities.integrator import Integrator
from ..core.deeds import Deeds
from ..core.parts import Parts
from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.capability import Manifest, needs_to_json
from ..domain.deeds import Deed
from ..domain.errors import AutoclaveError, InvalidInput, NotAllowed
from ..domain.risk import Action, ActionKind, Origin, Verdict
from .another_yes import another_yes
from .body import Body


class CapabilityDesk:
    """The capabilities of one home."""

    def __init__(self, parts: Parts, body: Body, integrator: Integrator) -> None:
        self._parts = parts
        self._body = body
        self._integrator = integrator
        self._deeds = Deeds(parts)

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

    async def sheet(self, folder: Path) -> Sheet:
        """What an owner signs to have it enrolled: its bytes and what they need."""
        await self._body.refresh()
        return await self._deeds.sheet(self._enrolment(await self._look(folder)))

    async def add(self, folder: Path, *, signed: Approval, by: str) -> JsonObject:
        """Take an owner's yes; with the last one it takes, try the capability and enrol it.

        InvalidInput names the check that it fails. Raises Stale, NotAllowed, CredentialMissing.
        """
        await self._body.refresh()
        seen = await self._look(folder)
        with self._parts.body_lock():
            word = await self._deeds.allow(self._enrolment(seen), signed, by=by)
            if not word.is_enough:
                lacks = another_yes(word.quorum, word.yeses)
                return {"name": seen.name, "version": seen.version, "waits_for": lacks}
            into = self._parts.capabilities_folder
            taken = await self._integrator.integrate(folder, into, tree=seen.tree)
        if taken.manifest is None:
            failed = taken.steps[-1]
            raise InvalidInput(
                f"{folder.name} was not added: step “{failed.name}” failed: {failed.summary}",
                hint="correct it and add it again; nothing was changed",
            )
        await self._body.enrol([taken.manifest], by=by)
        return await self.show(taken.manifest.name)

    async def _look(self, folder: Path) -> Manifest:
        try:
            return await self._integrator.look(folder)
        except AutoclaveError as error:
            raise InvalidInput(
                f"{folder.name} was not added: {error.message}",
                hint="correct it and add it again; nothing was changed",
            ) from error

    def _enrolment(self, manifest: Manifest) -> Deed:
        """It is asked for whatever the rules say; what they deny stays denied."""
        action = Action(
            kind=ActionKind.CAPABILITY_ENROL,
            target=manifest.name,
            attributes={"findings": []},
            origins=frozenset({Origin.PERSON}),
        )
        ruling = self._parts.gate.judge(action)
        if ruling.verdict is Verdict.DENY:
            raise NotAllowed(f"{manifest.name} is refused: {ruling.reason}", rules=ruling.rules)
        facts = {
            "name": manifest.name,
            "version": manifest.version,
            "purpose": manifest.purpose,
            "effect": str(manifest.effect),
            "needs": needs_to_json(manifest.needs),
            "tree": manifest.tree,
            "replaces": self._replaced(manifest.name),
            "rules": self._parts.gate.digest,
        }
        subject = f"capability add {manifest.name}"
        return Deed(subject=subject, facts=facts, quorum=ruling.quorum)

    def _replaced(self, name: str) -> JsonObject | None:
        try:
            there = self._parts.toolbox.manifest(name)
        except AutoclaveError:
            return None
        return {"version": there.version, "tree": there.tree}


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
        "needs": needs_to_json(manifest.needs),
        "inputs": manifest.inputs,
        "outputs": manifest.outputs,
        "depends_on": list(manifest.depends_on),
        "examples": len(manifest.examples),
        "folder": str(manifest.folder),
        "tree": manifest.tree,
    }
