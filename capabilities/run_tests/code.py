"""Run a project's tests and report honestly; the verdict never comes from an exit status."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from .child import Heard, run_child
from .clean import one_line

_IGNORED = (".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".pytest_cache", "*.pyc")


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run in a copy, so that what tests write is never taken for a change to the workspace."""
    return run_tests(context, inputs)


def run_tests(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    root = Path(context.scratch).resolve() / "project"
    ignore = shutil.ignore_patterns(*_IGNORED)
    shutil.copytree(context.workspace, root, symlinks=True, ignore=ignore)
    seconds = float(inputs.get("timeout_seconds", 60))
    started = time.monotonic()
    heard = run_child(
        root,
        [*(inputs.get("select") or inputs.get("paths") or [])],
        seconds=max(1.0, min(seconds, float(context.seconds) - 3)),
        site_packages=[str(p) for p in getattr(context, "site_packages", ())],
    )
    return report(heard, root, seconds=time.monotonic() - started)


def report(heard: Heard, root: Path, *, seconds: float) -> dict[str, Any]:
    """What was heard from the runner, as the outputs of this capability."""
    failing = [_failure(facts, root) for facts in heard.failures()]
    counts = heard.counts()
    total = sum(counts.values())
    reason = heard.reason() or _verdict(counts, total)
    return {
        "ok": not reason,
        "reason": one_line(reason, root),
        "summary": one_line(reason, root) or f"{counts['passed']} of {total} tests pass",
        "total": total,
        **counts,
        "failing": failing,
        "collected": len(heard.collected),
        "seconds": round(seconds, 3),
        "notes": heard.notes,
    }


def _verdict(counts: dict[str, int], total: int) -> str:
    bad = counts["failed"] + counts["errors"]
    if bad:
        return f"{bad} of {total} tests did not pass"
    if total == 0:
        return "no tests found"
    return "" if counts["passed"] else "every test was skipped"


def _failure(facts: dict[str, Any], root: Path) -> dict[str, Any]:
    where, line = _where(facts.get("frames", []), root)
    return {
        "id": facts["id"],
        "kind": facts["kind"],
        "error_class": facts.get("error_class", ""),
        "message": one_line(facts.get("message", ""), root, lines=6),
        "where": where,
        "line": line,
    }


def _where(frames: list[list[Any]], root: Path) -> tuple[str, int]:
    """The innermost frame inside the project, as `file:function`."""
    for file, line, function in reversed(frames):
        if file.startswith(f"{root}/"):
            return f"{file.removeprefix(f'{root}/')}:{function}", line
    return "", 0
