"""Tries a capability in the sandbox: its examples, and its own tests."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..domain.canonical import JsonObject, canonical
from ..domain.capability import CapabilityResult, Example, Manifest
from ..domain.ports import Files, Sandbox
from ..domain.sealed import Tier
from .broker import Recorded
from .launch import Job, Launcher
from .trees import read_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What came of one example, or of one test."""

    name: str
    """`example 1`, or the id of a test."""
    ok: bool
    why: str = ""
    """What was expected and what came, when it is not ok."""
    seconds: float = 0.0


class Trials:
    """Tries capabilities over the ports."""

    def __init__(self, *, sandbox: Sandbox, files: Files, tier: Tier | None = None) -> None:
        self._sandbox = sandbox
        self._files = files
        self._launcher = Launcher(sandbox=sandbox, files=files, tier=tier)

    async def examples(
        self, manifest: Manifest, *, dependencies: Sequence[Manifest]
    ) -> list[TrialResult]:
        """Run every example in a fresh workspace, in order."""
        return [
            await self._example(f"example {number}", manifest, example, dependencies=dependencies)
            for number, example in enumerate(manifest.examples, start=1)
        ]

    async def tests(
        self, manifest: Manifest, *, dependencies: Sequence[Manifest]
    ) -> list[TrialResult]:
        """Run the capability's own tests; every test that its files define must have passed.

        The verdict is held against the tests that the syntax trees show, so that a process which
        ends early, or a test that is never collected, is no success.
        """
        expected = expected_tests(read_tree(manifest.folder).files)
        if not expected:
            return [TrialResult(name="tests", ok=False, why="its tests folder holds no test")]
        ran = await self._launcher.launch(
            Job(
                mode="test",
                manifest=manifest,
                dependencies=dependencies,
                inputs={},
                workspace=None,
                key="tests",
            )
        )
        if isinstance(ran.answer, dict):
            return _verdicts(expected, ran.answer)
        why = f"{ran.answer.error_class}: {ran.answer.message}" if ran.answer else "no report"
        return [TrialResult(name="tests", ok=False, why=why, seconds=ran.sealed.wall_seconds)]

    async def _example(
        self, name: str, manifest: Manifest, example: Example, *, dependencies: Sequence[Manifest]
    ) -> TrialResult:
        given = {path: text.encode("utf-8") for path, text in example.files.items()}
        with self._sandbox.scratch() as folder:
            await asyncio.to_thread(self._files.write_tree, folder, given)
            result = await self._launcher.execute(
                Job(
                    mode="execute",
                    manifest=manifest,
                    dependencies=dependencies,
                    inputs=example.inputs,
                    workspace=folder,
                    key=name,
                    broker=Recorded(example.answers) if manifest.needs.calls else None,
                )
            )
        why = _mismatch(example, result)
        return TrialResult(name=name, ok=not why, why=why, seconds=result.seconds)


def expected_tests(files: dict[str, bytes]) -> list[str]:
    """Ids of the tests that pytest should collect, without parameters."""
    return [
        test
        for path, data in sorted(files.items())
        if _is_test_file(path)
        for test in _tests_in(path, data)
    ]


def _mismatch(example: Example, result: CapabilityResult) -> str:
    if result.failure is not None:
        return f"{result.failure.error_class}: {result.failure.message}"
    for field, wanted in example.outputs.items():
        if field not in result.outputs:
            return f"{field} is missing"
        if canonical(result.outputs[field]) != canonical(wanted):
            return f"{field} is {_short(result.outputs[field])}, not {_short(wanted)}"
    left = {c.path: c.after for c in result.changes.files}
    for path, text in example.changes.items():
        came = left.get(path, example.files.get(path, "").encode("utf-8"))
        if came != text.encode("utf-8"):
            return f"{path} holds {_short((came or b'').decode('utf-8', 'replace'))}"
    return ""


def _short(value: object) -> str:
    text = canonical(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _is_test_file(path: str) -> bool:
    name = PurePosixPath(path).name
    named = name.startswith("test_") or name.endswith("_test.py")
    return path.startswith("tests/") and path.endswith(".py") and named


def _tests_in(path: str, data: bytes) -> list[str]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return [path]
    tests = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            tests += [f"{path}::{node.name}::{name}" for name in _test_names(node.body)]
        else:
            tests += [f"{path}::{name}" for name in _test_names([node])]
    return tests


def _test_names(body: Sequence[ast.stmt]) -> list[str]:
    return [
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    ]


def _verdicts(expected: list[str], report: JsonObject) -> list[TrialResult]:
    outcomes, messages = report.get("outcomes"), report.get("messages")
    if not isinstance(outcomes, dict) or not isinstance(messages, dict):
        return [TrialResult(name="tests", ok=False, why="the report does not have the right form")]
    results = [_verdict(test, outcomes, messages) for test in expected]
    known = {name for test in expected for name in _runs_of(test, outcomes)}
    strange = sorted(outcomes.keys() - known)
    results += [
        _outcome(name, outcomes, messages) for name in strange if outcomes[name] == "failed"
    ]
    return results


def _verdict(test: str, outcomes: JsonObject, messages: JsonObject) -> TrialResult:
    runs = _runs_of(test, outcomes)
    if not runs:
        return TrialResult(name=test, ok=False, why="it did not run")
    bad = [name for name in runs if outcomes[name] != "passed"]
    return _outcome(bad[0] if bad else test, outcomes, messages, passed=not bad)


def _outcome(
    name: str, outcomes: JsonObject, messages: JsonObject, *, passed: bool = False
) -> TrialResult:
    why = "" if passed else str(messages.get(name) or outcomes.get(name))
    return TrialResult(name=name, ok=passed, why=why)


def _runs_of(test: str, outcomes: JsonObject) -> list[str]:
    return [name for name in outcomes if name == test or name.startswith(f"{test}[")]
