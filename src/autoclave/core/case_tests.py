"""Replays recorded failures as tests. Copied into a sealed folder; never imported by the kernel.

Each case starts from the workspace as it was, runs the plan's steps through the capabilities
beside it and then the goal's done-test.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

CASES = sorted((Path(__file__).parent / "cases").glob("case_*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, context: Any) -> None:
    """The goal that failed is reached."""
    case = json.loads(path.read_text(encoding="utf-8"))
    for name, text in case["files"].items():
        file = context.workspace / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("latin-1"))

    _run_chain(case["chain"], context)

    if case["done"]:
        done = subprocess.run(
            case["done"], cwd=context.workspace, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def _run_chain(chain: list[dict[str, Any]], context: Any) -> None:
    outputs: dict[str, dict[str, Any]] = {}
    for step in chain:
        unless = step.get("unless")
        if unless and outputs.get(unless["step"], {}).get(unless["field"]):
            continue
        if any(name not in outputs for name in step.get("after", ())):
            continue
        code = importlib.import_module(f"{step['capability']}.code")
        inputs = {name: _resolve(value, outputs) for name, value in step["inputs"].items()}
        outputs[step["name"]] = asyncio.run(code.execute(context, inputs))


def _resolve(value: object, outputs: dict[str, dict[str, Any]]) -> object:
    if isinstance(value, dict) and set(value) == {"$ref"}:
        step, _, field = value["$ref"].partition(".")
        return outputs[step][field]
    return value
