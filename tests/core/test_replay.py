"""Recorded failures, run again: with a toolbox, and as tests in a bundle."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeCapability, FakeToolbox, Loop, open_loop
from tests.fakes_sealed import UnsealedSandbox

from autoclave.capabilities import host
from autoclave.core.bundle import write_bundle
from autoclave.core.replay import CaseReplay
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.knowledge import Case
from autoclave.sandbox.files import SafeFiles


async def judge(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    assert workspace is not None
    return {"ok": (workspace / "a.txt").read_text() == "good\n"}


async def mend(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    before = b"bad\n"
    return {
        "said": "mended",
        "changes": ChangeSet((FileChange(path="a.txt", before=before, after=b"good\n"),)),
    }


async def tell(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"text": inputs["text"]}


async def fail(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    raise ValueError("no good")


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    toolbox = FakeToolbox(
        **{each.__name__: FakeCapability(each) for each in (judge, mend, tell, fail)}
    )
    opened = open_loop(fast_tmp_path, toolbox)
    opened.parts = replace(opened.parts, sandbox=UnsealedSandbox())
    yield opened
    opened.close()


CHAIN: list[JsonObject] = [
    {"name": "judge", "capability": "judge", "inputs": {}, "after": []},
    {
        "name": "mend",
        "capability": "mend",
        "inputs": {},
        "after": ["judge"],
        "unless": {"step": "judge", "field": "ok"},
    },
    {
        "name": "tell",
        "capability": "tell",
        "inputs": {"text": {"$ref": "mend.said"}},
        "after": ["mend"],
    },
]


def _case(text: str, *, done: tuple[str, ...] = (), chain: list[JsonObject] = CHAIN) -> Case:
    return Case(
        event_id=7,
        goal_id="G-0001",
        capability="mend",
        inputs={},
        files={"a.txt": text},
        done=done,
        chain=chain,
    )


async def _replay(loop: Loop, case: Case) -> JsonObject:
    return await CaseReplay(loop.parts)(case, Path())


async def test_the_chain_runs_on_the_files_as_they_were(loop: Loop) -> None:
    """With each step's changes under the next, and the goal's own test at the end."""
    found = await _replay(loop, _case("bad\n", done=("grep", "-q", "good", "a.txt")))

    assert found == {"ok": True, "summary": "done-test passes"}
    assert [name for name, _ in loop.toolbox.ran] == ["judge", "mend", "tell"]


async def test_a_needless_step_and_what_hangs_on_it_are_skipped(loop: Loop) -> None:
    """As they would be in the goal."""
    found = await _replay(loop, _case("good\n"))

    assert found["ok"]
    assert [name for name, _ in loop.toolbox.ran] == ["judge"]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"capability": "fail", "inputs": {}}, "ValueError: no good"),
        ({"capability": "gone", "inputs": {}}, "no capability gone"),
        ({"capability": "tell", "inputs": {"text": {"$ref": "judge.nothing"}}}, "nothing"),
        ({"capability": "tell", "inputs": {"text": {"$ref": "nowhere.x"}}}, "nowhere"),
    ],
)
async def test_a_step_that_cannot_is_the_answer(loop: Loop, step: JsonObject, said: str) -> None:
    """Not an exception: the gate shows it to a person."""
    chain = [CHAIN[0], {"name": "last", "after": [], **step}]

    found = await _replay(loop, _case("bad\n", chain=chain))

    assert not found["ok"]
    assert said in found["summary"]


async def test_the_goals_own_test_has_the_last_word(loop: Loop) -> None:
    """Every step succeeds, and the goal is not reached all the same."""
    found = await _replay(loop, _case("bad\n", done=("grep", "nowhere", "a.txt")))

    assert not found["ok"]
    assert found["summary"].startswith("done-test fails")


def _bundle(folder: Path, *cases: Case, code: str) -> Path:
    capabilities = folder / "capabilities"
    for name, source in (("mend", code), ("judge", JUDGE), ("tell", TELL)):
        (capabilities / name / "tests").mkdir(parents=True)
        (capabilities / name / "code.py").write_text(source)
        (capabilities / name / "tests" / "test_own.py").write_text("def test_own(): pass\n")
    bundle = folder / "bundle"
    bundle.mkdir()
    write_bundle(
        bundle,
        capabilities=capabilities,
        host=Path(host.__file__),
        cases=cases,
        files=SafeFiles(),
    )
    return bundle


JUDGE = """\
async def execute(context, inputs):
    return {"ok": (context.workspace / "a.txt").read_text() == "good\\n"}
"""
MEND = """\
async def execute(context, inputs):
    (context.workspace / "a.txt").write_text("good\\n")
    return {"said": "mended"}
"""
TELL = "async def execute(context, inputs):\n    return {'text': inputs['text']}\n"


def test_a_bundle_holds_what_the_repair_needs_and_no_more(tmp_path: Path) -> None:
    """The tests of the capability that failed, not those of its neighbours."""
    bundle = _bundle(tmp_path, _case("bad\n"), code=MEND)

    names = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert names == {
        "capabilities/judge/code.py",
        "capabilities/mend/code.py",
        "capabilities/mend/tests/test_own.py",
        "capabilities/tell/code.py",
        "capability_host.py",
        "cases/case_7.json",
        "conftest.py",
        "test_cases.py",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "code", "passes"),
    [
        ("bad\n", MEND, True),
        ("good\n", MEND, True),
        ("bad\n", MEND.replace("good", "worse"), False),
        ("bad\n", "async def execute(context, inputs):\n    raise ValueError('no')\n", False),
    ],
)
def test_a_bundle_fails_and_passes_as_the_goal_did(
    tmp_path: Path, text: str, code: str, passes: bool
) -> None:
    """Run as any pytest project is."""
    done = ("grep", "-q", "good", "a.txt")
    bundle = _bundle(tmp_path, _case(text, done=done), code=code)

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_cases.py"],
        cwd=bundle,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )

    assert (ran.returncode == 0) is passes, ran.stdout
