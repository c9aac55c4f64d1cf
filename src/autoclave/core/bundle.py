"""A pytest project made of recorded failures, so that the repairer can work on a capability."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..domain.knowledge import Case
from ..domain.ports import Files

_HERE = Path(__file__).parent


def write_bundle(
    folder: Path, *, capabilities: Path, host: Path, cases: Sequence[Case], files: Files
) -> None:
    """Fill an empty folder: the capabilities as they are, the cases, one test per case.

    Of the capability that failed its own tests come along, so that a repair keeps them passing.
    """
    failed = {case.capability for case in cases}
    for name in sorted({step["capability"] for case in cases for step in case.chain}):
        tree = files.read_tree(capabilities / name)
        if name not in failed:
            tree = {path: data for path, data in tree.items() if not path.startswith("tests/")}
        files.write_tree(folder / "capabilities" / name, tree)
    (folder / "cases").mkdir()
    for case in cases:
        content = {"files": case.files, "chain": case.chain, "done": list(case.done)}
        path = folder / "cases" / f"case_{case.event_id}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
    shutil.copyfile(_HERE / "case_tests.py", folder / "test_cases.py")
    shutil.copyfile(_HERE / "case_conftest.py", folder / "conftest.py")
    shutil.copyfile(host, folder / "capability_host.py")
