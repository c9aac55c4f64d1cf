"""The toolbox and the files of the harness: real effects, with a fault point around each."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import Execute, FakeCapability, FakeToolbox

from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet
from autoclave.domain.intents import Effect
from autoclave.sandbox.files import SafeFiles

from .faults import Faults
from .world import World

EFFECTS = ("pure", "idempotent", "verifiable", "once")


def toolbox(world: World, faults: Faults) -> FakeToolbox:
    """One capability for each effect class, one that writes, one that checks, one that fails."""
    plain = {
        name: FakeCapability(_effect(world, faults, name), effect=Effect(name)) for name in EFFECTS
    }
    plain["verifiable"].verify = _verify(world)
    return FakeToolbox(
        **plain,
        write=FakeCapability(_write(world, faults), effect=Effect.VERIFIABLE, writes=True),
        check=FakeCapability(_check(world)),
        fail=FakeCapability(_fail),
    )


class FaultyFiles(SafeFiles):
    """The real hands, with a fault point before, after and at every change of a folder."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def apply(self, root: Path, changes: ChangeSet) -> None:
        backwards = any(c.after is None for c in changes.files if c.path.startswith("made/"))
        name = "back" if backwards else "write"
        self._faults.reach(f"{name}.prepared")
        with self._faults.every_write(f"{name}.middle"):
            super().apply(root, changes)
        self._faults.reach(f"{name}.applied")


def _effect(world: World, faults: Faults, name: str) -> Execute:
    async def execute(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        faults.reach(f"{name}.entry")
        world.leave(name, inputs["goal"], inputs["step"], key)
        faults.reach(f"{name}.exit")
        return {"key": key}

    return execute


def _verify(world: World) -> Execute:
    async def verify(
        inputs: JsonObject, workspace: Path | None, key: str
    ) -> JsonObject | None:  # the port says: None for not done
        done = any(t.effect == "verifiable" and t.key == key for t in world.traces())
        return {"key": key} if done else None

    return verify  # type: ignore[return-value]


def _write(world: World, faults: Faults) -> Execute:
    async def execute(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        assert workspace is not None
        faults.reach("write.entry")
        return {"changes": world.changes(workspace, inputs["step"], key)}

    return execute


def _check(world: World) -> Execute:
    async def execute(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        seen = {t.step for t in world.traces() if t.goal == inputs["goal"]}
        missing = sorted(set(inputs["steps"]) - seen)
        return {"all": not missing, "reason": f"nothing was seen of {', '.join(missing)}"}

    return execute


async def _fail(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    raise ValueError("this step always fails")
