"""The project with its workers: what its tests say, and what a candidate does to them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .pool import Project, Worker, WorkerLost
from .source import Function, Source, Splice

Unit = dict[str, Any]


class Session:
    """One copy of the project; every run of its code is in a child of a worker."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.root
        self._spent = 0.0
        self.each = 5.0
        """Most seconds of processor time for one test."""
        self.ticks = 1 << 40
        self.hooks = False
        self._bare: Worker | None = None
        self._warm: Worker | None = None
        self._open_warm()

    def _open_warm(self) -> None:
        self._warm = Worker("warm", self.project)
        self.collected: list[str] = self._warm.ready.get("collected", [])
        self.broken: list[dict[str, Any]] = self._warm.ready.get("broken", [])
        self.ok = bool(self._warm.ready.get("ok"))

    @property
    def cpu_seconds(self) -> float:
        return self._spent + sum(w.cpu_seconds for w in (self._warm, self._bare) if w)

    def relative(self, path: str) -> str:
        return path.removeprefix(f"{self.root}/")

    def run(
        self, tests: Sequence[str], *, seconds: float, coverage: bool = False
    ) -> dict[str, Any]:
        """Outcomes, and with coverage the lines per test."""
        request = {"op": "suite", "tests": list(tests), "each": self.each, "seconds": seconds}
        reply = self._ask(request | {"coverage": coverage}, seconds + self.each * 6 + 10)
        reply["lines"] = {
            test: {self.relative(f): lines for f, lines in files.items()}
            for test, files in reply["lines"].items()
        }
        return reply

    def explain(self, tests: Sequence[str]) -> dict[str, Any]:
        request = {"op": "explain", "tests": list(tests), "each": self.each}
        return self._ask(request, (self.each * 3 + 3) * (len(tests) + 1))

    def count_ticks(self, units: list[list[Unit]], tests: Sequence[str]) -> tuple[int, list[str]]:
        """The most loop turns that a test takes, and the tests that pass when run bare."""
        request = {"op": "count", "tests": list(tests), "each": self.each}
        request["candidates"] = [{"units": u} for u in units]
        reply = self._ask(request, self.each * len(tests) * 2 + 10)
        return reply["ticks"], reply["ok"]

    def attempt(self, batch: Sequence[list[Unit]], tests: Sequence[str]) -> list[dict[str, Any]]:
        """What each candidate of a batch did; None behind the first that passed."""
        request: dict[str, Any] = {
            "op": "try",
            "tests": list(tests),
            "each": self.each,
            "ticks": self.ticks,
            "hooks": self.hooks,
            "candidates": [{"units": units} for units in batch],
        }
        seconds = (self.each * 6 + 3) * (len(batch) + 1)
        return list(self._ask(request, seconds)["results"])

    def check(self, units: list[Unit], tests: Sequence[str], *, seconds: float) -> dict[str, Any]:
        """Whether a candidate passes many tests, in a child of its own."""
        request: dict[str, Any] = {
            "op": "check",
            "tests": list(tests),
            "seconds": seconds,
            "ticks": 1 << 40,
        }
        request |= {"candidate": {"units": units}, "each": max(1.0, self.each * 10)}
        return self._ask(request, seconds + request["each"] * 6 + 10)

    def vote(
        self, patches: Sequence[list[Unit]], tests: Sequence[str], *, seed: int
    ) -> dict[str, Any]:
        """Inputs near those of the tests, and the answers of each patch to them."""
        first = patches[0][0]
        request: dict[str, Any] = {"op": "vote", "tests": list(tests), "each": 0.5, "seed": seed}
        request |= {"file": first["file"], "function": first["function"], "most": 120}
        request["candidates"] = [{"units": units} for units in patches]
        return self._ask(request, 10.0 + 6.0 * len(patches) + 2.0 * len(tests))

    def fresh(
        self,
        sources: dict[str, bytes],
        *,
        tests: Iterable[str] = (),
        first: Iterable[str] = (),
        allowed: Iterable[str] = (),
        seconds: float,
        each: float = 0.0,
    ) -> dict[str, Any]:
        """Import the project anew with other texts for some files, and run tests.

        It ends at the first failure of a test that is not `allowed` to fail.
        """
        if self._bare is None:
            self._bare = Worker("bare", self.project)
        request: dict[str, Any] = {
            "op": "fresh",
            "sources": {str(self.root / p): d.decode() for p, d in sources.items()},
            "tests": list(tests),
            "first": list(first),
            "allowed": list(allowed),
            "each": each or self.each,
            "seconds": seconds,
        }
        try:
            return self._bare.ask(request, seconds=seconds + request["each"] * 6 + 20)
        except WorkerLost:
            self._spent += self._bare.cpu_seconds
            self._bare = None
            return {"tests": [], "collected": [], "done": False}

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        assert self._warm is not None  # noqa: S101
        try:
            return self._warm.ask(request, seconds=seconds)
        except WorkerLost:
            self._spent += self._warm.cpu_seconds
            self._open_warm()
            raise

    def close(self) -> None:
        for worker in (self._warm, self._bare):
            if worker is not None:
                worker.close()


def unit_of(
    source: Source, root: Path, function: Function, splices: tuple[Splice, ...] = ()
) -> Unit:
    """A function that a worker has to swap."""
    return {
        "file": str(root / source.path),
        "function": function.qualname,
        "line": function.first_line,
        "source": source.unit(function, splices),
        "flags": source.future_flags,
    }


def statement_unit(
    source: Source, root: Path, statement: ast.stmt, splices: tuple[Splice, ...]
) -> Unit:
    """A statement of a module that a worker has to run again."""
    start, end = source.span(statement)
    return {
        "file": str(root / source.path),
        "statement": True,
        "line": statement.lineno,
        "source": source.part(start, end, splices),
        "flags": source.future_flags,
    }
