"""Fixtures for tests that run real commands sealed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from autoclave.domain.sealed import Limits, SealedResult, SealedRun, Tier
from autoclave.sandbox.files import SafeFiles
from autoclave.sandbox.sealed import SealedSandbox

RunPython = Callable[..., Awaitable[SealedResult]]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> SealedSandbox:
    """One sandbox for all tests; it tests itself in tests of its own."""
    base = tmp_path_factory.mktemp("scratch")
    return SealedSandbox(base=base, require_self_test=False)


@pytest.fixture(params=[Tier.FULL, pytest.param(Tier.RESTRICTED, marks=pytest.mark.slow)])
def tier(request: pytest.FixtureRequest, sandbox: SealedSandbox) -> Tier:
    """Every tier in turn; one that this machine does not have is skipped by name."""
    wanted = Tier(request.param)
    if wanted not in sandbox.tiers():
        pytest.skip(f"no tier {wanted} here")
    return wanted


@pytest.fixture
def folder(sandbox: SealedSandbox) -> Iterator[Path]:
    with sandbox.scratch() as path:
        yield path


@pytest.fixture
def run_python(sandbox: SealedSandbox, folder: Path, tier: Tier) -> RunPython:
    """Run Python source sealed in `folder` and in every tier; without site packages, for speed."""

    async def run(source: str, *, stdin: bytes = b"", **limits: float) -> SealedResult:
        known = {"wall_seconds": 20.0, **limits}
        return await sandbox.run(
            SealedRun(
                argv=("python", "-I", "-S", "-c", source),
                folder=folder,
                stdin=stdin,
                limits=Limits(**known),  # type: ignore[arg-type]
                tier=tier,
            )
        )

    return run


@pytest.fixture
def files() -> SafeFiles:
    return SafeFiles()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait for what other processes do; only the test's own time-out gives up."""

    async def wait(is_so: Callable[[], bool]) -> None:
        while not is_so():  # noqa: ASYNC110 - another process cannot set our event
            await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def marked() -> Callable[[str], list[int]]:
    """The processes that have this word among their arguments."""

    def look(word: str) -> list[int]:
        return [pid for pid in map(int, _pids()) if word.encode() in _arguments(pid)]

    return look


def _pids() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def _arguments(pid: int) -> list[bytes]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []
