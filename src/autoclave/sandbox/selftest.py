"""The self-test: targets outside, probes inside, and what came of it."""

from __future__ import annotations

import json
import os
import platform
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from ..domain.canonical import JsonObject
from ..domain.errors import SandboxUnavailable
from ..domain.sealed import Limits, Probe, SealedResult, SealedRun, SelfTest, Tier
from .launch.numbers import machine
from .launch_macos.processes import Ps
from .macos import NOTE
from .places import standard_trees

_PROGRAM = Path(__file__).resolve().with_name("probes.py")
_PROCESSES = 12
_LIMITS = Limits(
    wall_seconds=30.0, cpu_seconds=20, processes=_PROCESSES, disk_bytes=8 << 20, inodes=500
)


class Untested(Protocol):
    """A sandbox that has not passed its self-test yet."""

    system: str
    """The system that it seals on."""

    def scratch(self) -> AbstractContextManager[Path]: ...

    async def run_untested(self, run: SealedRun, tier: Tier) -> tuple[SealedResult, JsonObject]:
        """The result, and the launcher's facts."""


async def try_escapes(sandbox: Untested, tier: Tier) -> SelfTest:
    """Run the probes sealed against real targets. SandboxUnavailable when they cannot run."""
    began = time.monotonic()
    with sandbox.scratch() as folder, _targets(tier, sandbox.system) as targets:
        run = SealedRun(
            argv=("python", "-I", "-S", "-B", str(_PROGRAM)),
            folder=folder,
            stdin=json.dumps(targets).encode(),
            limits=_LIMITS,
        )
        result, report = await sandbox.run_untested(run, tier)
    if not result.ok:
        why = result.stderr.decode("utf-8", "backslashreplace").strip()[-300:]
        ending = f"{result.ended}, exit {result.exit_code}"
        raise SandboxUnavailable(
            f"the sandbox's own test of tier {tier} did not finish ({ending}): {why}",
            hint="the interpreter has to be readable inside the sandbox",
        )
    return SelfTest(
        tier=tier,
        probes=(*_probes(result.result), *_left_behind(result.result)),
        facts=_facts(report, sandbox.system),
        seconds=time.monotonic() - began,
    )


def _probes(data: bytes) -> tuple[Probe, ...]:
    return tuple(
        Probe(name=name, must_fail=must_fail, succeeded=succeeded, detail=detail)
        for name, must_fail, succeeded, detail in json.loads(data)
    )


def _left_behind(data: bytes) -> list[Probe]:
    """Whether a process that ran away from its parent outlived the run: asked of the machine."""
    started = [detail for name, *_, detail in json.loads(data) if name == "run_away"]
    if not started:
        return []
    alive = {str(row.pid) for row in Ps().rows() if not row.is_dead}
    return [
        Probe(name="outlive_the_run", must_fail=True, succeeded=pid in alive, detail=pid)
        for pid in started
    ]


def _facts(report: JsonObject, system: str) -> dict[str, str]:
    facts = {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "sealed_uid": str(report["uid"]),
    }
    if system == "darwin":
        not_held = ", ".join(report.get("not_held") or ())
        return facts | {"note": NOTE, "limits_only_watched": not_held or "none"}
    return facts | {"landlock_abi": str(report["abi"])}


@contextmanager
def _targets(tier: Tier, system: str) -> Iterator[JsonObject]:
    """A secret that only the sandbox keeps closed, and services that would answer."""
    with ExitStack() as stack:
        outside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autoclave-probe-")))
        # Open to every user, so that a refusal is the sandbox's and not the file mode's.
        outside.chmod(0o777)
        secret = outside / "secret"
        secret.write_text("do not read")
        secret.chmod(0o644)
        abstract = f"autoclave-probe-{os.getpid()}-{time.monotonic_ns()}"
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        _listen(stack, str(outside / "stream"), socket.SOCK_STREAM)
        _listen(stack, str(outside / "datagram"), socket.SOCK_DGRAM)
        if system == "linux":
            _listen(stack, "\0" + abstract, socket.SOCK_STREAM)
        known = machine(platform.machine())
        yield {
            "secret": str(secret),
            "home": str(_private_folder(outside)),
            "port": tcp.getsockname()[1],
            "socket": str(outside / "stream"),
            "datagram": str(outside / "datagram"),
            "abstract": abstract,
            "caller": os.getpid(),
            "processes": _PROCESSES,
            "disk_bytes": _LIMITS.disk_bytes,
            "inodes": _LIMITS.inodes,
            "is_full": tier is Tier.FULL,
            "system": system,
            "numbers": known[1] if known else {},
        }


def _private_folder(instead: Path) -> Path:
    """The user's home, unless there is none or it lies in a tree that everyone may read."""
    home = Path.home()
    public = any(home.is_relative_to(tree) for tree in standard_trees())
    return instead if public or not home.is_dir() else home


def _listen(stack: ExitStack, address: str, kind: socket.SocketKind) -> None:
    server = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
    server.bind(address)
    if kind is socket.SOCK_STREAM:
        server.listen(1)
    if not address.startswith("\0"):
        Path(address).chmod(0o777)
