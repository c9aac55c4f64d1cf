"""A pytest project made of recorded failures, so that the repairer can work on a capability."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..domain.knowledge import Case
from ..domain.ports import Files

_TESTS = Path(__file__).parent / "case_tests.py"


def write_bundle(folder: Path, *, capabilities: Path, cases: Sequence[Case], files: Files) -> None:
    """Fill an empty folder: the capabilities as they are, the cases, one test per case."""
    target = folder / "capabilities"
    target.mkdir()
    for name in sorted({step["capability"] for case in cases for step in case.chain}):
        tree = files.read_tree(capabilities / name)
        (target / name).mkdir()
        files.write_tree(target / name, tree)
    (folder / "cases").mkdir()
    for case in cases:
        content = {"files": case.files, "chain": case.chain, "done": list(case.done)}
        path = folder / "cases" / f"case_{case.event_id}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
    shutil.copyfile(_TESTS, folder / "test_cases.py")
