"""What is asked of the sandbox and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Tier(StrEnum):
    """How tightly a run was sealed, strongest first."""

    FULL = "FULL"
    RESTRICTED = "RESTRICTED"


class Ended(StrEnum):
    """Why a sealed run came to its end."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    WALL_CLOCK = "wall_clock"
    CPU_TIME = "cpu_time"
    MEMORY = "memory"
    DISK = "disk"
    OUTPUT = "output"
    CALLS = "calls"
    """What it asked of the kernel was malformed, too large or too much."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard limits of one sealed run."""

    wall_seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 4 << 30
    """Address space of each process."""
    total_memory_bytes: int = 2 << 30
    """Resident memory of the whole tree, polled."""
    processes: int = 64
    open_files: int = 256
    file_bytes: int = 64 << 20
    disk_bytes: int = 256 << 20
    """Everything below the working folder, polled."""
    inodes: int = 20_000
    output_bytes: int = 4 << 20
    """Of standard output and of standard error, each."""
    result_bytes: int = 8 << 20
    """What is read from the result pipe (descriptor 3 inside)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRun:
    """One command to run sealed."""

    argv: tuple[str, ...]
    """An absolute program or a name on the sandbox's own PATH; `"python"` is our interpreter."""
    folder: Path
    """The only writable folder and the working directory, made through `scratch()`."""
    readable: tuple[Path, ...] = ()
    """Further trees that may be read and executed (capability code, a virtual environment)."""
    environment: dict[str, str] = field(default_factory=dict)
    """Added to the minimal environment that every run gets; nothing is inherited."""
    stdin: bytes = b""
    limits: Limits = Limits()
    tier: Tier | None = None
    """The tier wanted; None means the best that passes its self-test."""
    answer: Callable[[bytes], Awaitable[bytes]] | None = None
    """Answers what the run asks of the kernel, one call at a time: inside, each call is written to
    descriptor 5 and its answer read from descriptor 4, with its length in front (four bytes, the
    highest first). What this raises ends the run. Without it there are no such descriptors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedResult:
    """What one sealed run came to. Everything in it is untrusted text or bytes."""

    ended: Ended
    exit_code: int
    """As a shell would say it: 128 + n for signal n."""
    stdout: bytes
    stderr: bytes
    stdout_lost: int
    """Bytes past the cap that were counted and thrown away."""
    stderr_lost: int
    result: bytes
    """What was written to descriptor 3."""
    wall_seconds: float
    cpu_seconds: float
    max_rss_bytes: int
    stray_processes: int
    """Descendants that had to be killed at the end."""
    tier: Tier
    why: str = ""
    """More about `ended`, where there is more to say."""

    @property
    def ok(self) -> bool:
        return self.ended is Ended.EXITED and self.exit_code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One line of the sandbox's self-test."""

    name: str
    must_fail: bool
    """True for attempts to escape, False for ordinary work that has to keep working."""
    succeeded: bool
    detail: str = ""

    @property
    def passed(self) -> bool:
        return self.succeeded is not self.must_fail


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """The tier that was really obtained, proved by doing."""

    tier: Tier
    probes: tuple[Probe, ...]
    facts: dict[str, str]
    """Kernel, Landlock ABI, uid of the sealed process, what each refused tier failed at."""
    seconds: float

    @property
    def ok(self) -> bool:
        return all(probe.passed for probe in self.probes)
