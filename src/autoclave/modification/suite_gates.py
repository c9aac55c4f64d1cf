"""The gates that run tests: the capability's own, those of its dependents, and all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..domain.canonical import JsonObject
from ..domain.proposal import GateVerdict
from .body import Body, is_test
from .gate import Bench, Finding, failed, not_checked, passed
from .static_gates import requires
from .suite import Session, Suite

_MOST_LISTED = 10


class CapabilityTestsGate:
    """The tests and examples of what was changed; each comparison also has to be able to fail."""

    name = "capability tests"

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    async def check(self, bench: Bench) -> Finding:
        changed = bench.changed_capabilities
        if not changed:
            return passed("no capability changed")
        examples, wrong = await _examples(bench)
        if wrong:
            return failed(f"example fails: {wrong[0]}", examples=examples, failed=wrong)
        tested = [name for name in changed if self._suite.has_tests(name)]
        bare = [name for name in changed if name not in tested and not examples.get(name)]
        if bare:
            return not_checked(f"{bare[0]} has no tests and no examples", examples=examples)
        base, judged = await asyncio.gather(
            self._suite.base(tested, twins=True), self._suite.judged(tested, twins=True)
        )
        finding = _verdict(self._suite, base, judged, tests_only=_tests_only(bench))
        finding.facts["examples"] = examples
        if finding.verdict is GateVerdict.PASS and tested and not finding.facts["passed"]:
            return failed("not one test passes", **finding.facts)
        return finding


class AffectedTestsGate:
    """The tests of every capability that depends on what was changed, over any number of steps."""

    name = "affected tests"

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    async def check(self, bench: Bench) -> Finding:
        dependents = affected(bench.base, bench.changed_capabilities)
        if not dependents:
            return passed("none depend on it", capabilities=[])
        return await _compare_on(self._suite, bench, dependents)


class FullTestsGate:
    """The tests of the whole body; what ran above is not run a second time."""

    name = "full tests"

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    async def check(self, bench: Bench) -> Finding:
        every = [name for name in bench.candidate.capabilities() if self._suite.has_tests(name)]
        done = {*bench.changed_capabilities, *affected(bench.base, bench.changed_capabilities)}
        rest = [name for name in every if name not in done]
        if not every:
            return not_checked("the body has no tests")
        if not rest:
            return passed("all capabilities with tests were run above", ran_above=sorted(done))
        finding = await _compare_on(self._suite, bench, rest)
        finding.facts["ran_above"] = sorted(done.intersection(every))
        return finding


def affected(body: Body, changed: Sequence[str]) -> list[str]:
    """The capabilities that need one of the changed ones, directly or not."""
    needs = {name: requires(body, name) for name in body.capabilities()}
    found = set(changed)
    while more := {name for name in needs if name not in found and needs[name] & found}:
        found |= more
    return sorted(found - set(changed))


async def _compare_on(suite: Suite, bench: Bench, names: Sequence[str]) -> Finding:
    base, judged = await asyncio.gather(suite.expected(names), suite.judged(names))
    finding = _verdict(suite, base, judged, tests_only=_tests_only(bench))
    if finding.verdict is GateVerdict.FAIL and not judged.problem:
        # Perhaps they fail on the base as well: only now is it worth the time to find out.
        base = await suite.base(names)
        finding = _verdict(suite, base, judged, tests_only=_tests_only(bench))
    finding.facts["capabilities"] = list(names)
    return finding


async def _examples(bench: Bench) -> tuple[JsonObject, list[str]]:
    """How many examples ran for each changed capability, and what went wrong."""
    counts: JsonObject = {}
    wrong: list[str] = []
    for name in bench.changed_capabilities:
        stated = bench.base.manifest(name).get("examples", [])
        expected = len(stated) if isinstance(stated, list) else 0
        ran = await bench.run_examples(bench.candidate_root, name) if expected else []
        counts[name] = len(ran)
        if len(ran) < expected:
            wrong.append(f"{name}: {len(ran)} of {expected} examples ran")
        bad = [item for item in ran if item.get("ok") is not True]
        wrong += [f"{name}: {item.get('summary', '')}" for item in bad]
    return counts, wrong


def _verdict(suite: Suite, base: Session, judged: Session, *, tests_only: bool) -> Finding:
    """No test may end worse than on the base, none may be missing, and every twin has to fail."""
    if judged.problem:
        return failed(f"no verdict that counts: {judged.problem}")
    expected = {test for test in base.collected if not suite.is_twin(test)}
    ran = {test for test in judged.collected if not suite.is_twin(test)}
    if gone := sorted(expected - ran):
        why = judged.messages.get(gone[0].partition("::")[0], "")
        return failed(
            f"{len(gone)} tests are gone, first {gone[0]}{_last_line(why)}",
            gone=gone[:_MOST_LISTED],
            message=why,
        )
    if fooled := _fooled(suite, base, judged):
        return failed(f"{fooled[0]} passes even when its comparison is impossible", fooled=fooled)
    added = sorted(ran - expected)
    if added and not tests_only:
        return failed(f"{added[0]} was not expected", added=added[:_MOST_LISTED])
    worse = sorted(test for test in ran if _is_worse(base, judged, test))
    still = sorted(t for t in ran if t not in worse and judged.outcomes.get(t) == "failed")
    passes = sum(judged.outcomes.get(test) == "passed" for test in ran)
    facts: JsonObject = {
        "tests": len(ran),
        "passed": passes,
        "still_failing": still[:_MOST_LISTED],
        "impossible_twins": sum(suite.is_twin(test) for test in judged.collected),
    }
    if worse:
        why = judged.messages.get(worse[0], "")
        facts |= {"worse": worse[:_MOST_LISTED], "message": why}
        return failed(f"{len(worse)} tests got worse, first {worse[0]}{_last_line(why)}", **facts)
    left = f", {len(still)} fail as before" if still else ""
    return passed(f"{passes} of {len(ran)} tests pass{left}", **facts)


def _last_line(message: str) -> str:
    last = message.strip().rsplit("\n", maxsplit=1)[-1]
    return f": {last}" if last else ""


def _is_worse(base: Session, judged: Session, test: str) -> bool:
    before, after = base.outcomes.get(test, "passed"), judged.outcomes.get(test, "missing")
    rank = {"missing": 0, "failed": 1, "skipped": 2, "passed": 3}
    return rank.get(after, 0) < rank.get(before, 0)


def _fooled(suite: Suite, base: Session, judged: Session) -> list[str]:
    """Originals of the twins that failed on the base and do not fail now."""
    must_fail = (
        test
        for test in base.collected
        if suite.is_twin(test)
        and base.outcomes.get(test) == "failed"
        and base.outcomes.get(suite.original(test)) == "passed"
    )
    return sorted(suite.original(t) for t in must_fail if judged.outcomes.get(t) != "failed")


def _tests_only(bench: Bench) -> bool:
    return all(is_test(path) for path in bench.draft.changes.paths)
