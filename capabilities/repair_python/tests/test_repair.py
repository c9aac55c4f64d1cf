"""What `repair_python` does to small projects: right fixes, honest refusals, untouched files."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import libcst as cst
import pytest
from repair_python import code

BUGGY = (
    '"""Numbers."""\n\n\n'
    "class Box:\n"
    "    # how many\n"
    "    def total(self, numbers):\n"
    "        result = 0   # kept  as it is\n"
    "        for number in numbers:\n"
    "            result -= number\n"
    "        return result\n"
)
TESTS = (
    "from sums import Box\n\n\n"
    "def test_total():\n    assert Box().total([1, 2]) == 3\n\n\n"
    "def test_empty():\n    assert Box().total([]) == 0\n"
)


@pytest.fixture
def repair(context: Any):
    """Write files as a workspace and repair it."""

    def go(files: dict[str, str], /, **inputs: Any) -> dict[str, Any]:
        for path, text in files.items():
            (context.workspace / path).parent.mkdir(parents=True, exist_ok=True)
            (context.workspace / path).write_text(text)
        return asyncio.run(
            code.execute(context, {"budget_seconds": 8, "most_alternatives": 0, **inputs})
        )

    return go


def _left(context: Any) -> dict[str, str]:
    root = context.workspace
    return {p.relative_to(root).as_posix(): p.read_text() for p in root.rglob("*") if p.is_file()}


def test_wrong_operator_is_found_and_only_that_line_changes(repair, context):
    """The fix is written, everything else keeps its bytes, nothing else is left behind."""
    files = {"src/sums.py": BUGGY, "tests/test_sums.py": TESTS}

    outputs = repair(files)

    assert outputs["fixed"]
    assert _left(context) == files | {"src/sums.py": BUGGY.replace("-=", "+=")}
    assert outputs["failing"] == ["tests/test_sums.py::test_total"]
    assert outputs["operator"] == ["arithmetic:AugAssign"]


def test_edit_is_addressed_by_name_and_hash_and_gives_the_same_bytes(repair, context):
    """Whoever applies the edit with LibCST gets what was tested."""
    outputs = repair({"sums.py": BUGGY, "test_sums.py": TESTS}, keep=False)

    (edit,) = outputs["edits"]
    module = cst.parse_module(BUGGY)
    method = module.body[1].body.body[0]
    applied = module.deep_replace(method, cst.parse_statement(edit["source"]))
    assert (edit["operation"], edit["file"], edit["target"]) == ("replace", "sums.py", "Box.total")
    assert edit["target_hash"] == hashlib.sha256(module.code_for_node(method).encode()).hexdigest()
    assert applied.code == BUGGY.replace("-=", "+=")
    assert _left(context)["sums.py"] == BUGGY


def test_suspicious_lines_are_reported(repair):
    """The faulty line is among the first ten."""
    outputs = repair({"sums.py": BUGGY, "test_sums.py": TESTS})

    assert {"file": "sums.py", "line": 9} in [
        {"file": p["file"], "line": p["line"]} for p in outputs["suspicious"]
    ]


def test_constant_at_the_top_of_a_module_is_repaired(repair, context):
    """Tables count as code; users of the name see the new value."""
    files = {
        "pkg/__init__.py": "",
        "pkg/tax.py": "RATE = 3\n\n\ndef tax(n):\n    return n * RATE\n",
        "tests/test_tax.py": "from pkg.tax import tax\n\n\ndef test_tax(): assert tax(5) == 10\n",
    }

    outputs = repair(files)

    assert outputs["fixed"]
    assert outputs["edits"][0]["file"] == "pkg/tax.py"


def test_error_at_import_is_repaired(repair, context):
    """A module that can't be imported fails every test in the files that use it."""
    files = {
        "lib.py": "NAMES = ['a', 'b']\nFIRST = NAMES[2]\n\n\ndef first():\n    return FIRST\n",
        "test_lib.py": "from lib import first\n\n\ndef test_first(): assert first() == 'b'\n",
    }

    outputs = repair(files)

    assert outputs["fixed"]
    assert "NAMES[1]" in _left(context)["lib.py"] or "NAMES[-1]" in _left(context)["lib.py"]


def test_endless_loop_is_repaired(repair, context):
    """Candidates that hang cost little, and no process is left."""
    files = {
        "count.py": (
            "def ones(n):\n    count = 0\n    while n:\n        n ^= n - 1\n"
            "        count += 1\n    return count\n"
        ),
        "test_count.py": (
            "from count import ones\n\n\ndef test_ones(): assert ones(12) == 2\n\n\n"
            "def test_zero(): assert ones(0) == 0\n"
        ),
    }

    outputs = repair(files, budget_seconds=15, most_alternatives=0)

    assert outputs["fixed"]
    assert "n &= n - 1" in _left(context)["count.py"]


def test_passing_suite_is_nothing_to_repair(repair, context):
    """Said plainly, without a change."""
    files = {"sums.py": BUGGY, "test_sums.py": "def test_fine(): pass\n"}

    outputs = repair(files)

    assert not outputs["fixed"]
    assert "pass already" in outputs["why_not"]
    assert _left(context) == files


def test_what_can_not_be_repaired_leaves_every_byte(repair, context):
    """The report says what was tried and what would help."""
    files = {
        "mystery.py": "def answer():\n    return 7\n",
        "test_mystery.py": (
            "from mystery import answer\n\n\ndef test_answer(): assert answer() == 'xyzzy plugh'\n"
        ),
    }

    outputs = repair(files, budget_seconds=3)

    assert not outputs["fixed"]
    assert "candidates" in outputs["why_not"]
    assert outputs["edits"] == []
    assert _left(context) == files


def test_tests_and_protected_files_are_never_edited(repair):
    """With nothing else to edit there is no repair."""
    outputs = repair({"sums.py": BUGGY, "tests/test_sums.py": TESTS}, protect=["sums.py"])

    assert not outputs["fixed"]
    assert "may be edited" in outputs["why_not"]


def test_only_named_files_are_edited(repair):
    """`files` narrows what may change."""
    files = {
        "capabilities/adder/code.py": "def add(a, b):\n    return a - b\n",
        "other.py": "def add(a, b):\n    return a - b\n",
        "test_all.py": (
            "import sys, pathlib\n"
            "sys.path.insert(0, str(pathlib.Path(__file__).parent / 'capabilities'))\n"
            "from adder.code import add\n\n\ndef test_add(): assert add(2, 2) == 4\n"
            "def test_more(): assert add(5, 1) == 6\n"
        ),
    }

    outputs = repair(files, files=["capabilities/adder/*.py"])

    assert outputs["fixed"]
    assert [e["file"] for e in outputs["edits"]] == ["capabilities/adder/code.py"]


def test_other_failing_tests_may_go_on_failing(repair):
    """Only the tests that were asked for have to pass; those that pass must go on passing."""
    tests = f"{TESTS}\n\ndef test_other():\n    assert Box().total([]) == 'no'\n"

    outputs = repair(
        {"sums.py": BUGGY, "test_sums.py": tests}, failing=["test_sums.py::test_total"]
    )

    assert outputs["fixed"]


@pytest.mark.slow
def test_two_defects_are_repaired_one_after_the_other(repair):
    """An edit that mends one failing test is the base for the second."""
    files = {
        "pair.py": (
            "def low(a, b):\n    return max(a, b)\n\n\ndef high(a, b):\n    return min(a, b)\n"
        ),
        "test_pair.py": (
            "from pair import high, low\n\n\ndef test_low(): assert low(1, 2) == 1\n\n\n"
            "def test_high(): assert high(1, 2) == 2\n"
        ),
    }

    outputs = repair(files, budget_seconds=20)

    assert outputs["fixed"]
    assert len(outputs["operator"]) == 2


@pytest.mark.slow
def test_same_seed_gives_the_same_fix(repair):
    """Nothing depends on chance."""
    files = {"sums.py": BUGGY, "test_sums.py": TESTS}

    one = repair(files, keep=False, most_alternatives=0)
    other = repair(files, keep=False, most_alternatives=0)

    assert (one["diff"], one["place"]) == (other["diff"], other["place"])
