"""Sections A, B, D and E of the corpus: what one process can try. Numbers are the corpus's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.sealed import SealedResult, SealedRun, Tier
from autoclave.sandbox.sealed import SealedSandbox

INSIDE = Path(__file__).with_name("inside.py")
OPTIONS = ("-I", "-S", "-B")
REFUSED = frozenset({"EPERM", "EACCES", "EXDEV", "EROFS", "ENOSYS"})
UNSEEN = frozenset({"ENOENT", "ESRCH", "ENXIO", "EINVAL"})
"""Answers that count in FULL, where not to see a thing that is there is the point."""

KNOWN = {(11, "stat"), (25, "existence")}
"""All that gets out of RESTRICTED in this file: that a path or a process id exists. Neither its
content nor a list can be had, so a name has to be known. The supervisor's answers to the other
three known ones are in `test_resources.py`."""

Answers = dict[int, dict[str, str]]
_kept: dict[tuple[Tier, str], Answers] = {}


@pytest.fixture
async def answers(
    sandbox: SealedSandbox, started: str, tier: Tier, targets: dict[str, Any]
) -> Answers:
    """What came of every attempt, tried once in each tier and started in each way."""
    key = (tier, started)
    if key not in _kept:
        _kept[key] = await _try_all(sandbox, tier, targets)
    return _kept[key]


async def _try_all(sandbox: SealedSandbox, tier: Tier, targets: dict[str, Any]) -> Answers:
    leaked = os.open(Path(targets["outside"], "secret"), os.O_RDWR)
    os.set_inheritable(leaked, True)
    os.environ["SECRET"] = os.environ["LD_AUDIT_X"] = "secret"
    try:
        with sandbox.scratch() as folder:
            (folder / "given").write_text("x")
            program = ("python", *OPTIONS, "-c", INSIDE.read_text())
            run = SealedRun(
                argv=program, folder=folder, stdin=json.dumps(targets).encode(), tier=tier
            )
            result = await sandbox.run(run)
    finally:
        os.close(leaked)
        del os.environ["SECRET"], os.environ["LD_AUDIT_X"]
    assert result.ok, result.stderr.decode()[-2000:]
    assert result.tier is tier
    return {int(item): named for item, named in json.loads(result.result).items()}


ITEMS = (
    *(*range(1, 14), 22, *range(23, 33), *range(34, 38), 39, 40, *range(42, 46)),
    *(61, 62, 63, 64, 78, 79, 80),
)


@pytest.mark.slow
@pytest.mark.parametrize("item", ITEMS)
def test_it_stays_inside(answers: Answers, tier: Tier, item: int) -> None:
    """FULL: nothing gets out. RESTRICTED: only what is known."""
    refused = REFUSED | UNSEEN if tier is Tier.FULL else REFUSED
    known = set() if tier is Tier.FULL else KNOWN

    out = {name for name, answer in answers[item].items() if answer not in refused}

    assert {(item, name) for name in out} <= known, answers[item]


@pytest.mark.slow
def test_nothing_outside_has_changed(
    answers: Answers, outside: Path, victim: subprocess.Popen[bytes]
) -> None:
    """Whatever the attempts were told, this is what came of them (items 4 to 9, 26, 29)."""
    status = (outside / "secret").stat()

    assert answers
    assert (outside / "secret").read_text() == "secret"
    assert (status.st_mode & 0o7777, status.st_uid, status.st_nlink) == (0o666, os.getuid(), 1)
    assert status.st_mtime > 0
    assert os.listxattr(outside / "secret") == []
    assert sorted(p.name for p in outside.iterdir()) == ["datagram", "folder", "secret", "stream"]
    assert victim.poll() is None
    assert os.getpriority(os.PRIO_PROCESS, victim.pid) == os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.slow
def test_every_attempt_was_made(answers: Answers) -> None:
    """The program and the list of items agree."""
    assert sorted(answers) == sorted(ITEMS)
    assert sum(map(len, answers.values())) > 100


async def _run(sandbox: SealedSandbox, tier: Tier, source: str) -> SealedResult:
    with sandbox.scratch() as folder:
        argv = ("python", *OPTIONS, "-c", source)
        return await sandbox.run(SealedRun(argv=argv, folder=folder, tier=tier))


@pytest.mark.slow
async def test_other_machines_calls_kill(sandbox: SealedSandbox, tier: Tier) -> None:
    """Item 38: the x32 range of system calls."""
    if os.uname().machine != "x86_64":
        pytest.skip("x32 is a thing of x86-64")
    source = "import ctypes;ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000+39))"

    result = await _run(sandbox, tier, source)

    assert result.exit_code == 128 + signal.SIGSYS


@pytest.mark.slow
async def test_own_programs_run_inside_only(sandbox: SealedSandbox, tier: Tier) -> None:
    """Item 33: a choice. What is written may be run in there, with all its limits."""
    source = """
import os, subprocess
handle = os.open('own', os.O_CREAT | os.O_WRONLY, 0o755)
os.write(handle, b'#!/bin/sh\\ncat /etc/passwd; echo ran\\n'); os.close(handle)
print(subprocess.run(['./own'], capture_output=True).stdout)
"""
    result = await _run(sandbox, tier, source)

    assert result.stdout == b"b'ran\\n'\n"


@pytest.mark.slow
async def test_killing_everything_kills_nobody_else(
    sandbox: SealedSandbox, tier: Tier, victim: subprocess.Popen[bytes]
) -> None:
    """Item 26 again: a signal to all reports success even when every single one was refused."""
    source = "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass"

    await _run(sandbox, tier, source)

    assert victim.poll() is None


NOT_HERE = {
    16: "members of archives: nothing of ours takes archives; paths are in test_results.py",
    17: "names that differ only in case: a thing of macOS and Windows",
    46: "an exploit of the shared kernel: not to be prevented by a process of the same kernel",
    47: "timing and caches: out of scope, as the decisions say",
    58: "deep and cyclic YAML: tests/governance/test_yaml_loader.py",
    60: "the budget of a day: tests/governance/test_budgets.py",
    73: "secrets in publishing: nothing of ours publishes",
    74: "pictures that fetch: no page of ours shows untrusted markup",
    75: "pages that instruct: tests/core/test_page_reading.py and the provenance tests",
    76: "poisoned research: the tests of research",
    77: "name squatting: nothing of ours installs packages",
    82: "conftest and pytest.ini: tests/traitors and tests/modification",
    83: "tests that end early or rewrite their failures: tests/traitors",
    84: "objects that equal everything, weakened tests: tests/traitors",
    85: "programs named in git's settings: tests/modification/test_lineage.py",
    87: "look-alike identifiers: tests/traitors",
    90: "time bombs: not to be seen from outside; for a person to judge",
}


@pytest.mark.parametrize("item", NOT_HERE)
def test_what_is_not_tried_here(item: int) -> None:
    """Named, so that nobody counts it as passed."""
    pytest.skip(NOT_HERE[item])
