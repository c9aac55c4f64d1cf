"""Fixtures for tests that run real commands sealed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from autoclave.domain.sealed import Limits, SealedResult, SealedRun
from autoclave.sandbox.files import SafeFiles
from autoclave.sandbox.sealed import SealedSandbox

RunPython = Callable[..., Awaitable[SealedResult]]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> SealedSandbox:
    """One sandbox for all tests; it tests itself in tests of its own."""
    base = tmp_path_factory.mktemp("scratch")
    return SealedSandbox(base=base, require_self_test=False)


@pytest.fixture
def folder(sandbox: SealedSandbox) -> Iterator[Path]:
    with sandbox.scratch() as path:
        yield path


@pytest.fixture
def run_python(sandbox: SealedSandbox, folder: Path) -> RunPython:
    """Run Python source sealed in `folder`, without site packages to start fast."""

    async def run(source: str, *, stdin: bytes = b"", **limits: float) -> SealedResult:
        known = {"wall_seconds": 20.0, **limits}
        return await sandbox.run(
            SealedRun(
                argv=("python", "-I", "-S", "-c", source),
                folder=folder,
                stdin=stdin,
                limits=Limits(**known),  # type: ignore[arg-type]
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
def alive() -> Callable[[Path], list[str]]:
    """The processes whose ids are in a file, one on a line, and that still exist."""

    def look(mark: Path) -> list[str]:
        pids = mark.read_text().split() if mark.exists() else []
        return [pid for pid in pids if Path("/proc", pid).exists()]

    return look
