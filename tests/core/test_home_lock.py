"""One agent per home."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoclave.core.home_lock import HomeLock, probe
from autoclave.domain.errors import Busy

_HOLDER = """
import sys, time
from pathlib import Path
from autoclave.core.home_lock import HomeLock
lock = HomeLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLDER, str(path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_the_second_process_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    """The refusal names who runs, since when, and what to do."""
    with _holder(tmp_path / "lock") as child:
        with pytest.raises(Busy) as refused:
            HomeLock(tmp_path / "lock").acquire()
        found = probe(tmp_path / "lock")
        child.communicate()

    assert str(child.pid) in refused.value.message
    assert "UTC" in refused.value.message
    assert str(child.pid) in refused.value.hint
    assert found == child.pid


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    """The kernel lets go, so nothing has to be cleaned up by hand."""
    with _holder(tmp_path / "lock") as child:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()

    assert probe(tmp_path / "lock") is None
    with HomeLock(tmp_path / "lock"):
        assert probe(tmp_path / "lock") == os.getpid()


def test_asking_does_not_take_the_lock(tmp_path: Path) -> None:
    """A status command leaves no trace."""
    assert probe(tmp_path / "lock") is None
    assert not (tmp_path / "lock").exists()

    with HomeLock(tmp_path / "lock"):
        pass

    assert probe(tmp_path / "lock") is None


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    """Also by another one in the same process."""
    first, second = HomeLock(tmp_path / "lock"), HomeLock(tmp_path / "lock")

    first.acquire()
    with pytest.raises(Busy):
        second.acquire()
    first.release()

    with second:
        assert probe(tmp_path / "lock") == os.getpid()
