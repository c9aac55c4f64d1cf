"""The folder that a run works on: the user's, or one made for an improvement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ..domain.errors import NotFound
from ..domain.knowledge import Case, Opportunity
from ..domain.run import Run, RunKind
from .bundle import write_bundle
from .parts import Parts


@asynccontextmanager
async def workspace_of(parts: Parts, run: Run) -> AsyncIterator[Path | None]:
    """Where the run's capabilities work; None when the goal names no folder."""
    if run.kind is RunKind.IMPROVEMENT:
        with _bundle(parts, run) as folder:
            yield folder
        return
    if not run.workspace:
        yield None
        return
    folder = Path(run.workspace)
    if not folder.is_dir():
        raise NotFound(
            f"the workspace {run.workspace} is not a folder any more",
            hint="bring it back, or cancel the goal",
        )
    yield folder


@contextmanager
def _bundle(parts: Parts, run: Run) -> Iterator[Path]:
    with parts.sandbox.scratch() as folder:
        write_bundle(
            folder,
            capabilities=parts.capabilities_folder,
            host=parts.capability_host,
            cases=cases_of(parts, run),
            files=parts.files,
        )
        yield folder


def cases_of(parts: Parts, run: Run) -> list[Case]:
    """The failures that an improvement run is about."""
    facts = run.facts
    return parts.knowledge.cases(
        Opportunity(
            key=facts["key"],
            title=facts["title"],
            capability=facts["capability"],
            pattern_id=facts["pattern_id"],
            confirmations=facts["confirmations"],
            goals=tuple(facts["goals"]),
            cases=tuple(facts["cases"]),
        )
    )
