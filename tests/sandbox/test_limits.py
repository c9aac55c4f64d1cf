"""Every limit holds against code that means to pass it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import pytest

from autoclave.domain.sealed import Ended, SealedResult, Tier

pytestmark = pytest.mark.slow

RunPython = Callable[..., Awaitable[SealedResult]]
MIB = 1 << 20


async def test_wall_clock(run_python: RunPython) -> None:
    """Sleeping on, deaf to signals, ends at the wall clock."""
    source = "import signal,time;signal.signal(signal.SIGTERM,signal.SIG_IGN);time.sleep(60)"

    result = await run_python(source, wall_seconds=0.3)

    assert result.ended is Ended.WALL_CLOCK
    assert result.exit_code == 137


async def test_cpu_time(run_python: RunPython) -> None:
    """A busy loop ends at its processor time."""
    result = await run_python("while True: pass", cpu_seconds=1)

    assert result.ended is Ended.CPU_TIME
    assert result.cpu_seconds < 3


@pytest.mark.slow
async def test_cpu_time_of_the_whole_tree(run_python: RunPython) -> None:
    """Spreading work over processes does not multiply the time."""
    source = """
import os
while True:
    if os.fork() == 0:
        for _ in range(1000000): pass
        os._exit(0)
    os.wait()
"""
    result = await run_python(source, cpu_seconds=1)

    assert result.ended is Ended.CPU_TIME


async def test_memory_of_one_process(run_python: RunPython) -> None:
    """Address space is capped; the program sees a MemoryError."""
    result = await run_python("bytearray(600<<20)", memory_bytes=500 * MIB)

    assert b"MemoryError" in result.stderr


async def test_memory_of_the_tree(run_python: RunPython) -> None:
    """Many processes of allowed size are too much together."""
    source = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        break
block = bytearray(40 << 20)
for i in range(0, len(block), 4096): block[i] = 1
time.sleep(60)
"""
    result = await run_python(source, total_memory_bytes=100 * MIB)

    assert result.ended is Ended.MEMORY


async def test_shared_memory_counts_once(run_python: RunPython) -> None:
    """Forked processes that only share pages stay under the limit."""
    source = """
import os, time
block = bytearray(40 << 20)
pids = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        time.sleep(0.5)
        os._exit(0)
    pids.append(pid)
for pid in pids: os.waitpid(pid, 0)
"""
    result = await run_python(source, total_memory_bytes=120 * MIB)

    assert result.ended is Ended.EXITED


FORK_BOMB = """
import os, time
count = 0
for _ in range(150):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        time.sleep(60)
    count += 1
print(count)
"""


async def test_processes(run_python: RunPython) -> None:
    """A fork bomb stops at the limit, and what it left is killed and counted."""
    result = await run_python(FORK_BOMB, processes=20)

    assert int(result.stdout) == 19
    assert result.stray_processes == 19


async def test_daemons_are_reaped(
    run_python: RunPython, tier: Tier, marked: Callable[[str], list[int]]
) -> None:
    """Double-forked processes in sessions of their own do not outlive the run."""
    mark = f"daemon-{os.getpid()}-{tier}"
    source = f"""
import os, sys, time
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.set_inheritable(writing, True)
    code = f'import os, time; os.write({{writing}}, b"x"); time.sleep(60)'
    os.execv(sys.executable, ['python', '-I', '-S', '-c', code, {mark!r}])
os.read(reading, 1)
os.wait()
"""
    result = await run_python(source)

    assert result.ended is Ended.EXITED
    assert result.stray_processes == 1
    assert marked(mark) == []


@pytest.mark.slow
async def test_self_respawning_daemons_are_reaped(run_python: RunPython) -> None:
    """Processes that replace themselves all the time lose to stop-then-kill."""
    source = """
import os
for _ in range(10):
    if os.fork() == 0:
        while True:
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                pass
            os.setsid()
"""
    result = await run_python(source, wall_seconds=2.0)

    assert result.ended in (Ended.EXITED, Ended.WALL_CLOCK, Ended.CPU_TIME)


async def test_one_file(run_python: RunPython) -> None:
    """A file larger than allowed cannot be written."""
    source = "open('big','wb').write(bytes(3<<20))"

    result = await run_python(source, file_bytes=2 * MIB)

    assert b"File too large" in result.stderr


async def test_disk(run_python: RunPython) -> None:
    """Many files of allowed size are too much together."""
    source = """
import time
for i in range(8): open(f'f{i}', 'wb').write(bytes(1 << 20))
time.sleep(60)
"""
    result = await run_python(source, disk_bytes=5 * MIB)

    assert result.ended is Ended.DISK


async def test_disk_of_a_quick_run(run_python: RunPython) -> None:
    """A run that is over before anybody looked is judged all the same."""
    result = await run_python("open('f','wb').write(bytes(3<<20))", disk_bytes=2 * MIB)

    assert result.ended is Ended.DISK


async def test_disk_without_names(run_python: RunPython, tier: Tier) -> None:
    """Deleted files that are still open are counted; in FULL the kernel gives no more."""
    source = """
import os, time
kept = []
for i in range(8):
    f = open('f', 'wb'); kept.append(f); os.unlink('f')
    f.write(bytes(1 << 20)); f.flush()
time.sleep(60)
"""
    result = await run_python(source, disk_bytes=5 * MIB)

    if tier is Tier.RESTRICTED:
        assert result.ended is Ended.DISK
    else:
        assert b"No space left" in result.stderr


async def test_inodes(run_python: RunPython) -> None:
    """Empty files are counted too."""
    source = """
import time
for i in range(600): open(f'f{i}', 'w').close()
time.sleep(60)
"""
    result = await run_python(source, inodes=500)

    assert result.ended is Ended.DISK


async def test_files_hidden_in_depth(run_python: RunPython, tier: Tier) -> None:
    """Folders too deep for a path count as too much; in FULL they hide nothing, and it may end."""
    source = f"""
import os, time
for _ in range(30):
    os.mkdir('deeper' * 40); os.chdir('deeper' * 40)
time.sleep({0 if tier is Tier.FULL else 60})
"""
    result = await run_python(source)

    assert result.ended is Ended.DISK


async def test_open_files(run_python: RunPython) -> None:
    """Descriptors run out at the limit."""
    source = """
import os
try:
    while True: os.dup(0)
except OSError as error:
    print(error.strerror)
"""
    result = await run_python(source, open_files=32)

    assert result.stdout == b"Too many open files\n"


async def test_output_past_the_cap_is_counted(run_python: RunPython) -> None:
    """One endless line is cut; what was lost is known; the run goes on."""
    source = "import sys;sys.stdout.write('x'*5000);sys.stderr.write('y'*50)"

    result = await run_python(source, output_bytes=1000)

    assert (result.ended, len(result.stdout), result.stdout_lost) == (Ended.EXITED, 1000, 4000)
    assert (len(result.stderr), result.stderr_lost) == (50, 0)


async def test_a_flood_of_output_ends_the_run(run_python: RunPython) -> None:
    """Far past the cap is no longer talk."""
    source = "import os\nwhile True: os.write(1, bytes(65536))"

    result = await run_python(source, output_bytes=10_000)

    assert result.ended is Ended.OUTPUT
    assert len(result.stdout) == 10_000


async def test_a_result_past_its_cap_is_no_result(run_python: RunPython) -> None:
    """Half a result would be read as a whole one."""
    result = await run_python("import os;os.write(3,bytes(2000))", result_bytes=1000)

    assert result.ended is Ended.OUTPUT
    assert not result.ok


async def test_an_own_signal_is_told(run_python: RunPython) -> None:
    """Ending by a signal is an end of its own kind."""
    result = await run_python("import os,signal;os.kill(os.getpid(),signal.SIGSEGV)")

    assert (result.ended, result.exit_code) == (Ended.SIGNALLED, 139)
