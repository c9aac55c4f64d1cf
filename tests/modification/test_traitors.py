"""Changes that have to be refused, each for its one named reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.changes import ABSENT, ChangeSet, FileChange
from autoclave.domain.errors import InvalidInput, NotAllowed
from autoclave.domain.proposal import Draft, Edit, Evidence, GateVerdict
from autoclave.modification.powers import powers
from autoclave.modification.workshop import LibcstWorkshop

MakeEdit = Callable[..., Edit]
CODE = "capabilities/mean/code.py"


def first_fail(evidence: Evidence) -> tuple[str, str]:
    result = next(r for r in evidence.gates if r.verdict is GateVerdict.FAIL)
    return result.name, result.summary


@pytest.mark.parametrize("file", ["/etc/passwd", "capabilities/../safety_rules.yaml", "a//b.py"])
def test_paths_that_climb_are_no_edits(edit: MakeEdit, file: str) -> None:
    """Such an edit refuses to exist."""
    with pytest.raises(InvalidInput):
        edit("replace", "", source="x = 1\n", target_hash=ABSENT, file=file)


@pytest.mark.parametrize(
    ("source", "power"),
    [
        ("import urllib.request\n", "network: urllib.request"),
        ("import socket as harmless\n", "network: socket"),
        ("from os import system as s\n", "process: os.system"),
        ("import os\nos._exit(0)\n", "process: os._exit"),
        ("import os as o\no.fork()\n", "process: os.fork"),
        ("import os\ngetattr(os, 'system')('x')\n", "process: os.system"),
        ("import atexit\n", "process: atexit"),
        ("import subprocess\n", "process: subprocess"),
        ("import asyncio\nasyncio.create_subprocess_exec\n", "process: asyncio.create_sub"),
        ("import ctypes\n", "native: ctypes"),
        ("eval('1')\n", "eval: eval"),
        ("__import__('os')\n", "eval: __import__"),
        ("import importlib\n", "eval: importlib"),
        ("().__class__.__bases__[0].__subclasses__()\n", "reflection: .__subclasses__"),
        ("getattr(1, 'a' + 'b')\n", "reflection: getattr of a computed name"),
        ("import sys\nsys.modules['pytest']\n", "reflection: sys.modules"),
        ("import gc\n", "reflection: gc"),
        ("import pickle\n", "serialisation: pickle"),
        ("from pytest import raises\n", "test machinery: pytest"),
        ("import os\nos.environ['CI']\n", "environment: os.environ"),
        ("import requests_html\n", "dependency: requests_html"),
        ("from other import code\n", "dependency: other"),
    ],
)
def test_new_powers_are_seen(source: str, power: str) -> None:
    """What the code could not do before it may not do afterwards."""
    assert any(found.startswith(power) for found in powers(source))


@pytest.mark.parametrize("source", ["import socket\n", "import os\nos._exit(0)\n"])
async def test_new_powers_are_refused(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any, source: str
) -> None:
    """The gate names the capability and the power."""
    draft = workshop.draft([mean_edit("append", "", source=source)])

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    name, summary = first_fail(evidence)
    assert name == "capability delta"
    assert "mean gains" in summary


async def test_a_declared_need_is_no_new_power(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any, home: Path
) -> None:
    """A person wrote it into the manifest; the fact is shown all the same."""
    manifest = home / "capabilities/mean/capability.toml"
    manifest.write_text('name = "mean"\n[needs]\nnetwork = ["example.org"]\n', encoding="utf-8")
    draft = workshop.draft([mean_edit("add_import", "", source="import socket\n")])

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    delta = next(r for r in evidence.gates if r.name == "capability delta")
    assert delta.verdict is GateVerdict.PASS
    assert delta.facts["declared"] == ["network: socket"]


EVIL = """\


class _Yes(float):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


def spread(numbers: list[float]) -> float:
    return _Yes(1.0)
"""


@pytest.mark.slow
async def test_code_that_fools_its_tests_is_seen_when_it_runs(
    tmp_path: Path, home: Path, sandbox: Any, files: Any
) -> None:
    """Where the static gates are blind: an impossible comparison has to fail."""
    from autoclave.modification.suite import Suite

    bench = bare_bench(tmp_path, home, sandbox, files)
    code = bench.candidate_root / CODE
    code.write_text(code.read_text(encoding="utf-8") + EVIL, encoding="utf-8")
    suite = Suite(bench, bench.candidate_root)

    session = await suite.judged(["mean"], twins=True)

    fooled = [test for test, outcome in session.outcomes.items() if suite.is_twin(test)]
    passing = [test for test in fooled if session.outcomes[test] == "passed"]
    assert "mean/tests/test_mean.py::test_spread" in {suite.original(test) for test in passing}


HOOKS = {
    "exit": "import os\nos._exit(0)\n",
    "forged": (
        "import os, json\n"
        "lie = {'nonce': '', 'collected': [], 'outcomes': {}, 'messages': {}}\n"
        "for number in range(3, 256):\n"
        "    try:\n"
        "        os.write(number, json.dumps(lie).encode())\n"
        "    except OSError:\n"
        "        pass\n"
        "os._exit(0)\n"
    ),
    "hidden": "import os\nos.write(3, b'{}')\n",
    "patched": (
        "import sys\n"
        "from _pytest.reports import TestReport\n"
        "real = TestReport.from_item_and_call.__func__\n"
        "def lie(cls, item, call):\n"
        "    report = real(cls, item, call)\n"
        "    report.outcome = 'passed'\n"
        "    return report\n"
        "TestReport.from_item_and_call = classmethod(lie)\n"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("exit", "without a report"),
        ("forged", "report"),
        ("hidden", "Bad file descriptor"),
        ("patched", "planted"),
    ],
)
async def test_the_verdict_is_not_written_by_the_judged(
    tmp_path: Path, home: Path, sandbox: Any, files: Any, hook: str, words: str
) -> None:
    """Where the static gates are blind, a session that was tampered with counts for nothing."""
    from autoclave.modification.suite import Suite

    bench = bare_bench(tmp_path, home, sandbox, files)
    code = bench.candidate_root / CODE
    code.write_text(code.read_text(encoding="utf-8") + HOOKS[hook], encoding="utf-8")

    session = await Suite(bench, bench.candidate_root).judged(["mean"])

    assert "passed" not in session.outcomes.values()
    assert words in session.problem + str(session.messages)


@pytest.mark.slow
async def test_a_report_is_not_written_with_the_tools_of_the_judged(
    tmp_path: Path, home: Path, sandbox: Any, files: Any
) -> None:
    """The code under test may have changed `json` by the time that the report is made."""
    from autoclave.modification.suite import Suite

    bench = bare_bench(tmp_path, home, sandbox, files)
    code = bench.candidate_root / CODE
    lie = (
        "\n\ndef spread(numbers):\n    return 0.0\n\n"
        "_real = json.dumps\n"
        "json.dumps = lambda *a, **k: _real(*a, **k).replace('failed', 'passed')\n"
        "json.JSONEncoder.encode = lambda self, value: '{}'\n"
    )
    code.write_text(code.read_text(encoding="utf-8") + lie, encoding="utf-8")

    session = await Suite(bench, bench.candidate_root).judged(["mean"])

    assert session.problem == ""
    assert session.outcomes["mean/tests/test_mean.py::test_spread"] == "failed"


def bare_bench(tmp_path: Path, home: Path, sandbox: Any, files: Any) -> Any:
    """A bench with the two bodies and the runner, and nothing else of use."""
    import shutil

    from autoclave.modification import suite
    from autoclave.modification.gate import Bench

    trees = tmp_path / "trees"
    for name in ("base", "candidate"):
        shutil.copytree(home / "capabilities", trees / name / "capabilities")
    shutil.copyfile(Path(suite.__file__).with_name(suite.RUNNER), trees / suite.RUNNER)
    nothing: Any = None
    return Bench(
        draft=nothing,
        base=nothing,
        candidate=nothing,
        base_root=trees / "base",
        candidate_root=trees / "candidate",
        trees=trees,
        root=home,
        surface=nothing,
        sandbox=sandbox,
        files=files,
        tier=nothing,
        cases=(),
        replay=nothing,
        run_examples=nothing,
    )


@pytest.mark.slow
async def test_tests_alone_may_change_and_none_may_go(
    workshop: LibcstWorkshop, edit: MakeEdit, home: Path, replay: Any
) -> None:
    """A new test is judged on today's code; removing one is a fail."""
    file = "capabilities/mean/tests/test_mean.py"
    text = (home / file).read_text(encoding="utf-8")
    added = "\n\ndef test_more():\n    assert code.mean([4.0]) == 4.0\n"

    more = workshop.draft([edit("append", text, "", added, file=file)])
    evidence = await workshop.judge(more, cases=[], replay=replay)
    tests = next(r for r in evidence.gates if r.name == "capability tests")
    assert (tests.verdict, tests.facts["tests"]) == (GateVerdict.PASS, 4)

    with pytest.raises(NotAllowed) as caught:
        workshop.draft([edit("remove", text, "test_spread", file=file)])
    assert caught.value.rules == ("tests-only-grow",)


def by_hand(draft: Draft, data: bytes) -> Draft:
    """The draft with other bytes than its edits made."""
    (change,) = draft.changes.files
    changed = FileChange(path=change.path, before=change.before, after=data)
    return replace(draft, changes=ChangeSet((changed,)))


def test_an_apply_checks_the_surface_again(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, home: Path
) -> None:
    """Nothing out of the surface is written, whoever asks."""
    draft = workshop.draft([mean_edit()])
    outside = FileChange(path="safety_rules.yaml", before=None, after=b"allow: all\n")

    with pytest.raises(NotAllowed):
        workshop.apply(
            replace(draft, changes=ChangeSet((outside,))), proposal="P-0001", message="m"
        )

    assert not (home / "safety_rules.yaml").exists()


async def test_code_too_deep_for_the_walkers_is_refused(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any
) -> None:
    """The parsers take it; that must end neither a gate nor the process."""
    source = "DEEP = " + "1 + " * 900 + "1\n"
    with pytest.raises(InvalidInput, match="too deeply"):
        workshop.draft([mean_edit("append", "", source=source)])
    draft = by_hand(workshop.draft([mean_edit()]), source.encode())

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    assert first_fail(evidence)[0] == "parse"
    assert "too deeply" in first_fail(evidence)[1]


@pytest.mark.parametrize("data", [b"x = (\n", b'x = """', b"\tx\n y\n", b"\\", b"x = 1 \\\n"])
async def test_bytes_that_are_no_python_are_refused(
    workshop: LibcstWorkshop, mean_edit: MakeEdit, replay: Any, data: bytes
) -> None:
    """Handed in without an edit; the parse gate says no and nothing crashes."""
    draft = by_hand(workshop.draft([mean_edit()]), data)

    evidence = await workshop.judge(draft, cases=[], replay=replay)

    assert first_fail(evidence)[0] == "parse"
