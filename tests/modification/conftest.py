"""What the tests of the modification area share: a sample, a small home, plain fakes of ports."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.canonical import JsonObject, digest, digest_bytes
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import Stale
from autoclave.domain.knowledge import Case
from autoclave.domain.ports import ChangeState
from autoclave.domain.proposal import Edit, EditOperation
from autoclave.domain.sealed import Ended, Probe, SealedResult, SealedRun, SelfTest, Tier
from autoclave.modification.lineage import Lineage
from autoclave.modification.targets import target_hash
from autoclave.modification.workshop import LibcstWorkshop

SAMPLE = '''\
#!/usr/bin/env python3
"""A sample with comments in every corner."""

from __future__ import annotations

import os  # for paths

LIMIT = 10
low, high = 1, 2


# about add
def add(first, second: int = 2, *, scale=1):
    # inside
    text = """
keep
  this"""
    return (first + second) * scale  # the sum


class Shape:
    """A shape."""

    sides: int = 4

    # about area
    def area(self, width):
        return width * self.side()

    def side(self):
        def half():
            return self.sides / 2
        return half()

    if LIMIT > 5:
        def only(self): return 1


@staticmethod
def decorated(): pass
# the end
'''

MEAN = '''\
"""Means of numbers."""

from __future__ import annotations

import json
from typing import Any


def mean(numbers: list[float]) -> float:
    """The arithmetic mean, 0 for nothing."""
    return sum(numbers) / len(numbers)


def spread(numbers: list[float]) -> float:
    """Largest minus smallest."""
    return max(numbers) - min(numbers)


async def execute(context: object, inputs: dict[str, Any]) -> dict[str, Any]:
    """The mean and the spread of `numbers`."""
    numbers = json.loads(inputs["numbers"])
    return {"mean": mean(numbers), "spread": spread(numbers)}
'''

MEAN_TESTS = '''\
"""Means are right."""

from mean import code


def test_mean():
    assert code.mean([1.0, 2.0, 3.0]) == 2.0


def test_spread():
    assert 2.0 == code.spread([1.0, 3.0])


async def test_execute():
    outputs = await code.execute(None, {"numbers": "[1, 3]"})
    assert outputs == {"mean": 2.0, "spread": 2.0}
'''

REPORT_TESTS = """\
from report import code


def test_report():
    assert code.report([1.0, 3.0]) == "mean 2.0"
"""

HOME = {
    "capabilities/mean/capability.toml": 'name = "mean"\nversion = "0.1.0"\n',
    "capabilities/mean/code.py": MEAN,
    "capabilities/mean/README.md": "# Means\n",
    "capabilities/mean/tests/test_mean.py": MEAN_TESTS,
    "capabilities/report/capability.toml": 'name = "report"\ndepends_on = ["mean>=0.1"]\n',
    "capabilities/report/code.py": (
        "from mean.code import mean\n\n\n"
        "def report(numbers: list[float]) -> str:\n"
        '    return f"mean {mean(numbers)}"\n'
    ),
    "capabilities/report/tests/test_report.py": REPORT_TESTS,
    "capabilities/other/capability.toml": 'name = "other"\n',
    "capabilities/other/code.py": "def one() -> int:\n    return 1\n",
    "capabilities/other/tests/test_other.py": (
        "from other import code\n\n\ndef test_one():\n    assert code.one() == 1\n"
    ),
}

GOOD_MEAN = '''\


def mean(numbers: list[float]) -> float:
    """The arithmetic mean, 0 for nothing."""
    return sum(numbers) / len(numbers) if numbers else 0.0
'''


class PlainFiles:
    """The port `Files`, unsafe; `on_write` is called before every single write."""

    def __init__(self, on_write: Callable[[], None] = lambda: None) -> None:
        self.on_write = on_write

    def read_tree(self, root: Path) -> dict[str, bytes]:
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def write_tree(self, root: Path, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)

    def difference(self, before: Mapping[str, bytes], root: Path) -> ChangeSet:
        after = self.read_tree(root)
        return ChangeSet(
            tuple(
                FileChange(path=name, before=before.get(name), after=after.get(name))
                for name in sorted(before.keys() | after.keys())
                if before.get(name) != after.get(name)
            )
        )

    def state(self, root: Path, changes: ChangeSet) -> ChangeState:
        sides = {_side(root, change) for change in changes.files}
        if "other" in sides:
            return "other"
        return "mixed" if len(sides) > 1 else "after" if sides == {"after"} else "before"

    def apply(self, root: Path, changes: ChangeSet) -> None:
        if self.state(root, changes) == "other":
            raise Stale("a file is neither as before nor as after")
        for change in changes.files:
            self.on_write()
            path = root / change.path
            if change.after is None:
                path.unlink(missing_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            spare = path.with_name(f".{path.name}.new")
            spare.write_bytes(change.after)
            spare.chmod(0o755 if change.executable else 0o644)
            spare.rename(path)
        self.on_write()

    def tree_digest(self, root: Path) -> str:
        return digest([[name, digest_bytes(d)] for name, d in self.read_tree(root).items()])


def _side(root: Path, change: FileChange) -> str:
    path = root / change.path
    now = path.read_bytes() if path.exists() else None
    return "before" if now == change.before else "after" if now == change.after else "other"


class PlainSandbox:
    """The port `Sandbox` without any seal: for tests of the gates over code that we wrote."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.runs: list[SealedRun] = []

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(dir=self._base))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    async def run(self, run: SealedRun) -> SealedResult:
        self.runs.append(run)
        read, write = os.pipe()
        argv = [sys.executable if run.argv[0] == "python" else run.argv[0], *run.argv[1:]]
        # Descriptor 3 has to be the pipe, whatever its number is here.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-ISc",
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execvp(sys.argv[2], sys.argv[2:])",
            str(write),
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=run.folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **run.environment},
            pass_fds=[write],
        )
        os.close(write)
        result = asyncio.get_running_loop().run_in_executor(None, _drain, read)
        out, err = await process.communicate(run.stdin)
        code = process.returncode or 0
        return SealedResult(
            ended=Ended.EXITED if code >= 0 else Ended.SIGNALLED,
            exit_code=code if code >= 0 else 128 - code,
            stdout=out,
            stderr=err,
            stdout_lost=0,
            stderr_lost=0,
            result=await result,
            wall_seconds=0.0,
            cpu_seconds=0.0,
            max_rss_bytes=0,
            stray_processes=0,
            tier=Tier.RESTRICTED,
        )

    async def self_test(self) -> SelfTest:
        probe = Probe(name="python starts", must_fail=False, succeeded=True)
        return SelfTest(tier=Tier.RESTRICTED, probes=(probe,), facts={}, seconds=0.0)

    def tiers(self) -> tuple[Tier, ...]:
        return (Tier.RESTRICTED,)


def _drain(descriptor: int) -> bytes:
    with open(descriptor, "rb") as stream:
        return stream.read()


@pytest.fixture
def sample() -> str:
    return SAMPLE


@pytest.fixture
def edit() -> Callable[..., Edit]:
    """An edit that carries the right hash unless another one is given."""

    def make(operation: str, text: str, target: str = "", source: str = "", **more: Any) -> Edit:
        given = more.pop("target_hash", None)
        return Edit(
            operation=EditOperation(operation),
            file=more.pop("file", "capabilities/sample/code.py"),
            target=target,
            target_hash=target_hash(text, target) if given is None else given,
            source=source,
            **more,
        )

    return make


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with three capabilities: `mean` with a defect, `report` that needs it, `other`."""
    root = tmp_path / "home"
    for name, text in HOME.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def files() -> PlainFiles:
    return PlainFiles()


@pytest.fixture
def sandbox(tmp_path: Path) -> PlainSandbox:
    return PlainSandbox(tmp_path)


@pytest.fixture
def lineage(home: Path) -> Lineage:
    return Lineage(home / ".autoclave" / "lineage.git", clock=lambda: 1_700_000_000.0)


@pytest.fixture
def make_workshop(
    home: Path, sandbox: PlainSandbox, lineage: Lineage
) -> Callable[..., LibcstWorkshop]:
    """A workshop over the home; give `files` to put a fault into the writing."""

    def make(**more: Any) -> LibcstWorkshop:
        given: dict[str, Any] = {
            "root": home,
            "sandbox": sandbox,
            "files": PlainFiles(),
            "lineage": lineage,
            "run_examples": no_examples,
            **more,
        }
        return LibcstWorkshop(**given)

    return make


async def no_examples(folder: Path, capability: str) -> list[JsonObject]:
    return []


@pytest.fixture
def workshop(make_workshop: Callable[..., LibcstWorkshop]) -> LibcstWorkshop:
    return make_workshop()


@pytest.fixture
def case() -> Case:
    """The recorded failure: the mean of nothing."""
    return Case(
        event_id=7,
        goal_id="G-0001",
        capability="mean",
        inputs={"numbers": "[]"},
        files={},
        done=(),
    )


@pytest.fixture
def replay() -> Callable[[Case, Path], Any]:
    """Says that the case works when the code below the folder looks before it divides."""

    async def run(case: Case, root: Path) -> JsonObject:
        text = (root / "capabilities/mean/code.py").read_text(encoding="utf-8")
        ok = "if numbers else 0.0" in text
        return {"ok": ok, "summary": "fine" if ok else "ZeroDivisionError: division by zero"}

    return run


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, tuple[bytes, int]]]:
    """Bytes and modes of everything in the body."""

    def take(root: Path) -> dict[str, tuple[bytes, int]]:
        folder = root / "capabilities"
        return {
            path.relative_to(folder).as_posix(): (
                path.read_bytes(),
                stat.S_IMODE(path.stat().st_mode),
            )
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return take


@pytest.fixture
def mean_edit(edit: Callable[..., Edit]) -> Callable[..., Edit]:
    """An edit of `capabilities/mean/code.py` as it ships; by default the good repair of `mean`."""

    def make(operation: str = "replace", target: str = "mean", **more: Any) -> Edit:
        more.setdefault("source", GOOD_MEAN)
        return replace(
            edit(operation, MEAN, target, more.pop("source"), **more),
            file="capabilities/mean/code.py",
        )

    return make
