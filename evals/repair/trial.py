"""One task through `repair_python` in a child process, and the judgement of its patch."""

from __future__ import annotations

import ast
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .tasks import Task, answers, write

CAPABILITIES = Path(__file__).parents[2] / "capabilities"
_CHILD = """
import asyncio, json, sys, types
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from repair_python.code import execute
order = json.loads(sys.stdin.read())
context = types.SimpleNamespace(
    workspace=Path(order["workspace"]), scratch=Path(order["scratch"]), key="eval", seconds=600.0
)
print(json.dumps(asyncio.run(execute(context, order["inputs"]))))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one task."""

    name: str
    plausible: bool
    correct: bool
    exact: bool
    seconds_to_first: float
    seconds: float
    place: int
    candidates: int
    candidates_per_second: float
    alternatives: int
    operator: str
    why_not: str
    diff: str
    tried: dict[str, list[int]]


def run(
    task: Task, *, capabilities: Path, budget_seconds: float, priors: Any, order: str = "ranked"
) -> Outcome:
    """Repair in a fresh folder; the held-back tests never are where the repair can see them."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, scratch = Path(folder, "workspace"), Path(folder, "scratch")
        scratch.mkdir()
        write(workspace, task.files())
        inputs = {"budget_seconds": budget_seconds, "priors": priors, "order": order}
        outputs = _repair(capabilities, workspace, scratch, inputs)
        after = {p: (workspace / p).read_text() for p in task.wrong.files}
    return _judge(task, outputs, after)


def snapshot(folder: Path) -> Path:
    """A copy of the capability, so that one benchmark measures one state of the code."""
    goal = folder / "repair_python"
    shutil.copytree(CAPABILITIES / "repair_python", goal, ignore=shutil.ignore_patterns("*.pyc"))
    return folder


def _repair(
    capabilities: Path, workspace: Path, scratch: Path, inputs: dict[str, Any]
) -> dict[str, Any]:
    order = {"workspace": str(workspace), "scratch": str(scratch), "inputs": inputs}
    done = subprocess.run(
        [sys.executable, "-B", "-c", _CHILD, str(capabilities)],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        cwd=workspace,
        preexec_fn=_limit,
    )
    if done.returncode != 0:
        return {"fixed": False, "why_not": f"crashed: {done.stderr[-1500:]}"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))


def _judge(task: Task, outputs: dict[str, Any], after: dict[str, str]) -> Outcome:
    fixed = bool(outputs["fixed"])
    correct = exact = False
    if fixed:
        repaired = task.wrong.changed(after[task.wrong.path])
        inputs = [arguments for arguments, _ in task.held_back]
        correct = answers(repaired, inputs) == [expected for _, expected in task.held_back]
        exact = all(
            ast.dump(ast.parse(after[p])) == ast.dump(ast.parse(t))
            for p, t in task.right.files.items()
        )
    return Outcome(
        name=task.name,
        plausible=fixed,
        correct=correct,
        exact=exact,
        seconds_to_first=outputs.get("found_after_seconds", 0.0),
        seconds=outputs.get("seconds", 0.0),
        place=outputs.get("place", 0),
        candidates=outputs.get("candidates", 0),
        candidates_per_second=outputs.get("candidates_per_second", 0.0),
        alternatives=len(outputs.get("alternatives", [])),
        operator=" + ".join(outputs.get("operator", [])),
        why_not=outputs.get("why_not", ""),
        diff=outputs.get("diff", ""),
        tried=outputs.get("tried", {}),
    )
