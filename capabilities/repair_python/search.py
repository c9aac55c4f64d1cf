"""The search: from failing tests to patches that pass the whole suite."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

from .budget import Budget
from .found import Base, Findings, Patch
from .localise import Place, suspicious
from .pool import WorkerLost
from .rank import Candidate, candidates
from .session import Session, statement_unit, unit_of
from .source import Sources

SENTINELS = 8
"""Passing tests that run after the failing ones, before the whole suite is asked."""
MOST_FAILING = 12
"""Failing tests that every candidate is tried on; the others are in the whole suite."""


class Search:
    """One search over one project."""

    def __init__(
        self,
        session: Session,
        sources: Sources,
        budget: Budget,
        *,
        priors: dict[str, list[int]],
        seed: int,
        shuffled: bool,
        most_alternatives: int,
    ) -> None:
        self._session = session
        self._sources = sources
        self._base = Base(sources, sources)
        self._shuffled = shuffled
        self._budget = budget
        self._priors = priors
        self._seed = seed
        self._most = most_alternatives
        self.findings = Findings()
        self._types: dict[tuple[str, str], dict[str, set[str]]] = {}
        self._lines: dict[str, dict[str, list[int]]] = {}
        self._passing: list[str] = []
        self._tests: list[str] = []
        self._sentinels: list[str] = []
        self._walk_began = 0.0
        self._stop_at = math.inf
        self._partials: list[tuple[int, Candidate]] = []

    def run(self, failing: Sequence[str]) -> Findings:
        """Look until the budget is used up or enough patches are known."""
        found = self.findings
        if not self._baseline(failing):
            return found
        self._localise()
        if not found.places:
            found.why_not = (
                "the failing tests run no code that may be edited here; "
                "name the files in `files`, or fix the tests by hand"
            )
            return found
        started = time.monotonic()
        self._walk_began = self._budget.used
        self._walk(self._base, self._rank(self._base))
        if not found.patches:
            self._two_edits()
        found.seconds = time.monotonic() - started
        return found

    # what the tests say

    def _baseline(self, wanted: Sequence[str]) -> bool:
        session, found = self._session, self.findings
        if session.broken:
            found.errors = session.broken
            found.failing = [facts["id"] for facts in session.broken]
            found.total_tests = len(session.collected)
            return True
        if not session.collected:
            found.why_not = "no tests found: pytest collected nothing below the workspace"
            return False
        found.total_tests = len(session.collected)
        results, unfinished = self._run_all()
        failed = [i for i, t in results.items() if t["outcome"] == "failed"]
        failed += unfinished[:1] if len(results) < len(session.collected) else []
        known = set(session.collected)
        found.failing = [i for i in wanted if i in known] if wanted else failed
        found.failing = [i for i in found.failing if i in failed or i not in results]
        found.others_failing = [i for i in failed if i not in found.failing]
        self._passing = [i for i, t in results.items() if t["outcome"] == "passed"]
        self._passing += [i for i in unfinished if i not in found.failing]
        found.errors = [results[i] for i in found.failing if i in results]
        if not found.failing:
            found.why_not = f"all {len(results)} tests pass already: there is nothing to repair"
            return False
        self._learn_time(results)
        return True

    def _run_all(self) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Every test with a short limit; one that exceeds it shows whether longer ones help."""
        session = self._session
        session.each = 0.5
        reply = session.run(session.collected, seconds=max(2.0, self._budget.left * 0.3))
        results = {t["id"]: t for t in reply["tests"]}
        hung = [i for i, t in results.items() if t["hung"]]
        session.each = max(1.0, min(5.0, self._budget.seconds / 12))
        if hung:
            again = session.run(hung[:1], seconds=session.each * 2)["tests"]
            if again and not again[0]["hung"]:
                again = session.run(hung, seconds=max(2.0, self._budget.left * 0.4))["tests"]
                results |= {t["id"]: t for t in again}
        return results, reply["unfinished"]

    def _learn_time(self, results: dict[str, dict[str, Any]]) -> None:
        """Tests that end tell how long the others may take."""
        times = [t["seconds"] for t in results.values() if not t["hung"]]
        self._session.each = min(5.0, 0.06 + 6 * max(times, default=0.2))

    # where the fault may be

    def _localise(self) -> None:
        session, found = self._session, self.findings
        if session.broken:
            found.places = suspicious({}, set(), self._relative(found.errors))
            found.places += self._module_places({(p.file, p.line) for p in found.places})
            return
        first = found.failing[:MOST_FAILING]
        seconds = max(1.0, self._budget.left * 0.15)
        self._cover(first, seconds)
        self._cover(self._near(), seconds)
        self._explain(first)
        places = suspicious(self._lines, set(first), self._relative(found.errors))
        found.places = [p for p in places if self._sources.look(p.file)]

    def _module_places(self, known: set[tuple[str, int]]) -> list[Place]:
        """When the import fails, every top level statement is a little suspicious."""
        files = {file for file, _ in known if file in self._sources.paths}
        return [
            Place(path, node.lineno, 0.1)
            for path in sorted(files or set(self._sources.paths))
            for source in [self._sources.look(path)]
            if source is not None
            for node in source.tree.body
            if (path, node.lineno) not in known
        ]

    def _cover(self, tests: Sequence[str], seconds: float) -> None:
        try:
            self._lines |= self._session.run(tests, seconds=seconds, coverage=True)["lines"]
        except WorkerLost:
            return

    def _near(self) -> list[str]:
        """Passing tests, those beside the failing ones first."""
        modules = {test.split("::")[0] for test in self.findings.failing}
        return sorted(self._passing, key=lambda t: t.split("::")[0] not in modules)

    def _explain(self, first: Sequence[str]) -> None:
        """Learn what is raised, which types names have, and how the tests may be run."""
        session, found = self._session, self.findings
        reply = session.explain(first)
        facts = {t["id"]: t for t in reply["tests"]}
        found.errors = [facts.get(e["id"], {}) | e for e in found.errors]
        self._tests = sorted(
            (i for i in first if facts[i]["error_class"]), key=lambda i: facts[i]["seconds"]
        )
        if not self._tests:
            session.hooks = True
            self._tests = list(first)
        for entries in reply["types"].values():
            for file, function, names in entries:
                known = self._types.setdefault((session.relative(file), function), {})
                for name, types in names.items():
                    known.setdefault(name, set()).update(types)

    def _relative(self, errors: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            e | {"frames": [[self._session.relative(f), n, w] for f, n, w in e.get("frames", [])]}
            for e in errors
        ]

    def _count_ticks(self) -> None:
        """How often loops turn in the code as it is decides when a candidate has hung."""
        functions = [
            [unit_of(source, self._session.root, function)]
            for source in self._base.sources.values()
            for function in source.functions
            if any(p.file == source.path for p in self.findings.places)
        ]
        near = [t for t in self._near() if t in self._lines]
        near.sort(key=lambda t: t not in self._guards())
        try:
            most, passing = self._session.count_ticks(functions, [*near[:20], *self._tests])
        except WorkerLost:
            return
        self._session.ticks = 10 * most + 3000
        if not self._session.hooks:
            self._sentinels = [t for t in near if t in set(passing)][:SENTINELS]

    def _guards(self) -> set[str]:
        """Passing tests that run a suspicious line: the first to notice a bad patch."""
        places = {(p.file, p.line) for p in self.findings.places[:20]}
        return {
            test
            for test, files in self._lines.items()
            if any((f, line) in places for f, lines in files.items() for line in lines)
        }

    # candidates

    def _rank(self, base: Base) -> list[Candidate]:
        scores = {(p.file, p.line): p.score for p in self.findings.places}
        top = max(scores.values(), default=1.0)
        scores = {key: value / top for key, value in scores.items() if value > top * 0.2}
        ranked = candidates(
            base.sources, scores, types=self._types, priors=self._priors, seed=self._seed
        )
        if self._shuffled:
            random.Random(self._seed).shuffle(ranked)  # noqa: S311 (a baseline to compare with)
        self.findings.generated += len(ranked)
        return ranked

    def _walk(self, base: Base, ranked: Sequence[Candidate]) -> None:
        """Try candidates in order, a batch at a time."""
        if not self._session.broken and not base.operators:
            self._count_ticks()
        size = 8
        start = 0
        while start < len(ranked) and self._more():
            batch = ranked[start : start + size]
            took = time.monotonic()
            done = self._try(base, batch)
            start += done
            took = time.monotonic() - took
            size = max(4, min(400, int(size * 0.3 / max(took, 0.01))))

    def _more(self) -> bool:
        enough = len(self.findings.patches) > self._most
        return not enough and self._budget.left > 0 and self._budget.used < self._stop_at

    def _try(self, base: Base, batch: Sequence[Candidate]) -> int:
        """How many of the batch are done with."""
        hot = [c for c in batch if _is_hot(c)] if not self._session.broken else []
        results = self._try_hot(base, hot) if hot else []
        states = dict(zip(map(id, hot), results, strict=False))
        for number, candidate in enumerate(batch):
            result = states.get(id(candidate), {"state": "cold"})
            if result is None:
                return max(number, 1)
            self._note(base, candidate, result)
        return len(batch)

    def _try_hot(self, base: Base, batch: Sequence[Candidate]) -> list[Any]:
        units = [self._units(base, c) for c in batch]
        try:
            return self._session.attempt(units, [*self._tests, *self._sentinels])
        except WorkerLost:
            return [{"state": "crashed"}] * len(batch)

    def _units(self, base: Base, candidate: Candidate) -> list[dict[str, Any]]:
        """The swapped function, and those that the first of two edits changed elsewhere."""
        source, root = base.sources[candidate.file], self._session.root
        if candidate.function is None:
            assert candidate.statement is not None  # noqa: S101 (a hot candidate has one of both)
            units = [statement_unit(source, root, candidate.statement, candidate.splices)]
        else:
            units = [unit_of(source, root, candidate.function, candidate.splices)]
        for path in base.changed():
            original, now = base.original[path], base.sources[path]
            for old, new in zip(original.functions, now.functions, strict=False):
                if path == candidate.file and new is candidate.function:
                    units[0]["line"] = old.first_line
                elif original.text(old.node) != now.text(new.node):
                    units.append(unit_of(now, root, new) | {"line": old.first_line})
        return units

    def _note(self, base: Base, candidate: Candidate, result: dict[str, Any]) -> None:
        found, state = self.findings, result["state"]
        found.listed += 1
        if state in ("invalid", "same"):
            return
        if state == "cold":
            state = self._try_cold(base, candidate)
            if state == "invalid":
                return
        found.candidates += 1
        found.tried[candidate.operator][0] += 1
        if state == "passed":
            self._confirm(base, candidate)
        elif result.get("passed"):
            self._partials.append((min(result["passed"], len(self._tests)), candidate))

    def _try_cold(self, base: Base, candidate: Candidate) -> str:
        changed = base.with_edit(candidate)
        if changed is None or not self._more():
            return "invalid"
        reply = self._session.fresh(
            changed.changed(),
            tests=self.findings.failing[:MOST_FAILING],
            seconds=self._session.each * MOST_FAILING + 10,
            each=max(1.0, self._session.each),
        )
        return "passed" if reply["done"] and reply["tests"] else "failed"

    # the whole suite

    def _confirm(self, base: Base, candidate: Candidate) -> None:
        """The rest of the suite, affected tests first, in a child of its own."""
        changed = base.with_edit(candidate)
        if changed is None:
            return
        if not self._keeps(changed, candidate, base):
            self._partials.append((len(self._tests), candidate))
            return
        found = self.findings
        found.tried[candidate.operator][1] += 1
        used = self._budget.used
        found.patches.append(
            Patch(
                texts=changed.changed(),
                units=tuple(self._units(base, candidate)) if _is_hot(candidate) else (),
                operators=changed.operators,
                size=candidate.size,
                score=candidate.score,
                found_after=used,
                place=found.listed,
                line=candidate.line,
            )
        )
        if len(found.patches) == 1:
            extra = max(2.0, used - self._walk_began)
            self._stop_at = min(self._budget.seconds * 0.9, used + extra)

    def _keeps(self, changed: Base, candidate: Candidate, base: Base) -> bool:
        seconds = max(5.0, self._budget.wall_left / 3)
        first = [t for t in self.findings.failing if t not in self._tests]
        order = [*self._tests, *first, *self._affected(candidate)]
        if self._session.broken or not _is_hot(candidate):
            allowed = self.findings.others_failing
            reply = self._session.fresh(
                changed.changed(), first=order, seconds=seconds, allowed=allowed, each=5.0
            )
            return bool(reply["done"])
        try:
            reply = self._session.check(self._units(base, candidate), order, seconds=seconds)
        except WorkerLost:
            return False
        return bool(reply["ok"])

    def _affected(self, candidate: Candidate) -> list[str]:
        """Passing tests; those that ran the function that was changed come first."""
        function = candidate.function
        if function is None:
            return self._passing
        last = function.node.end_lineno or function.first_line
        inside = range(function.first_line, last + 1)

        def distance(test: str) -> int:
            lines = self._lines.get(test, {}).get(candidate.file, [])
            return -sum(line in inside for line in lines)

        return sorted(self._passing, key=distance)

    def vote(self) -> tuple[list[str], dict[int, list[str]]]:
        """Inputs that no test has and each patch's answers to them, by the patch's number."""
        patches = self.findings.patches
        voters = [n for n, p in enumerate(patches) if len(p.units) == 1 and _plain(p.units[0])]
        names = {(patches[n].units[0]["file"], patches[n].units[0]["function"]) for n in voters}
        if len(voters) < 2 or len(names) != 1 or self._session.broken:
            return [], {}
        tests = [*self._tests, *self._sentinels]
        try:
            reply = self._session.vote(
                [list(patches[n].units) for n in voters], tests, seed=self._seed
            )
        except WorkerLost:
            return [], {}
        given = zip(voters, reply["answers"], strict=True)
        return reply["inputs"], {n: found for n, found in given if found}

    # two edits

    def _two_edits(self) -> None:
        """An edit that mends some of the failing tests becomes the base for a second one."""
        self._partials.sort(key=lambda p: (-p[0], -p[1].score))
        for _, candidate in self._partials[:5]:
            if not self._more():
                return
            base = self._base.with_edit(candidate)
            if base is None:
                continue
            self.findings.partial += 1
            self._walk(base, self._rank(base)[:4000])
            if self.findings.patches:
                return


def _is_hot(candidate: Candidate) -> bool:
    """Whether a warm worker can try it without a new import."""
    return candidate.function is not None or candidate.statement is not None


def _plain(unit: dict[str, Any]) -> bool:
    """A function of a module that can be called with arguments alone."""
    return "statement" not in unit and "." not in unit["function"]
