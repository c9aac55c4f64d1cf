"""Sealed test sessions: what was collected, how each test ended, and if that can be believed."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ..domain.errors import InvalidInput
from ..domain.sealed import Ended, Limits, SealedResult, SealedRun
from .body import CAPABILITIES, Body, is_test
from .gate import Bench
from .planted import must_fail, twin, twin_path

RUNNER = "sealed_tests.py"
_TWIN = re.compile(r"test_q[0-9a-f]{16}_")
_LIMITS = Limits(wall_seconds=300.0, cpu_seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sealed run of tests. Ids are pytest's, below the folder of the capabilities."""

    collected: frozenset[str] = frozenset()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    """Why there is no report that can be believed; empty when there is one."""

    def of(self, capabilities: Sequence[str]) -> Session:
        """The part of it that belongs to some capabilities."""
        mine = tuple(f"{name}/" for name in capabilities)
        return replace(
            self,
            collected=frozenset(test for test in self.collected if test.startswith(mine)),
            outcomes={test: o for test, o in self.outcomes.items() if test.startswith(mine)},
        )


class Suite:
    """The tests of one draft's body; sessions on the base are run once and remembered."""

    def __init__(self, bench: Bench, judged_root: Path) -> None:
        self._bench = bench
        self._judged = judged_root / CAPABILITIES
        self._base = bench.base_root / CAPABILITIES
        self._secret = f"q{secrets.token_hex(8)}"
        self._known: dict[tuple[str, bool], Session] = {}

    async def base(self, capabilities: Sequence[str], *, twins: bool = False) -> Session:
        """How the tests end on today's body."""
        missing = [name for name in capabilities if (name, twins) not in self._known]
        if missing:
            session = await self._session(self._base, missing, twins=twins)
            if session.problem:
                raise InvalidInput(f"the tests don't run on today's body: {session.problem}")
            for name in missing:
                self._known[name, twins] = session.of([name])
        parts = [self._known[name, twins] for name in capabilities]
        return Session(
            collected=frozenset[str]().union(*(part.collected for part in parts)),
            outcomes={test: o for part in parts for test, o in part.outcomes.items()},
        )

    async def expected(self, capabilities: Sequence[str]) -> Session:
        """The ids of the tests on today's body, collected and not run."""
        files = [file for name in capabilities for file in test_files(self._base, name)]
        if not files:
            return Session()
        session = await self._run(self._base, files, collect_only=True)
        if session.problem:
            raise InvalidInput(f"the tests can't be collected on today's body: {session.problem}")
        return session

    async def judged(self, capabilities: Sequence[str], *, twins: bool = False) -> Session:
        """How they end with the change, the tests themselves coming from the base."""
        return await self._session(self._judged, capabilities, twins=twins)

    def has_tests(self, capability: str) -> bool:
        return bool(test_files(self._judged, capability))

    def is_twin(self, test: str) -> bool:
        return self._secret in test

    def original(self, test: str) -> str:
        """The id of the test that a twin was made from."""
        path, _, rest = test.partition("::")
        name = PurePosixPath(path).name.removeprefix(f"test_{self._secret}_")
        return f"{PurePosixPath(path).with_name(name)}::{rest}"

    async def _session(self, root: Path, capabilities: Sequence[str], *, twins: bool) -> Session:
        files = [file for name in capabilities for file in test_files(root, name)]
        if not files:
            return Session()
        paths = list(files)
        if twins:
            paths += [made for file in files if (made := self._twin(root, file))]
        planted = files[0].with_name(f"test_{secrets.token_hex(8)}.py")
        _write(root / planted, must_fail(planted.stem.removeprefix("test_")))
        try:
            session = await self._run(root, [*paths, planted])
        finally:
            (root / planted).unlink()
        return _without_planted(session, str(planted))

    def _twin(self, root: Path, file: PurePosixPath) -> PurePosixPath | None:
        made = PurePosixPath(twin_path(str(file), f"{self._secret}_{file.stem}"))
        try:
            source = twin((root / file).read_text(encoding="utf-8"), f"Q{self._secret}")
        except (SyntaxError, ValueError, RecursionError):
            source = None  # pytest says what is wrong with such a file
        if source is None:
            return None
        _write(root / made, source)
        return made

    async def _run(
        self, root: Path, paths: Sequence[PurePosixPath], *, collect_only: bool = False
    ) -> Session:
        nonce = secrets.token_hex(16)
        helpers = self._bench.trees / "helpers.py"
        request = {
            "nonce": nonce,
            "root": str(root),
            "paths": sorted(str(root / path) for path in paths),
            "collect_only": collect_only,
            "helpers": str(helpers) if helpers.exists() else "",
        }
        with self._bench.sandbox.scratch() as work:
            result = await self._bench.sandbox.run(
                SealedRun(
                    argv=("python", "-I", "-B", str(self._bench.trees / RUNNER)),
                    folder=work,
                    readable=(self._bench.trees,),
                    stdin=json.dumps(request).encode(),
                    limits=_LIMITS,
                    tier=self._bench.tier,
                )
            )
        return _read_report(result, nonce)


def test_files(root: Path, capability: str) -> list[PurePosixPath]:
    """The files of a capability that pytest would look into, planted ones left out."""
    tests = root / capability / "tests"
    return sorted(
        PurePosixPath(path.relative_to(root).as_posix())
        for pattern in ("test_*.py", "*_test.py")
        for path in tests.rglob(pattern)
        if not _TWIN.match(path.name)
    )


def judged_body(bench_base: Body, candidate: Body, *, tests_only: bool) -> Body:
    """The candidate's code with the base's tests; for a change of tests alone, with its own."""
    if tests_only:
        return candidate
    code = {path: data for path, data in candidate.files.items() if not is_test(path)}
    tests = {path: data for path, data in bench_base.files.items() if is_test(path)}
    return Body(files={**code, **tests})


def _read_report(result: SealedResult, nonce: str) -> Session:
    if result.ended is not Ended.EXITED:
        return Session(problem=f"the run was ended by {result.ended}")
    if not result.result:
        return Session(problem=f"it ended without a report (exit status {result.exit_code})")
    try:
        reply = json.loads(result.result)
        session = Session(
            collected=frozenset(map(str, reply["collected"])),
            outcomes={str(test): str(outcome) for test, outcome in reply["outcomes"].items()},
            messages={str(test): str(text) for test, text in reply["messages"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Session(problem="what came back is no report")
    if reply.get("nonce") != nonce:
        return Session(problem="the report does not come from our runner")
    return session


def _without_planted(session: Session, planted: str) -> Session:
    """Take the planted tests out again; a session in which they did not fail is worth nothing."""
    if session.problem:
        return session
    mine = {test for test in session.collected if test.startswith(f"{planted}::")}
    if len(mine) != 2 or any(session.outcomes.get(test) != "failed" for test in mine):
        return Session(problem="a planted test that cannot pass did not fail")
    return replace(
        session,
        collected=session.collected - mine,
        outcomes={test: o for test, o in session.outcomes.items() if test not in mine},
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
