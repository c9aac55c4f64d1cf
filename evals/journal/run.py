"""What one recorded step costs, ours and others', interleaved; one JSON line per figure.

.venv/bin/python evals/journal/run.py [--steps 500] [--rounds 5] [--disk DIR] [--memory DIR]
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import PINS, peers_python

_HERE = Path(__file__).parent
_SIZES = (100, 2048)
_TRACED_STEPS = (100, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One program and one way to run it."""

    peer: str
    step: str
    program: tuple[str, ...]
    mode: str


def main() -> None:
    given = _arguments()
    cases = [*_our_cases(), *_peer_cases()]
    for medium, where in (("tmpfs", given.memory), ("disk", given.disk)):
        runs: dict[tuple[Case, int], list[dict[str, float]]] = defaultdict(list)
        for _ in range(given.rounds):
            for case in cases:
                for size in _SIZES:
                    runs[case, size].append(_run(case, where, given.steps, size))
        for (case, size), found in runs.items():
            _report(case, size, found, medium, given.steps)
    for case in cases:
        _report_syncs(case, given.disk)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"))  # noqa: S108
    return parser.parse_args()


def _our_cases() -> Iterator[Case]:
    ours = (sys.executable, str(_HERE / "ours.py"))
    yield Case(peer="autoclave", step="pure", program=ours, mode="pure")
    yield Case(peer="autoclave", step="verifiable", program=ours, mode="verifiable")
    yield Case(peer="autoclave", step="pure, through the writer", program=ours, mode="writer")
    raw = (sys.executable, str(_HERE / "raw_sqlite.py"))
    yield Case(peer="sqlite3", step="pure", program=raw, mode="pure")


def _peer_cases() -> Iterator[Case]:
    python, why = peers_python()
    for peer, pin in zip(("dbos", "langgraph"), PINS, strict=False):
        if python is None:
            _print(peer=peer, case="step", skipped=f"{pin} could not be installed: {why}")
            continue
        program = (str(python), str(_HERE / f"peer_{peer}.py"))
        yield Case(peer=pin, step="pure", program=program, mode="pure")


def _run(case: Case, where: Path, steps: int, size: int, *before: str) -> dict[str, Any]:
    folder = tempfile.mkdtemp(prefix="autoclave-eval-", dir=where)
    try:
        arguments = [folder, str(steps), str(size), case.mode]
        done = subprocess.run(
            [*before, *case.program, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{case.peer} failed:\n{done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _report(case: Case, size: int, found: list[dict[str, float]], medium: str, steps: int) -> None:
    def put(what: str, unit: str, values: list[float], digits: int) -> None:
        _print(
            peer=case.peer,
            case=f"{case.step}, {size} B, {medium}: {what}",
            value=round(statistics.median(values), digits),
            least=round(min(values), digits),
            unit=unit,
            rounds=len(values),
            steps=steps,
        )

    put("cpu", "ms/step", [run["cpu_s"] / steps * 1e3 for run in found], 4)
    put("wall", "ms/step", [run["wall_s"] / steps * 1e3 for run in found], 4)
    if medium == "tmpfs":
        put("bytes", "B/step", [run["bytes"] / steps for run in found], 0)
        for name, what in (("read_ms", "read"), ("replay_ms", "replay")):
            if all(name in run for run in found):
                put(what, "ms/event", [run[name] for run in found], 4)


def _report_syncs(case: Case, where: Path) -> None:
    if shutil.which("strace") is None:
        _print(peer=case.peer, case=f"{case.step}: syncs", skipped="strace is not installed")
        return
    few, many = (_count_syncs(case, where, steps) for steps in _TRACED_STEPS)
    per_step = (many - few) / (_TRACED_STEPS[1] - _TRACED_STEPS[0])
    _print(peer=case.peer, case=f"{case.step}: syncs", value=round(per_step, 3), unit="fsync/step")


def _count_syncs(case: Case, where: Path, steps: int) -> int:
    with tempfile.NamedTemporaryFile("r", prefix="autoclave-strace-") as trace:
        calls = "trace=fsync,fdatasync,sync_file_range,msync"
        _run(case, where, steps, 100, "strace", "-f", "-c", "-e", calls, "-o", trace.name)
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)", trace.read(), re.MULTILINE)
        # The last row that matches may be the total, which has the same form.
        counts = [int(row) for row in rows]
        return max(counts, default=0)


def _print(**facts: Any) -> None:
    print(json.dumps({"eval": "journal", **facts}), flush=True)


if __name__ == "__main__":
    main()
