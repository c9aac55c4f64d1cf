"""What `run_tests` says about projects that are well, ill, broken or lying."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from run_tests import code


@pytest.fixture
def run(context: Any):
    """Write files as a workspace and run its tests."""

    def go(files: dict[str, str], **inputs: Any) -> dict[str, Any]:
        for path, text in files.items():
            (context.workspace / path).parent.mkdir(parents=True, exist_ok=True)
            (context.workspace / path).write_text(text)
        return asyncio.run(code.execute(context, inputs))

    return go


def _by_id(outputs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {facts["id"]: facts for facts in outputs["failing"]}


def test_counts_every_outcome(run):
    """Passed, failed, skipped, error in a fixture and unittest tests are told apart."""
    outputs = run(
        {
            "src/lib/__init__.py": "def half(n):\n    return n / 0\n",
            "tests/test_all.py": (
                "import unittest, pytest\nfrom lib import half\n"
                "def test_good(): assert True\n"
                "def test_bad(): assert 1 == 2\n"
                "def test_raises(): half(4)\n"
                "@pytest.mark.skip\ndef test_skipped(): pass\n"
                "@pytest.mark.xfail\ndef test_expected(): assert False\n"
                "@pytest.fixture\ndef thing(): raise OSError('gone')\n"
                "def test_fixture(thing): pass\n"
                "class TestOld(unittest.TestCase):\n"
                "    def test_unit(self): self.assertEqual(1, 1)\n"
                "    def test_unit_bad(self): self.assertEqual(1, 2)\n"
            ),
        }
    )

    failing = _by_id(outputs)
    bad = failing["tests/test_all.py::test_bad"]
    raises = failing["tests/test_all.py::test_raises"]
    assert not outputs["ok"]
    assert (outputs["passed"], outputs["failed"], outputs["errors"]) == (2, 3, 1)
    assert (outputs["skipped"], outputs["total"], outputs["collected"]) == (2, 8, 8)
    assert (bad["kind"], bad["error_class"]) == ("assertion", "AssertionError")
    assert (raises["error_class"], raises["where"]) == (
        "ZeroDivisionError",
        "src/lib/__init__.py:half",
    )
    assert raises["line"] == 2
    assert failing["tests/test_all.py::test_fixture"]["kind"] == "setup"


def test_green_suite_is_ok_and_the_workspace_stays_as_it_was(run, context):
    """Files that tests write go to a copy."""
    test = "def test_writes():\n    open('left.txt', 'w').write('x')\n"

    outputs = run({"test_it.py": test})

    assert outputs["ok"]
    assert outputs["reason"] == ""
    assert sorted(p.name for p in context.workspace.rglob("*")) == ["test_it.py"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.py": ""}, "no tests found"),
        ({"test_a.py": "import nothing_like_it\n"}, "collection failed: test_a.py"),
        ({"test_a.py": "def test_a(:\n"}, "collection failed: test_a.py"),
        ({"test_a.py": "import os\ndef test_a(): os._exit(0)\n"}, "ended in test_a.py::test_a"),
        (
            {"test_a.py": "import pytest\ndef test_a(): pytest.skip('no')\n"},
            "every test was skipped",
        ),
        ({"test_a.py": "import pytest\ndef test_a(): pytest.exit('x', 0)\n"}, "1 of 1 tests"),
    ],
)
def test_what_is_not_ok_says_why(run, files, reason):
    """No exit status, however good it looks, makes a run that proved nothing ok."""
    outputs = run(files)

    assert not outputs["ok"]
    assert reason in outputs["reason"]


@pytest.mark.parametrize(
    "conftest",
    [
        "@pytest.hookimpl(hookwrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n"
        "    outcome = yield\n"
        "    outcome.get_result().outcome = 'passed'\n",
        "def pytest_pyfunc_call(pyfuncitem):\n    return True\n",
        "@pytest.hookimpl(hookwrapper=True)\n"
        "def pytest_pyfunc_call(pyfuncitem):\n"
        "    outcome = yield\n"
        "    outcome.force_result(True)\n",
    ],
)
def test_conftest_that_rewrites_results_is_seen_through(run, conftest):
    """A failure that a hook turns into a pass stays a failure."""
    outputs = run(
        {"conftest.py": f"import pytest\n{conftest}", "test_a.py": "def test_a(): assert 0\n"}
    )

    assert not outputs["ok"]
    assert [f["kind"] for f in outputs["failing"]] == ["tampered"]


def test_hanging_test_is_named_and_the_others_still_run(run):
    """One test may use a third of the time."""
    test = "def test_hangs():\n    while True: pass\ndef test_fine(): pass\n"

    outputs = run({"test_a.py": test}, timeout_seconds=3)

    assert [(f["id"], f["kind"]) for f in outputs["failing"]] == [
        ("test_a.py::test_hangs", "timeout")
    ]
    assert outputs["passed"] == 1


def test_test_that_can_not_be_interrupted_ends_with_the_run(run):
    """A test that blocks signals is killed with its process group, and named."""
    test = (
        "import signal, time\n"
        "def test_deaf():\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "    while True: time.sleep(1)\n"
    )

    outputs = run({"test_a.py": test}, timeout_seconds=1.5)

    assert outputs["reason"] == "timed out in test_a.py::test_deaf"


def test_selects_single_tests(run):
    """`select` takes the ids that `failing` gives."""
    test = "def test_one(): pass\ndef test_two(): assert 0\n"

    outputs = run({"test_a.py": test}, select=["test_a.py::test_one"])

    assert (outputs["ok"], outputs["total"]) == (True, 1)


def test_unknown_options_of_the_project_are_left_out_with_a_note(run):
    """Plug-ins are not loaded by entry point, so their options are unknown."""
    outputs = run(
        {"pytest.ini": "[pytest]\naddopts = --no-such-flag\n", "test_a.py": "def test_a(): pass\n"}
    )

    assert outputs["ok"]
    assert "addopts" in outputs["notes"][0]


def test_escapes_in_messages_are_stripped(run):
    """Nothing that a terminal would obey comes out."""
    test = "def test_a(): raise ValueError('\\x1b[31mred\\x1b]0;title\\x07\\u202e!')\n"

    outputs = run({"test_a.py": test})

    assert outputs["failing"][0]["message"] == "red!"
