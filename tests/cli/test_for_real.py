"""The command line over a real home, as a person and as a script would use it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoclave.domain.canonical import JsonObject

pytestmark = pytest.mark.slow

AUTOCLAVE = [sys.executable, "-m", "autoclave"]
GOAL = "make the failing tests pass"
BROKEN = """\
def clamp(x, low, high):
    if x < low:
        return low
    if x > high:
        return low
    return x
"""
TESTS = """\
from calc import clamp


def test_low():
    assert clamp(1, 2, 5) == 2


def test_high():
    assert clamp(9, 2, 5) == 5
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    _call("init", str(folder))
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "calc.py").write_text(BROKEN)
    (folder / "test_calc.py").write_text(TESTS)
    return folder


def _call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AUTOCLAVE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=100,
    )


def _read(*arguments: str) -> tuple[int, JsonObject]:
    ended = _call(*arguments, "--json")
    document: JsonObject = json.loads(ended.stdout)
    assert document["schema_version"] == 1
    return ended.returncode, document


def test_without_a_terminal_the_question_waits_and_is_answered_later(
    home: Path, workspace: Path
) -> None:
    """Run, wait, show, answer, serve: the change is written only after the yes."""
    at = ("--home", str(home))
    code, report = _read(*at, "run", GOAL, "--workspace", str(workspace))
    assert (code, report["status"]) == (11, "awaiting human")
    assert (workspace / "calc.py").read_text() == BROKEN

    code, shown = _read(*at, "goal", "answer", report["id"], "yes")
    assert code == 9
    proof = shown["question"]["digest"][:12]
    assert _read(*at, "goal", "answer", report["id"], "yes", "--hash", proof)[0] == 0

    serving = subprocess.Popen(
        [*AUTOCLAVE, *at, "serve", "--no-http"], stderr=subprocess.PIPE, text=True
    )
    assert serving.stderr is not None
    assert any("ended" in line for line in serving.stderr)
    serving.send_signal(signal.SIGTERM)
    serving.communicate(timeout=30)

    assert serving.returncode == 0
    assert _read(*at, "goal", "show", report["id"])[1]["status"] == "done"
    assert "return high" in (workspace / "calc.py").read_text()
    assert _read(*at, "audit", "verify")[1]["ok"]


def test_leave_given_beforehand_needs_no_question(home: Path, workspace: Path) -> None:
    """One call from the failing test to the fix."""
    code, report = _read(
        *("--home", str(home), "run", GOAL, "-w", str(workspace), "--yes-up-to", "R1")
    )

    assert (code, report["status"], report["files"]) == (0, "done", ["calc.py"])
    assert "+        return high" in report["diff"]


def test_at_a_terminal_the_diff_is_shown_and_asked_for(home: Path, workspace: Path) -> None:
    """Enter is no answer; yes is."""
    own, other = pty.openpty()
    process = subprocess.Popen(
        [*AUTOCLAVE, "--home", str(home), "run", GOAL, "-w", str(workspace)],
        stdin=other,
        stdout=other,
        stderr=other,
    )
    os.close(other)

    seen = _until(own, "yes / no / details: ")
    assert "return high" in seen
    os.write(own, b"\n")
    _until(own, "Please write yes, no or details.")
    assert (workspace / "calc.py").read_text() == BROKEN
    os.write(own, b"yes\n")
    _until_end(own)
    os.close(own)

    assert process.wait(timeout=60) == 0
    assert "return high" in (workspace / "calc.py").read_text()


def test_two_agents_on_one_home_are_one_too_many(home: Path, workspace: Path) -> None:
    """The second one says who holds it, and to try later; looking still works."""
    first = subprocess.Popen(
        [*AUTOCLAVE, "--home", str(home), "serve", "--no-http"], stderr=subprocess.PIPE, text=True
    )
    assert first.stderr is not None
    assert "serving" in first.stderr.readline()
    try:
        _wait_until_running(home, first.pid)

        code, refused = _read("--home", str(home), "run", GOAL, "-w", str(workspace))
        assert (code, refused["error"]["code"]) == (75, "busy")
        assert str(first.pid) in refused["error"]["message"]
        assert _read("--home", str(home), "goal", "list")[0] == 0
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=30)


def _wait_until_running(home: Path, pid: int) -> None:
    while (_read("--home", str(home), "status")[1]["running"] or {}).get("pid") != pid:
        pass


def _until(descriptor: int, text: str) -> str:
    seen = ""
    while text not in seen:
        ready, _, _ = select.select([descriptor], [], [], 60)
        assert ready, f"{text!r} never came; there was {seen!r}"
        seen += os.read(descriptor, 4096).decode()
    return seen


def _until_end(descriptor: int) -> None:
    """Read until nobody holds the other side; Linux says so with an error."""
    with contextlib.suppress(OSError):
        while os.read(descriptor, 4096):
            pass


def test_the_agent_is_paused_and_resumed_from_another_process(home: Path, workspace: Path) -> None:
    """Nothing begins while it is paused; `run` says whom to ask; then everything goes on."""
    at = ("--home", str(home))
    serving = subprocess.Popen(
        [*AUTOCLAVE, *at, "serve", "--no-http"], stderr=subprocess.PIPE, text=True
    )
    assert serving.stderr is not None
    try:
        _wait_until_running(home, serving.pid)
        assert _read(*at, "pause", "--reason", "lunch")[1]["paused"]
        assert any("lunch" in line for line in serving.stderr)
        goal = _read(*at, "goal", "add", GOAL, "-w", str(workspace), "--yes-up-to", "R1")[1]["id"]
        status = _read(*at, "status")[1]
        assert (status["pause"]["reason"], status["goals"]) == ("lunch", {"queued": 1})

        assert not _read(*at, "resume")[1]["paused"]
        assert any("ended" in line for line in serving.stderr)
        assert _read(*at, "goal", "show", goal)[1]["status"] == "done"
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=30)


def test_a_paused_agent_runs_nothing(home: Path, workspace: Path) -> None:
    """It waits for a person, and the goal is not even added."""
    at = ("--home", str(home))
    _read(*at, "pause", "--reason", "lunch")

    code, refused = _read(*at, "run", GOAL, "-w", str(workspace))

    assert (code, refused["error"]["code"]) == (11, "needs_person")
    assert "autoclave resume" in refused["error"]["hint"]
    assert _read(*at, "status")[1]["goals"] == {}
