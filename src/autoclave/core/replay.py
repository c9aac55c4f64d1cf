"""Running a recorded failure again, sealed, with the capabilities of any tree."""

from __future__ import annotations

from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, Fatal
from ..domain.knowledge import Case
from ..domain.ports import Toolbox
from .parts import Parts
from .results import is_needless, resolve
from .sealed_command import run_sealed

_SECONDS = 60.0


class CaseReplay:
    """Callable as `domain.ports.Replay`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, case: Case, body: Path) -> JsonObject:
        """`{"ok", "summary"}`: whether the goal of the case is reached with that body."""
        toolbox = self._parts.toolbox_at(body)
        with self._parts.sandbox.scratch() as workspace:
            files = {name: text.encode("latin-1") for name, text in case.files.items()}
            self._parts.files.write_tree(workspace, files)
            try:
                failed = await self._chain(case, toolbox, workspace)
            except Fatal:
                raise
            except AutoclaveError as error:
                failed = error.message
            if failed:
                return {"ok": False, "summary": failed}
            return await self._done(case, workspace)

    async def _chain(self, case: Case, toolbox: Toolbox, workspace: Path) -> str:
        """Run the steps; what failed, or nothing."""
        results: dict[str, JsonObject] = {}
        for step in case.chain:
            if is_needless(step, results):
                continue
            try:
                inputs = resolve(step["inputs"], results)
            except (KeyError, TypeError) as error:
                return f"{step['name']} refers to {error}, which is missing"
            ran = await toolbox.run(step["capability"], inputs, workspace=workspace, key="replay")
            if ran.failure is not None:
                return f"{step['name']}: {ran.failure.error_class}: {ran.failure.message}"
            if ran.changes:
                self._parts.files.apply(workspace, ran.changes)
            results[step["name"]] = {"outputs": ran.outputs}
        return ""

    async def _done(self, case: Case, workspace: Path) -> JsonObject:
        if not case.done:
            return {"ok": True, "summary": "every step succeeds"}
        seen = await run_sealed(
            self._parts.sandbox, self._parts.files, case.done, workspace, seconds=_SECONDS
        )
        last = next((line for line in reversed(seen["output"].splitlines()) if line), "")
        said = "done-test passes" if seen["ok"] else f"done-test fails: {last}"
        return {"ok": seen["ok"], "summary": said}
