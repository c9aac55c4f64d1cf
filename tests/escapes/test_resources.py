"""Section C of the corpus, and daemons: how much one run may take. Numbers are the corpus's."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from autoclave.domain.sealed import Ended, Limits, SealedResult, SealedRun, Tier
from autoclave.sandbox.sealed import SealedSandbox

pytestmark = pytest.mark.slow
Abuse = Callable[..., Awaitable[SealedResult]]
MIB = 1 << 20


@pytest.fixture
def abuse(sandbox: SealedSandbox, tier: Tier) -> Abuse:
    """Run Python source sealed, in each tier and started in each way."""

    async def run(source: str, **limits: float) -> SealedResult:
        known = {"wall_seconds": 20.0, **limits}
        with sandbox.scratch() as folder:
            argv = ("python", "-I", "-S", "-B", "-c", source)
            return await sandbox.run(
                SealedRun(argv=argv, folder=folder, limits=Limits(**known), tier=tier)  # type: ignore[arg-type]
            )

    return run


async def test_a_fork_bomb(abuse: Abuse) -> None:
    """Item 48: it stops at the limit, and all of it ends."""
    source = """
import os, time
made = 0
for _ in range(150):
    try: pid = os.fork()
    except OSError: break
    if pid == 0: time.sleep(60)
    made += 1
print(made)
"""
    result = await abuse(source, processes=20)

    assert (result.stdout, result.stray_processes) == (b"19\n", 19)


async def test_too_much_memory(abuse: Abuse) -> None:
    """Item 49: one process stops at its address space."""
    result = await abuse("bytearray(600 << 20)", memory_bytes=500 * MIB)

    assert b"MemoryError" in result.stderr


async def test_memory_spread_over_processes(abuse: Abuse) -> None:
    """Item 50: the supervisor looks at the whole tree."""
    source = """
import os, time
for _ in range(4):
    if os.fork() == 0: break
block = bytearray(40 << 20)
for i in range(0, len(block), 4096): block[i] = 1
time.sleep(60)
"""
    result = await abuse(source, total_memory_bytes=100 * MIB)

    assert result.ended is Ended.MEMORY


async def test_memory_hidden_in_files(abuse: Abuse, tier: Tier) -> None:
    """Item 51: no anonymous files; a workspace in memory counts as memory."""
    source = """
import os, time
try: os.memfd_create('x'); print('OUT')
except OSError: pass
for i in range(6): open(f'f{i}', 'wb').write(bytes(10 << 20))
time.sleep(60 if %d else 0)
"""
    is_full = tier is Tier.FULL
    result = await abuse(source % is_full, total_memory_bytes=50 * MIB)

    assert b"OUT" not in result.stdout
    assert result.ended is (Ended.MEMORY if is_full else Ended.EXITED)


async def test_a_huge_file(abuse: Abuse) -> None:
    """Item 52, first half."""
    result = await abuse("open('big', 'wb').write(bytes(3 << 20))", file_bytes=2 * MIB)

    assert b"File too large" in result.stderr


async def test_many_files_of_allowed_size(abuse: Abuse, tier: Tier) -> None:
    """Item 52, second half. FULL: no room. RESTRICTED: known; the supervisor ends the run."""
    source = """
import time
for i in range(12): open(f'f{i}', 'wb').write(bytes(1 << 20))
time.sleep(60)
"""
    result = await abuse(source, disk_bytes=5 * MIB)

    assert result.ended is Ended.DISK
    assert (b"No space left" in result.stderr) is (tier is Tier.FULL)


async def test_ten_thousand_files(abuse: Abuse, tier: Tier) -> None:
    """Item 53. FULL: no room. RESTRICTED: known; the supervisor ends the run."""
    source = """
import time
for i in range(10_000): open(f'f{i}', 'w').close()
time.sleep(60)
"""
    result = await abuse(source, inodes=500)

    assert result.ended is Ended.DISK
    assert (b"No space left" in result.stderr) is (tier is Tier.FULL)


async def test_all_descriptors(abuse: Abuse) -> None:
    """Item 54."""
    source = "import os\ntry:\n while True: os.dup(0)\nexcept OSError as e: print(e.strerror)"

    result = await abuse(source, open_files=32)

    assert result.stdout == b"Too many open files\n"


@pytest.mark.parametrize(
    ("source", "limits", "ended"),
    [
        ("while True: pass", {"cpu_seconds": 1}, Ended.CPU_TIME),
        ("import time; time.sleep(60)", {"wall_seconds": 0.4}, Ended.WALL_CLOCK),
        (
            "import signal, time\nfor s in set(signal.Signals) - {9, 19}: signal.signal(s, 1)\n"
            "time.sleep(60)",
            {"wall_seconds": 0.4},
            Ended.WALL_CLOCK,
        ),
    ],
)
async def test_time(abuse: Abuse, source: str, limits: dict[str, float], ended: Ended) -> None:
    """Item 55: spinning, sleeping, and not hearing any signal."""
    result = await abuse(source, **limits)

    assert result.ended is ended


async def test_a_flood(abuse: Abuse) -> None:
    """Item 56: one endless line without an end."""
    result = await abuse("import os\nwhile True: os.write(1, bytes(65536))", output_bytes=10_000)

    assert result.ended is Ended.OUTPUT
    assert len(result.stdout) == 10_000


async def test_daemons(abuse: Abuse, tmp_path: Path) -> None:
    """Item 41. FULL: they die with the first process. RESTRICTED: known; they are reaped."""
    mark = f"daemon-{tmp_path}"
    source = f"""
import os, sys, time
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    os.set_inheritable(writing, True)
    code = f'import os, time; os.write({{writing}}, b"x"); time.sleep(60)'
    os.execv(sys.executable, ['python', '-I', '-S', '-c', code, {mark!r}])
os.read(reading, 1)
"""
    result = await abuse(source)

    assert (result.ended, result.stray_processes) == (Ended.EXITED, 1)
    assert not [pid for pid in _pids() if mark.encode() in _arguments(pid)]


def _pids() -> list[str]:
    return [entry.name for entry in os.scandir("/proc") if entry.name.isdigit()]


def _arguments(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
