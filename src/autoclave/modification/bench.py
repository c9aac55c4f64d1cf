"""Sets the bench for one draft: both bodies as copies on disk, and the runners beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..domain.knowledge import Case
from ..domain.ports import Files, Replay, Sandbox
from ..domain.proposal import Draft
from ..domain.sealed import Tier
from .body import Body, is_test
from .distance import distances
from .gate import Bench, Gate, MindSide, RunExamples
from .lineage import Lineage
from .mind_gates import MindAnswersGate, MindSurfaceGate, MindTestsGate
from .replay_gate import ReplayGate
from .static_gates import ParseGate, PowersGate, SurfaceGate
from .suite import RUNNER, Suite, judged_body
from .suite_gates import AffectedTestsGate, CapabilityTestsGate, FullTestsGate
from .surface import Surface
from .tool_gates import LintGate, TypesGate

_RUNNERS = (RUNNER, "sealed_types.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTools:
    """What every bench is made with."""

    root: Path
    surface: Surface
    sandbox: Sandbox
    files: Files
    run_examples: RunExamples
    lineage: Lineage
    mind: MindSide | None = None
    test_helpers: Path | None = None
    """A Python file with `fresh_context(folder)`, for the `context` fixture of the tests."""


@contextmanager
def set_up(
    tools: BenchTools,
    draft: Draft,
    base: Body,
    *,
    tier: Tier,
    cases: Sequence[Case],
    replay: Replay,
) -> Iterator[tuple[Bench, Sequence[Gate]]]:
    """The bench and the built-in gates for it, cheapest first; the copies go away afterwards."""
    candidate = base.after(draft.changes)
    tests_only = all(is_test(path) for path in draft.changes.paths)
    with tools.sandbox.scratch() as trees:
        bodies = {
            "base": base,
            "candidate": candidate,
            "judged": judged_body(base, candidate, tests_only=tests_only),
        }
        for name, body in bodies.items():
            _write(tools.files, trees / name, body)
        _copy_runners(trees, tools.test_helpers)
        bench = Bench(
            draft=draft,
            base=base,
            candidate=candidate,
            base_root=trees / "base",
            candidate_root=trees / "candidate",
            trees=trees,
            root=tools.root,
            surface=tools.surface,
            sandbox=tools.sandbox,
            files=tools.files,
            tier=tier,
            cases=cases,
            replay=replay,
            run_examples=tools.run_examples,
            mind=tools.mind,
            distances=distances(tools.lineage, candidate, draft.changes.paths),
        )
        if bench.changed_mind is not None:
            yield bench, _mind_gates()
        else:
            yield bench, _gates(Suite(bench, trees / "judged"))


def _gates(suite: Suite) -> Sequence[Gate]:
    return (
        SurfaceGate(),
        ParseGate(),
        PowersGate(),
        LintGate(),
        TypesGate(),
        CapabilityTestsGate(suite),
        AffectedTestsGate(suite),
        ReplayGate(),
        FullTestsGate(suite),
    )


def _mind_gates() -> Sequence[Gate]:
    return (
        SurfaceGate(),
        ParseGate(),
        MindSurfaceGate(),
        LintGate(),
        TypesGate(),
        MindAnswersGate(),
        MindTestsGate(),
        ReplayGate(),
    )


def _write(files: Files, root: Path, body: Body) -> None:
    root.mkdir()
    files.write_tree(root, body.files)
    for path in body.executable & body.files.keys():
        (root / path).chmod(0o755)


def _copy_runners(trees: Path, helpers: Path | None) -> None:
    here = Path(__file__).parent
    for name in _RUNNERS:
        shutil.copyfile(here / name, trees / name)
    if helpers is not None:
        shutil.copyfile(helpers, trees / "helpers.py")
    # The sealed process may be another user: it has to read, and may not write.
    for path in [trees, *trees.rglob("*")]:
        path.chmod(path.stat().st_mode & 0o777 | (0o755 if path.is_dir() else 0o444))
