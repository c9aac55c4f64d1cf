"""The toolbox: every capability that is offered, run sealed on a copy of the workspace."""

from __future__ import annotations

from pathlib import Path

from ..domain.canonical import JsonObject, canonical
from ..domain.capability import CapabilityResult, Failure, Manifest
from ..domain.errors import Conflict, InvalidInput
from ..domain.intents import Effect
from ..domain.ports import Broker, Files, Sandbox
from ..domain.sealed import Tier
from .launch import Job, Launcher
from .registry import Registry
from .schemas import misfit

MOST_INPUT = 8 << 20


class SealedToolbox:
    """The port Toolbox over a registry and the sandbox."""

    def __init__(
        self, *, registry: Registry, sandbox: Sandbox, files: Files, tier: Tier | None = None
    ) -> None:
        self._registry = registry
        self._launcher = Launcher(sandbox=sandbox, files=files, tier=tier)

    @property
    def registry(self) -> Registry:
        """What is offered now."""
        return self._registry

    def use(self, registry: Registry) -> None:
        """Offer something else from now on: capabilities were changed, added or enrolled."""
        self._registry = registry

    def manifests(self) -> tuple[Manifest, ...]:
        """Every enrolled capability, by name; code is not imported."""
        return self._registry.offered

    def manifest(self, name: str) -> Manifest:
        """One of them. Raises NotFound with the nearest names."""
        return self._registry.get(name)

    async def run(
        self,
        name: str,
        inputs: JsonObject,
        *,
        workspace: Path | None,
        key: str,
        broker: Broker | None = None,
    ) -> CapabilityResult:
        """Run one in the sandbox on a copy of the workspace; nothing outside is changed."""
        manifest = self.manifest(name)
        check_inputs(manifest, inputs)
        return await self._launcher.execute(
            Job(
                mode="execute",
                manifest=manifest,
                dependencies=self._registry.closure(manifest),
                inputs=inputs,
                workspace=workspace,
                key=key,
                broker=broker if manifest.needs.calls else None,
            )
        )

    async def verify(
        self, name: str, inputs: JsonObject, *, workspace: Path | None, key: str
    ) -> JsonObject | None:
        """Whether `key` was done: its outputs, or None. Raises Conflict when it can't be told."""
        manifest = self.manifest(name)
        if manifest.effect is not Effect.VERIFIABLE:
            raise InvalidInput(f"{name} is {manifest.effect}: it has nothing to verify")
        check_inputs(manifest, inputs)
        ran = await self._launcher.launch(
            Job(
                mode="verify",
                manifest=manifest,
                dependencies=self._registry.closure(manifest),
                inputs=inputs,
                workspace=workspace,
                key=key,
            )
        )
        return _verified(manifest, ran.answer)


def check_inputs(manifest: Manifest, inputs: JsonObject) -> None:
    """Raise InvalidInput, naming the field, unless the inputs fit the manifest."""
    try:
        size = len(canonical(inputs).encode("utf-8"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the inputs of {manifest.name} are not JSON: {error}") from error
    if size > MOST_INPUT:
        raise InvalidInput(
            f"the inputs of {manifest.name} have {size:,} bytes; the most is {MOST_INPUT:,}"
        )
    if why := misfit(manifest.inputs, inputs):
        raise InvalidInput(
            f"the inputs do not fit {manifest.name}: {why}",
            hint=f"see `autoclave capability show {manifest.name}`",
        )


def _verified(manifest: Manifest, answer: JsonObject | Failure | None) -> JsonObject | None:
    if isinstance(answer, Failure):
        raise Conflict(
            f"{manifest.name} can't tell whether it was done: "
            f"{answer.error_class}: {answer.message}"
        )
    if answer is not None and (why := misfit(manifest.outputs, answer)):
        raise Conflict(f"{manifest.name} can't tell whether it was done: {why}")
    return answer
