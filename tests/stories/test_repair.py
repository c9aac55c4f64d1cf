"""“Make the failing tests pass”, on projects as people have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.canonical import JsonObject
from autoclave.domain.risk import Risk
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec

pytestmark = pytest.mark.slow

GOAL = "make the failing tests pass"
ME = "person:test"
CLAMP = """\
def clamp(x, low, high):
    if x < low:
        return low
    if x > high:
        return low
    return x
"""
TESTS = """\
from {module} import clamp


def test_low():
    assert clamp(1, 2, 5) == 2


def test_high():
    assert clamp(9, 2, 5) == 5


def test_between():
    assert clamp(3, 2, 5) == 3
"""
LAYOUTS = {
    "flat": {
        "calc.py": CLAMP,
        "test_calc.py": TESTS.format(module="calc"),
        "README.md": "# Calc\n",
    },
    "src": {
        "src/calc/__init__.py": "",
        "src/calc/ranges.py": CLAMP,
        "tests/test_ranges.py": TESTS.format(module="calc.ranges"),
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
    },
    "package": {
        "calc/__init__.py": "from .ranges import clamp as clamp\n",
        "calc/ranges.py": CLAMP,
        "tests/__init__.py": "",
        "tests/test_ranges.py": TESTS.format(module="calc"),
        "setup.cfg": "[metadata]\nname = calc\n",
    },
}
Project = Callable[[dict[str, str]], Path]
Tree = Callable[[Path], dict[str, bytes]]


async def _run(control: Control, work: Path, text: str = GOAL, **more: Any) -> JsonObject:
    given = {"allow_up_to": Risk.R1, **{k: v for k, v in more.items() if k != "ask"}}
    spec = GoalSpec(text=text, workspace=work, **given)
    return await control.run_goal(spec, by=ME, ask=more.get("ask"))


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_a_small_bug_is_mended(
    control: Control, project: Project, tree: Tree, layout: str
) -> None:
    """One line changes, the diff says which, and no other file is touched."""
    work = project(LAYOUTS[layout])
    before = tree(work)

    report = await _run(control, work)

    after = tree(work)
    changed = [name for name in after if after[name] != before.get(name)]
    assert (report["exit"], report["status"]) == ("done", "done")
    assert changed == report["files"]
    assert set(before) == set(after)
    assert len(changed) == 1
    assert b"    if x > high:\n        return high\n" in after[changed[0]]
    lines = report["diff"].splitlines()
    assert [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "-        return low",
        "+        return high",
    ]
    assert "beforehand" in report["approval"]["by"]
    assert report["spend"]["model_calls"] == 0


async def test_what_cannot_be_mended_is_left_as_it_was(
    control: Control, project: Project, tree: Tree
) -> None:
    """The report says what was tried and what would help."""
    work = project(
        {
            "calc.py": "def secret():\n    return 1\n",
            "test_calc.py": "from calc import secret\n\n\ndef test_it():\n"
            "    assert secret() == 'open sesame 4711'\n    assert secret() == {}\n",
        }
    )
    before = tree(work)

    report = await _run(control, work)

    assert (report["exit"], report["status"]) == ("failed", "failed")
    assert tree(work) == before
    assert report["tried"]
    assert report["needs"]
    assert report["diff"] == ""
    assert report["files"] == []


async def test_a_project_without_tests_is_told_so(
    control: Control, project: Project, tree: Tree
) -> None:
    """Nothing is changed, and the reason is the plain one."""
    work = project({"calc.py": CLAMP})
    before = tree(work)

    report = await _run(control, work)

    assert report["exit"] == "failed"
    assert "no tests" in " ".join([report["reason"], *report["tried"]])
    assert tree(work) == before


@pytest.mark.timeout(180)
async def test_a_test_that_hangs_does_not_hang_the_agent(
    control: Control, project: Project, tree: Tree
) -> None:
    """It ends, says why, and leaves everything as it was."""
    files = {**LAYOUTS["flat"], "test_wait.py": "def test_wait():\n    while True:\n        pass\n"}
    work = project(files)
    before = tree(work)

    report = await _run(control, work, text="run the tests")

    assert report["exit"] == "failed"
    assert any(word in str(report) for word in ("time", "Time", "seconds"))
    assert tree(work) == before


async def test_the_tests_pass_already(control: Control, project: Project, tree: Tree) -> None:
    """Then there is nothing to repair, and nothing is."""
    work = project(
        {
            "calc.py": CLAMP.replace("    if x > high:\n        return low", ""),
            "test_calc.py": "from calc import clamp\n\n\ndef test_low():\n"
            "    assert clamp(1, 2, 5) == 2\n",
        }
    )
    before = tree(work)

    report = await _run(control, work)

    assert report["exit"] == "done"
    steps = {step["name"]: step["status"] for step in report["plan"]["steps"]}
    assert steps == {"run_tests": "done", "repair_python": "not needed"}
    assert tree(work) == before


async def test_failing_tests_that_are_only_to_be_run_stay_failing(
    control: Control, project: Project, tree: Tree
) -> None:
    """“Run the tests” is never a repair, not even with leave to write."""
    work = project(LAYOUTS["flat"])
    before = tree(work)

    report = await _run(control, work, text="run the tests")

    assert report["exit"] == "failed"
    assert tree(work) == before


async def test_the_persons_own_test_decides(control: Control, project: Project, tree: Tree) -> None:
    """A plan whose steps all succeed is not done when --done says no: it is taken back."""
    work = project({"a.txt": "hello\n"})
    before = tree(work)

    wrong = await _run(control, work, text="copy a.txt to b.txt", done=("grep", "-q", "x", "b.txt"))
    assert wrong["exit"] == "failed"
    assert "grep -q x b.txt" in wrong["reason"]
    assert tree(work) == before

    right = await _run(control, work, text="copy a.txt to c.txt", done=("grep", "hello", "c.txt"))
    assert right["exit"] == "done"
    assert tree(work) == {**before, "c.txt": b"hello\n"}


async def test_a_no_changes_nothing(
    control: Control, project: Project, tree: Tree, says: Any
) -> None:
    """The question shows the diff; after the no the goal is over, and the reason is kept."""
    work = project(LAYOUTS["flat"])
    before = tree(work)
    person = says(yes=False, reason="not on a Friday")

    report = await _run(control, work, allow_up_to=Risk.R0, ask=person)

    assert "+        return high" in person.questions[0]["diff"]
    assert len(person.questions) == 1
    assert report["status"] == "failed"
    assert "not on a Friday" in report["reason"]
    assert tree(work) == before


async def test_a_yes_writes_exactly_what_was_shown(
    control: Control, project: Project, tree: Tree, says: Any
) -> None:
    """The diff of the question is the diff of the report."""
    work = project(LAYOUTS["flat"])
    person = says(yes=True)

    report = await _run(control, work, allow_up_to=Risk.R0, ask=person)

    assert report["exit"] == "done"
    assert person.questions[0]["diff"] == report["diff"]
    assert report["approval"]["by"] == ME
    assert b"return high" in tree(work)["calc.py"]


async def test_an_outline_is_written_where_the_goal_says(
    control: Control, project: Project
) -> None:
    """Inspect, render, write: the output is carried to the named path."""
    work = project(LAYOUTS["package"])

    report = await _run(control, work, text="outline the project into outline.md")

    assert report["exit"] == "done"
    assert report["files"] == ["outline.md"]
    assert "clamp" in (work / "outline.md").read_text()


async def test_what_nothing_serves_is_refused_with_what_would_help(
    control: Control, project: Project
) -> None:
    """At once, and nothing was run."""
    report = await _run(control, project({"a.txt": ""}), text="book a flight to Lisbon")

    assert report["exit"] == "unserved"
    assert "language model" in report["needs"]
    assert report["attempts"] == []
