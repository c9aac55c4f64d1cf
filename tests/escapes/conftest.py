"""What stands outside the sandbox and would answer: files, a process, services, a descriptor."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.sealed import Tier
from autoclave.sandbox.launch.numbers import machine
from autoclave.sandbox.routes import Route
from autoclave.sandbox.sealed import SealedSandbox


@pytest.fixture(scope="package")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SealedSandbox]]:
    """One that starts every run anew, one with warm helpers, one that goes through bubblewrap."""
    base = tmp_path_factory.mktemp("scratch")
    cold = SealedSandbox(base=base, require_self_test=False)
    warm = SealedSandbox(base=base, require_self_test=False, warm=True)
    through = SealedSandbox(base=base, require_self_test=False, routes=(Route.BUBBLEWRAP,))
    yield {"cold": cold, "warm": warm, "bubblewrap": through}
    warm.close()


WAYS = [
    *((tier, started) for tier in Tier for started in ("cold", "warm")),
    # A way into FULL alone.
    (Tier.FULL, "bubblewrap"),
]


@pytest.fixture(params=WAYS, ids=lambda way: "-".join(way))
def way(request: pytest.FixtureRequest, sandboxes: dict[str, SealedSandbox]) -> tuple[Tier, str]:
    """Every tier and way to start a run in it; what this machine does not have is skipped."""
    tier, started = request.param
    if tier not in sandboxes[started].tiers():
        pytest.skip(f"no tier {tier} by way of {started} here")
    return tier, started


@pytest.fixture
def tier(way: tuple[Tier, str]) -> Tier:
    return way[0]


@pytest.fixture
def started(way: tuple[Tier, str]) -> str:
    return way[1]


@pytest.fixture
def sandbox(sandboxes: dict[str, SealedSandbox], started: str) -> SealedSandbox:
    return sandboxes[started]


@pytest.fixture(scope="package")
def outside() -> Iterator[Path]:
    """A folder of somebody's files that the modes leave open to everyone."""
    with tempfile.TemporaryDirectory(prefix="autoclave-outside-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "secret").write_text("secret")
        (folder / "secret").chmod(0o666)
        (folder / "folder").mkdir(mode=0o777)
        yield folder


@pytest.fixture(scope="package")
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the same user with a secret in its environment."""
    process = subprocess.Popen(["sleep", "600"], env={"SECRET": "secret"})
    yield process
    process.kill()
    process.wait()


@pytest.fixture(scope="package")
def targets(outside: Path, victim: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """Everything that `inside.py` is told."""
    known = machine(os.uname().machine)
    assert known
    abstract = f"autoclave-escape-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", 0))
        for address, kind in (
            (f"{outside}/stream", socket.SOCK_STREAM),
            (f"{outside}/datagram", socket.SOCK_DGRAM),
            (f"\0{abstract}", socket.SOCK_STREAM),
        ):
            listening = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            listening.bind(address)
            if kind is socket.SOCK_STREAM:
                listening.listen()
            if not address.startswith("\0"):
                Path(address).chmod(0o777)
        yield {
            "outside": str(outside),
            "home": str(Path.home()),
            "victim": victim.pid,
            "caller": os.getpid(),
            "tcp": server.getsockname()[1],
            "udp": datagrams.getsockname()[1],
            "abstract": abstract,
            "packages": sysconfig.get_path("purelib"),
            "cgroup": next(map(str, Path("/sys/fs/cgroup").rglob("*.procs")), "/sys/fs/cgroup"),
            "numbers": known[1],
        }


@pytest.fixture
def leak() -> Iterator[Callable[[Path], None]]:
    """Leaves an inheritable descriptor open for as long as a test runs."""
    left: list[int] = []

    def open_one(path: Path) -> None:
        handle = os.open(path, os.O_RDWR)
        os.set_inheritable(handle, True)
        left.append(handle)

    yield open_one
    for handle in left:
        os.close(handle)
