"""What signals do to a real process: the first one gracefully, the second one at once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

WORK = """
import asyncio, sys
from autoclave.cli.signals import Stopped, run_stoppable, run_until_stopped

async def work(stop=None):
    try:
        print("ready", flush=True)
        await (stop.wait() if stop else asyncio.Event().wait())
    finally:
        print("saved", flush=True)
        if "stuck" in sys.argv:
            await asyncio.Event().wait()

try:
    if "serve" in sys.argv:
        run_until_stopped(work, lambda text: print("note", flush=True))
    else:
        run_stoppable(work, lambda text: print("note", flush=True))
except Stopped as stopped:
    sys.exit(128 + stopped.number)
"""


def _start(*how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, *how], stdout=subprocess.PIPE, text=True
    )
    assert _line(process) == "ready"
    return process


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _rest(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    out, _ = process.communicate(timeout=30)
    return process.returncode, out.split()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_lets_the_work_save(number: signal.Signals, code: int) -> None:
    """Then the process ends with the code of the signal."""
    process = _start()

    process.send_signal(number)

    assert _rest(process) == (code, ["note", "saved"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_signal_ends_it_at_once(number: signal.Signals, code: int) -> None:
    """Even when saving hangs."""
    process = _start("stuck")
    process.send_signal(number)
    assert [_line(process), _line(process)] == ["note", "saved"]

    process.send_signal(number)

    assert _rest(process) == (code, [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_well_when_it_is_told_to(number: signal.Signals) -> None:
    """A service that stops when asked has done nothing wrong."""
    process = _start("serve")

    process.send_signal(number)

    assert _rest(process) == (0, ["note", "saved"])
