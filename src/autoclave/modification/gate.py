"""What a gate is, what it may use, and how gates are run one after the other."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError
from ..domain.golden import MindTrials
from ..domain.knowledge import Case
from ..domain.ports import Files, Replay, Sandbox
from ..domain.proposal import Draft, GateResult, GateVerdict
from ..domain.sealed import Tier
from .body import Body, capability_of
from .surface import Surface

RunExamples: TypeAlias = Callable[[Path, str], Awaitable[list[JsonObject]]]
"""Run the examples of one capability below a body's root: `{"ok": bool, "summary": str}` each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MindSide:
    """Where the mind stands, and how minds are tried."""

    folder: str
    """Below the home, such as `mind`."""
    trials: MindTrials


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one gate found."""

    verdict: GateVerdict
    summary: str
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that the gates of one draft may use. Both bodies stand as copies on disk."""

    draft: Draft
    base: Body
    candidate: Body
    base_root: Path
    candidate_root: Path
    trees: Path
    """A folder that sealed runs can read and cannot write."""
    root: Path
    """The home; gates look at it, nothing more."""
    surface: Surface
    sandbox: Sandbox
    files: Files
    tier: Tier
    cases: Sequence[Case]
    replay: Replay
    run_examples: RunExamples
    mind: MindSide | None = None
    distances: JsonObject = field(default_factory=dict)
    """How far each changed file is from its first version, see `distance.distances`."""

    @property
    def changed_code(self) -> tuple[str, ...]:
        """The Python files that the draft leaves behind changed."""
        changed = (c.path for c in self.draft.changes.files if c.after is not None)
        return tuple(path for path in changed if path.endswith(".py"))

    @property
    def changed_capabilities(self) -> tuple[str, ...]:
        names = {capability_of(path) for path in self.draft.changes.paths}
        return tuple(sorted(names - {""}))

    @property
    def changed_mind(self) -> MindSide | None:
        """The mind's side of the draft; None when the draft leaves the mind alone."""
        if self.mind is None:
            return None
        start = f"{self.mind.folder}/"
        touched = any(path.startswith(start) for path in self.draft.changes.paths)
        return self.mind if touched else None


class Gate(Protocol):
    """One question about a draft. A plug-in's gate can only add a veto."""

    name: str

    async def check(self, bench: Bench) -> Finding:
        """The answer. An AutoclaveError means that the question could not be asked."""


def passed(summary: str, **facts: object) -> Finding:
    return Finding(verdict=GateVerdict.PASS, summary=summary, facts=facts)


def failed(summary: str, **facts: object) -> Finding:
    return Finding(verdict=GateVerdict.FAIL, summary=summary, facts=facts)


def not_checked(summary: str, **facts: object) -> Finding:
    return Finding(verdict=GateVerdict.NOT_CHECKED, summary=summary, facts=facts)


async def run_gates(gates: Sequence[Gate], bench: Bench) -> tuple[GateResult, ...]:
    """Every gate's result in order; after the first fail the rest are not run."""
    results: list[GateResult] = []
    failure = ""
    for gate in gates:
        if failure:
            finding, seconds = not_checked(f"not checked: after an earlier fail ({failure})"), 0.0
        else:
            finding, seconds = await _timed(gate, bench)
        if finding.verdict is GateVerdict.FAIL:
            failure = gate.name
        results.append(
            GateResult(
                name=gate.name,
                verdict=finding.verdict,
                seconds=seconds,
                summary=finding.summary,
                facts=finding.facts,
            )
        )
    return tuple(results)


async def _timed(gate: Gate, bench: Bench) -> tuple[Finding, float]:
    start = time.perf_counter()
    try:
        finding = await gate.check(bench)
    except AutoclaveError as error:
        finding = not_checked(f"not checked: {error.message}", error=type(error).__name__)
    except RecursionError:
        # Python's own walkers give up on code that the parsers still take.
        finding = not_checked("not checked: the code is nested too deeply", error="RecursionError")
    return finding, round(time.perf_counter() - start, 3)
