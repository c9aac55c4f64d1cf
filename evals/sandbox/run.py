"""How soon a sealed run begins and ends, in every tier, cold and warm. One JSON line per figure.

    python evals/sandbox/run.py

All ways, FULL by way of bubblewrap among them, are interleaved with bare Python and with plain
bubblewrap, so that a busy machine slows all alike. On one, `best` says more than `median`.
`begins` is the time up to the program's first instruction, `whole` up to its result; for the
launcher and the helper both are seen from the caller, through `SealedSandbox`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from autoclave.domain.sealed import SealedRun, Tier
from autoclave.sandbox.places import standard_links, standard_trees
from autoclave.sandbox.routes import Route
from autoclave.sandbox.sealed import SealedSandbox

ROUNDS = 60
OPTIONS = ("-I", "-S", "-B")
PROGRAM = "import os, time; os.write({}, repr(time.perf_counter()).encode())"
AIMS_MS = {
    ("RESTRICTED", "warm"): 3,
    ("FULL", "warm"): 10,
    ("RESTRICTED", "cold"): 40,
    ("FULL", "cold"): 40,
}
Start = Callable[[], Awaitable[float]]
"""Runs the program and answers when its first instruction ran, on the clock that all share."""


async def main() -> None:
    with tempfile.TemporaryDirectory() as base:
        cold = SealedSandbox(base=Path(base))
        warm = SealedSandbox(base=Path(base), warm=True)
        through = SealedSandbox(base=Path(base), routes=(Route.BUBBLEWRAP,))
        for sandbox in (cold, through):
            await self_test(sandbox)
        with cold.scratch() as folder:
            ways = starts(cold, warm, folder)
            if Tier.FULL in through.tiers():
                ways[f"{Tier.FULL} cold, by way of bubblewrap"] = lambda: inside(
                    through, folder, Tier.FULL
                )
            taken = await measure(ways)
        warm.close()
    for name, pairs in taken.items():
        tell(name, pairs)


def starts(cold: SealedSandbox, warm: SealedSandbox, folder: Path) -> dict[str, Start]:
    ways: dict[str, Start] = {"bare python -I -S": lambda: outside(bare())}
    bwrap = shutil.which("bwrap")
    if bwrap:
        ways["bubblewrap, everything unshared, our trees"] = lambda: outside(wrapped(bwrap))
    for tier in cold.tiers():
        ways[f"{tier} cold"] = lambda tier=tier: inside(cold, folder, tier)  # type: ignore[misc]
        ways[f"{tier} warm"] = lambda tier=tier: inside(warm, folder, tier)  # type: ignore[misc]
    return ways


async def measure(ways: dict[str, Start]) -> dict[str, list[tuple[float, float]]]:
    """For every way, the seconds to the first instruction and to the end, round by round."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for way in ways.values():
        await way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            first = await way()
            taken[name].append((first - began, time.perf_counter() - began))
    return taken


async def inside(sandbox: SealedSandbox, folder: Path, tier: Tier) -> float:
    argv = ("python", *OPTIONS, "-c", PROGRAM.format(3))
    result = await sandbox.run(SealedRun(argv=argv, folder=folder, tier=tier))
    assert result.ok, result.stderr
    return float(result.result)


async def outside(command: list[str]) -> float:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env={})
    out, _ = await process.communicate()
    assert process.returncode == 0
    return float(out)


def bare() -> list[str]:
    return [sys.executable, *OPTIONS, "-c", PROGRAM.format(1)]


def wrapped(bwrap: str) -> list[str]:
    binds = [word for tree in standard_trees() for word in ("--ro-bind", str(tree), str(tree))]
    links = [
        word
        for link, target in sorted(standard_links().items())
        if not any(Path(link).is_relative_to(tree) for tree in standard_trees())
        for word in ("--symlink", target, link)
    ]
    rest = ["--unshare-all", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108
    return [bwrap, *binds, *links, *rest, *bare()]


async def self_test(sandbox: SealedSandbox) -> None:
    test = await sandbox.self_test()
    way = {key: test.facts[key] for key in ("route",) if key in test.facts}
    say("self-test", unit="ms", tier=str(test.tier), ok=test.ok, ms=1000 * test.seconds, **way)


def tell(name: str, pairs: list[tuple[float, float]]) -> None:
    tier, _, way = name.partition(",")[0].partition(" ")
    for figure, values in zip(("begins", "whole"), zip(*pairs, strict=True), strict=True):
        times = sorted(1000 * value for value in values)
        say(
            f"{name}: {figure}",
            unit="ms",
            median=statistics.median(times),
            best=times[0],
            p90=times[int(0.9 * len(times))],
            rounds=ROUNDS,
            aim=AIMS_MS.get((tier, way)) if figure == "begins" else None,
        )


def say(figure: str, **facts: object) -> None:
    rounded = {name: round(v, 2) if isinstance(v, float) else v for name, v in facts.items()}
    known = {name: value for name, value in rounded.items() if value is not None}
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"figure": figure, **known, "load": load}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
