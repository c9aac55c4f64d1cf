"""How fast the command line starts, and what an idle `serve` costs. One JSON line per figure.

    python -m evals.start

Starts are interleaved with `python -c pass`, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROUNDS = 21
SETTLE_SECONDS = 5.0
WATCH_SECONDS = 20.0
AUTOCLAVE = str(Path(sys.executable).with_name("autoclave"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = str(Path(folder) / "home")
        subprocess.run([AUTOCLAVE, "init", home], check=True, capture_output=True)
        measure_starts(home)
        measure_idle(home)


def measure_starts(home: str) -> None:
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import click'": [sys.executable, "-c", "import click"],
        "autoclave --help": [AUTOCLAVE, "--help"],
        "autoclave status": [AUTOCLAVE, "--home", home, "status"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            taken[name].append(_milliseconds(command))
    for name, times in taken.items():
        say(
            name,
            unit="ms",
            median=statistics.median(times),
            best=min(times),
            worst=max(times),
            rounds=ROUNDS,
            aim=120 if name.startswith("autoclave") else None,
        )


def measure_idle(home: str) -> None:
    """Memory and processor time of the whole process tree, after it has settled."""
    process = subprocess.Popen(
        [AUTOCLAVE, "--home", home, "serve"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert "serving" in process.stderr.readline()
        time.sleep(SETTLE_SECONDS)
        assert process.poll() is None, f"serve ended: {process.stderr.read()}"
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        before, began = _total(tree, _processor), time.monotonic()
        time.sleep(WATCH_SECONDS)
        busy = (_total(tree, _processor) - before) / (time.monotonic() - began)
        resident = _total(tree, lambda one: one.memory_info().rss)
        say("idle serve, resident memory", unit="MB", value=resident / 1e6, aim=80)
        say("idle serve, processor time", unit="%", value=100 * busy, aim=1)
        say("idle serve, processes", unit="", value=len(tree))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def say(figure: str, **facts: object) -> None:
    rounded = {name: round(v, 2) if isinstance(v, float) else v for name, v in facts.items()}
    print(json.dumps({"figure": figure, **rounded}), flush=True)


def _milliseconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return 1000 * (time.perf_counter() - began)


def _total(tree: list[psutil.Process], of: Callable[[psutil.Process], float]) -> float:
    return sum(of(one) for one in tree if one.is_running())


def _processor(one: psutil.Process) -> float:
    times = one.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
