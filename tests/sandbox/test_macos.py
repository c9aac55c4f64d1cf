"""The supervisor for macOS on another system, behind a stand-in that seals nothing.

What is tested is what both systems have: limits, caps, ends, descriptors, reports. That Apple's
`sandbox-exec` holds what the profile says is for the self-test on a Mac to find out.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from autoclave.domain.errors import SandboxUnavailable
from autoclave.domain.sealed import Ended, Limits, SealedResult, SealedRun, Tier
from autoclave.sandbox import beneath, macos, seatbelt
from autoclave.sandbox.launch_macos.processes import seconds_of
from autoclave.sandbox.sealed import SealedSandbox

MIB = 1 << 20
Marked = Callable[[str], list[int]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
RunHere = Callable[..., Awaitable[SealedResult]]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of `sandbox-exec`: takes its two words and runs the rest, unsealed."""
    program = tmp_path / "stand-in"
    program.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(seatbelt, "PROGRAM", str(program))
    return program


@pytest.fixture
def mac(tmp_path: Path, stand_in: Path) -> SealedSandbox:
    base = tmp_path / "scratch"
    base.mkdir()
    return SealedSandbox(base=base, require_self_test=False, system="darwin")


@pytest.fixture
def place(mac: SealedSandbox) -> Iterator[Path]:
    with mac.scratch() as folder:
        yield folder


@pytest.fixture
def run_here(mac: SealedSandbox, place: Path) -> RunHere:
    async def run(source: str, *words: str, stdin: bytes = b"", **limits: float) -> SealedResult:
        known = {"wall_seconds": 20.0, **limits}
        argv = ("python", "-I", "-S", "-c", source, *words)
        held = Limits(**known)  # type: ignore[arg-type]
        return await mac.run(SealedRun(argv=argv, folder=place, stdin=stdin, limits=held))

    return run


async def test_a_run_reads_writes_and_gives_a_result(run_here: RunHere, place: Path) -> None:
    """The same report as on Linux, in the tier that macOS has."""
    source = """
import os, sys
open('made', 'w').write(sys.stdin.read())
os.write(3, b'result'); print('out'); print('err', file=sys.stderr); sys.exit(3)
"""
    result = await run_here(source, stdin=b"given" * 50_000)

    assert (result.ended, result.exit_code, result.ok) == (Ended.EXITED, 3, False)
    assert (result.stdout, result.stderr, result.result) == (b"out\n", b"err\n", b"result")
    assert (result.tier, result.stray_processes) == (Tier.RESTRICTED, 0)
    assert (place / "made").read_text() == "given" * 50_000


async def test_nothing_of_the_caller_comes_along(
    run_here: RunHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable, no descriptor but ours, a session of its own."""
    monkeypatch.setenv("SECRET", "secret")
    source = """
import os
found = []
for fd in range(256):
    try: os.fstat(fd); found.append(fd)
    except OSError: pass
print(found, 'SECRET' in os.environ, os.getsid(0) == os.getpid(), os.getcwd() == os.environ['HOME'])
"""
    result = await run_here(source)

    assert result.stdout == b"[0, 1, 2, 3] False True True\n", result.stderr


async def test_it_is_answered_over_its_line(mac: SealedSandbox, place: Path) -> None:
    """Descriptors 4 and 5, only where the run has an answer."""
    source = "import os; os.write(5, b'\\0\\0\\0\\x02hi'); print(os.read(4, 99)[4:])"

    async def answer(call: bytes) -> bytes:
        return call.upper()

    argv = ("python", "-I", "-S", "-c", source)
    result = await mac.run(SealedRun(argv=argv, folder=place, answer=answer))

    assert result.stdout == b"b'HI'\n", result.stderr


@pytest.mark.parametrize(
    ("source", "limits", "ended"),
    [
        (
            "import signal,time;signal.signal(15,signal.SIG_IGN);time.sleep(60)",
            {"wall_seconds": 0.5},
            Ended.WALL_CLOCK,
        ),
        ("while True: pass", {"cpu_seconds": 1}, Ended.CPU_TIME),
        (
            "import time;b=bytearray(b'x'*(90<<20));time.sleep(60)",
            {"total_memory_bytes": 60 * MIB},
            Ended.MEMORY,
        ),
        (
            "import time\nfor i in range(8): open(str(i),'wb').write(bytes(1<<20))\ntime.sleep(60)",
            {"disk_bytes": 5 * MIB},
            Ended.DISK,
        ),
        ("open('f','wb').write(bytes(3<<20))", {"disk_bytes": 2 * MIB}, Ended.DISK),
        (
            "import os\nwhile True: os.write(1, bytes(65536))",
            {"output_bytes": 10_000},
            Ended.OUTPUT,
        ),
        ("import os;os.write(3,bytes(2000))", {"result_bytes": 1000}, Ended.OUTPUT),
        ("import os;os.kill(os.getpid(),11)", {}, Ended.SIGNALLED),
    ],
    ids=["clock", "cpu", "memory", "disk", "quick disk", "flood", "result", "signal"],
)
@pytest.mark.slow
async def test_every_limit_ends_it(
    run_here: RunHere, source: str, limits: dict[str, float], ended: Ended
) -> None:
    """Whether the kernel holds it or the supervisor looks."""
    result = await run_here(source, **limits)

    assert result.ended is ended


async def test_limits_of_the_kernel_are_set_before_the_command(run_here: RunHere) -> None:
    """Those that macOS has too."""
    source = """
import json, resource as r
names = ('CORE', 'CPU', 'FSIZE', 'NOFILE')
print(json.dumps([r.getrlimit(getattr(r, f'RLIMIT_{name}'))[0] for name in names]))
"""
    result = await run_here(source, cpu_seconds=7, file_bytes=2 * MIB, open_files=40)

    assert json.loads(result.stdout) == [0, 7, 2 * MIB, 40]


@pytest.mark.slow
async def test_what_is_left_running_is_found_and_ended(
    run_here: RunHere, marked: Marked, place: Path
) -> None:
    """A child that waits, and one that left its parent and its session behind at once."""
    source = """
import os, sys
def start(mark):
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    code = f'import os, time; os.write({writing}, b"x"); os.closerange(0, 9); time.sleep(60)'
    return reading, [sys.executable, '-I', '-S', '-c', code, mark]
child, argv = start(sys.argv[1])
if os.fork() == 0:
    os.execv(argv[0], argv)
daemon, argv = start(sys.argv[1])
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execv(argv[0], argv)
os.read(child, 1); os.read(daemon, 1)
"""
    mark = f"left-by-{place}"

    result = await run_here(source, mark)

    assert (result.ended, result.stray_processes) == (Ended.EXITED, 2), result.stderr
    assert marked(mark) == []


@pytest.mark.slow
async def test_too_many_processes_are_cut_down(run_here: RunHere, marked: Marked) -> None:
    """Where the kernel's count does not hold them, as it does not hold root, the looks do."""
    source = """
import os, time
for _ in range(30):
    if os.fork() == 0:
        time.sleep(60)
time.sleep(0.6)
gone = 0
while os.waitpid(-1, os.WNOHANG)[0]: gone += 1
print(gone)
"""
    result = await run_here(source, processes=10)

    assert int(result.stdout) >= 20


@pytest.mark.slow
async def test_cancelling_ends_the_tree(
    mac: SealedSandbox, place: Path, marked: Marked, eventually: Eventually
) -> None:
    """Before the caller goes on."""
    word = f"cancelled-{place}"
    source = "import os,time;os.fork();time.sleep(60)"
    run = SealedRun(argv=("python", "-I", "-S", "-c", source, word), folder=place)
    task = asyncio.create_task(mac.run(run))
    await eventually(lambda: len(marked(word)) == 2)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert marked(word) == []


@pytest.mark.slow
async def test_killing_the_supervisor_leaves_nobody(
    mac: SealedSandbox, place: Path, marked: Marked, eventually: Eventually
) -> None:
    """macOS tells nobody that a parent died, so a process stands by."""
    word = f"orphaned-{place}"
    source = "import os,time;os.fork();time.sleep(60)"
    run = SealedRun(argv=("python", "-I", "-S", "-c", source, word), folder=place)
    task = asyncio.create_task(mac.run(run))
    await eventually(lambda: len(marked(word)) == 2)

    os.kill(_parent(min(marked(word))), signal.SIGKILL)
    with pytest.raises(SandboxUnavailable):
        await task

    await eventually(lambda: not marked(word))


@pytest.fixture
def refuse_profiles(stand_in: Path) -> None:
    stand_in.write_text("#!/bin/sh\necho 'sandbox-exec: no such operation' >&2\nexit 65\n")


@pytest.fixture
def remove_the_program(stand_in: Path) -> None:
    stand_in.unlink()


@pytest.mark.usefixtures("refuse_profiles")
async def test_a_profile_that_is_refused_runs_nothing(mac: SealedSandbox, place: Path) -> None:
    """The refusal says what `sandbox-exec` said, and that nobody tried this on a Mac."""
    with pytest.raises(SandboxUnavailable, match="no such operation") as refused:
        await mac.run(SealedRun(argv=("touch", "ran"), folder=place))

    assert macos.NOTE in refused.value.hint
    assert not (place / "ran").exists()


@pytest.mark.usefixtures("remove_the_program")
async def test_without_the_program_nothing_runs(mac: SealedSandbox, place: Path) -> None:
    """A Mac without it is refused like any other system without a seal."""
    assert mac.tiers() == ()
    with pytest.raises(SandboxUnavailable, match="start the seal"):
        await mac.run(SealedRun(argv=("true",), folder=place))


@pytest.mark.slow
async def test_nothing_is_trusted_before_its_own_test(tmp_path: Path, stand_in: Path) -> None:
    """The stand-in seals nothing, so the probes get out, and so nothing runs."""
    sandbox = SealedSandbox(base=tmp_path, system="darwin")

    test = await sandbox.self_test()
    with sandbox.scratch() as folder, pytest.raises(SandboxUnavailable, match="read_secret"):
        await sandbox.run(SealedRun(argv=("touch", "ran"), folder=folder))

    assert (test.tier, test.ok, test.facts["note"]) == (Tier.RESTRICTED, False, macos.NOTE)
    probes = {probe.name: probe for probe in test.probes}
    assert probes["run_away"].passed
    assert probes["outlive_the_run"].passed
    assert {"io_uring", "connect_abstract", "new_user_namespace"}.isdisjoint(probes)


async def test_there_is_no_full_tier(mac: SealedSandbox, place: Path) -> None:
    """Who insists on FULL is refused, with the reason."""
    with pytest.raises(SandboxUnavailable, match="no namespaces"):
        await mac.run(SealedRun(argv=("true",), folder=place, tier=Tier.FULL))


async def test_other_systems_are_refused(tmp_path: Path) -> None:
    """Neither Linux nor macOS: there is no seal."""
    sandbox = SealedSandbox(base=tmp_path, require_self_test=False, system="win32")

    with sandbox.scratch() as folder, pytest.raises(SandboxUnavailable, match="win32"):
        await sandbox.run(SealedRun(argv=("true",), folder=folder))


def test_the_order_holds_the_profile_of_this_run(mac: SealedSandbox, place: Path) -> None:
    """Its folder is the only one to be written, and the words are `sandbox-exec`'s."""
    order = mac._order(SealedRun(argv=("python",), folder=place))

    program, option, text = order["seal"]
    assert (program, option) == (seatbelt.PROGRAM, "-p")
    assert f'(allow file-write* (subpath "{place.resolve()}"))' in text
    assert f'(allow file-read* (subpath "{Path(sys.base_prefix).resolve()}' in text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:01.50", 1.5), ("12:34.00", 754.0), ("01:02:03", 3723.0), ("2-01:00:00", 176_400.0)],
)
def test_the_clock_of_ps_is_read(text: str, seconds: float) -> None:
    """As Apple's writes it, and as Linux's."""
    assert seconds_of(text) == seconds


def test_no_number_of_a_linux_call_is_tried_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """437 is another call on macOS; there the way goes step by step."""
    beneath._has_openat2.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")

    found = beneath._has_openat2()
    beneath._has_openat2.cache_clear()

    assert not found


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid"))
