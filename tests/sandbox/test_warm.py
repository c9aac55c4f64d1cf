"""A warm run is a cold run that starts sooner."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autoclave.domain.errors import SandboxUnavailable
from autoclave.domain.sealed import Ended, Limits, SealedRun, Tier
from autoclave.sandbox import helper
from autoclave.sandbox.sealed import SealedSandbox

pytestmark = pytest.mark.slow

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
OPTIONS = ("-I", "-S", "-B")


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[SealedSandbox]:
    sandbox = SealedSandbox(base=tmp_path, require_self_test=False, warm=True)
    yield sandbox
    sandbox.close()


_PROGRAMS = {
    "what there is": """
import os, sys
print(sorted(globals()), __name__, __builtins__.__name__, sys.argv, sys.flags, sys.path)
print(sorted(os.environ.items()), os.getcwd() == os.environ['HOME'], sys.orig_argv[1:4])
print([m for m in sys.modules if 'autoclave' in m], sys.executable, sys.prefix)
for s in (sys.stdin, sys.stdout, sys.stderr):
    print(s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.newlines, s.isatty())
""",
    "descriptors": """
import os
for fd in range(64):
    try: os.fstat(fd)
    except OSError: continue
    print(fd)
""",
    "input and output": """
import os, sys
print(sys.stdin.read()); os.write(3, b'r'); sys.stderr.write('e')
""",
    "an error": "def f(): 1/0\nprint('before')\nf()",
    "an error with a cause": "try: 1/0\nexcept Exception as e: raise ValueError('x') from e",
    "a syntax error": "print('x'\n",
    "an exit code": "import sys; sys.exit(7)",
    "an exit text": "raise SystemExit('why')",
    "an end that cleans up": """
import atexit
atexit.register(print, 'bye')
f = open('x', 'w'); f.write('y')
""",
    "a thread that goes on": """
import threading, time
threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()
""",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "signals": """
import signal
print([(int(s), str(signal.getsignal(s)).partition(' at ')[0]) for s in (2, 13, 15, 25)])
""",
    "a child": "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'print(1)']))",
    "a pickled class": """
import pickle
class A: pass
print(type(pickle.loads(pickle.dumps(A()))).__module__)
""",
}


@pytest.mark.parametrize("name", _PROGRAMS)
async def test_a_program_does_the_same(
    sandbox: SealedSandbox, warm: SealedSandbox, tier: Tier, name: str
) -> None:
    """Same output, result, exit code and files as with an interpreter of its own."""
    answers = []
    for place in (sandbox, warm):
        with place.scratch() as folder:
            argv = ("python", *OPTIONS, "-c", _PROGRAMS[name], "an argument")
            run = SealedRun(argv=argv, folder=folder, stdin=b"given", tier=tier)
            result = await place.run(run)
            told = [text.replace(bytes(folder), b"@") for text in (result.stdout, result.stderr)]
            files = sorted(path.name for path in folder.iterdir())
            answers.append((result.ended, result.exit_code, told, result.result, files))

    assert answers[1] == answers[0]


@pytest.mark.parametrize("there", [True, False])
async def test_a_file_does_the_same(
    sandbox: SealedSandbox, warm: SealedSandbox, there: bool
) -> None:
    """A script with imports of installed packages, or one that is not there."""
    answers = []
    for place in (sandbox, warm):
        with place.scratch() as folder:
            file = folder / "program.py"
            if there:
                file.write_text("import sys, pytest\nprint(__file__, sys.argv, __spec__)\n1/0\n")
            run = SealedRun(argv=("python", "-I", "-B", str(file), "x"), folder=folder)
            result = await place.run(run)
            told = [text.replace(bytes(folder), b"@") for text in (result.stdout, result.stderr)]
            answers.append((result.exit_code, told))

    assert answers[1] == answers[0]


async def test_runs_leave_nothing_for_one_another(warm: SealedSandbox) -> None:
    """What one run changes in its interpreter, the next one does not find."""
    spoil = "import builtins, json, sys; builtins.spoilt = json.spoilt = sys.spoilt = b'secret'"
    look = """
import builtins, gc, json, sys
print(any(hasattr(m, 'spoilt') for m in (builtins, json, sys)))
print(sum('sec' + 'ret' in repr(o) for o in gc.get_objects() if isinstance(o, (dict, list, tuple))))
"""
    for source in (spoil, look):
        with warm.scratch() as folder:
            argv = ("python", *OPTIONS, "-c", source)
            run = SealedRun(argv=argv, folder=folder, stdin=b"secret" * (source == spoil))
            result = await warm.run(run)

    assert result.stdout == b"False\n0\n", result.stderr


async def test_the_limits_hold(warm: SealedSandbox, tier: Tier) -> None:
    """Wall clock and processes, and no survivors."""
    source = "import os, time\nwhile os.fork() == 0: pass\ntime.sleep(60)"
    with warm.scratch() as folder:
        limits = Limits(wall_seconds=0.5, processes=5)
        argv = ("python", *OPTIONS, "-c", source)
        result = await warm.run(SealedRun(argv=argv, folder=folder, limits=limits, tier=tier))

    assert result.ended is Ended.WALL_CLOCK
    assert 0 < result.stray_processes <= 5


async def test_cancelling_ends_the_run(
    warm: SealedSandbox, tier: Tier, eventually: Eventually
) -> None:
    """And the helper goes on serving."""
    with warm.scratch() as folder:
        waiting = ("python", *OPTIONS, "-c", "import time; time.sleep(60)")
        run = SealedRun(argv=waiting, folder=folder, tier=tier)
        task = asyncio.create_task(warm.run(run))
        await eventually(lambda: len(_below(_helper(warm))) >= 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: len(_below(_helper(warm))) == 1)

        after = await warm.run(replace(run, argv=("python", *OPTIONS, "-c", "pass")))

    assert after.ok


async def test_a_ready_one_that_dies_is_replaced(
    warm: SealedSandbox, eventually: Eventually
) -> None:
    """The next run finds another one."""
    with warm.scratch() as folder:
        run = SealedRun(argv=("python", *OPTIONS, "-c", "pass"), folder=folder)
        await warm.run(run)
        await eventually(lambda: len(_below(_helper(warm))) == 1)
        ready = _below(_helper(warm))
        os.kill(int(ready[0]), signal.SIGKILL)
        await eventually(lambda: _below(_helper(warm)) not in ([], ready))

        after = await warm.run(run)

    assert after.ok


async def test_an_order_that_cannot_be_begun_leaves_the_helper_serving(warm: SealedSandbox) -> None:
    """What fails before the command is forked makes room for the next run too."""
    with warm.scratch() as folder:
        run = SealedRun(argv=("python", *OPTIONS, "-c", "pass"), folder=folder)
        order = warm._order(run) | {"tier": "RESTRICTED", "folder": "/nowhere"}
        for _ in range(3):
            with pytest.raises(SandboxUnavailable):
                await warm._launch(order, run)

        after = await warm.run(run)

    assert after.ok


async def test_many_at_once_are_all_served(warm: SealedSandbox) -> None:
    """More than there are ready ones."""
    with contextlib.ExitStack() as folders:
        argv = ("python", *OPTIONS, "-c", "print('here')")
        runs = [
            SealedRun(argv=argv, folder=folders.enter_context(warm.scratch()), tier=Tier.RESTRICTED)
            for _ in range(12)
        ]
        results = await asyncio.gather(*map(warm.run, runs))

    assert {result.stdout for result in results} == {b"here\n"}


@pytest.mark.chaos
async def test_a_killed_helper_is_replaced(warm: SealedSandbox, eventually: Eventually) -> None:
    """A run that was under way is lost and says so; the next one is served all the same."""
    with warm.scratch() as folder:
        waiting = ("python", *OPTIONS, "-c", "import time; time.sleep(60)")
        run = SealedRun(argv=waiting, folder=folder, tier=Tier.RESTRICTED)
        task = asyncio.create_task(warm.run(run))
        await eventually(lambda: len(_below(_helper(warm))) >= 3)
        os.kill(_helper(warm), signal.SIGKILL)
        with pytest.raises(SandboxUnavailable):
            await task

        after = await warm.run(replace(run, argv=("python", *OPTIONS, "-c", "pass")))

    assert after.ok


async def test_closing_ends_the_helpers(tmp_path: Path) -> None:
    """Nothing of ours is left running."""
    sandbox = SealedSandbox(base=tmp_path, require_self_test=False, warm=True)
    with sandbox.scratch() as folder:
        await sandbox.run(SealedRun(argv=("python", *OPTIONS, "-c", "pass"), folder=folder))
    pid = _helper(sandbox)

    sandbox.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("argv", "environment"),
    [
        (("true",), {}),
        (("python", "-c", "pass"), {}),
        (("python", "-I", "-B", "-m", "pytest"), {}),
        (("python", "-I", "-B", "relative.py"), {}),
        (("python", "-I", "-B", "/a/folder"), {}),
        (("python", "-I", "-B"), {}),
        (("python", "-I", "-B", "-c"), {}),
        (("python", "-I", "-B", "-c", "pass"), {"PYTHONMALLOC": "debug"}),
        (("python", "-I", "-B", "-c", "pass"), {"LD_PRELOAD": "x"}),
    ],
)
def test_what_would_differ_starts_cold(
    tmp_path: Path, argv: tuple[str, ...], environment: dict[str, str]
) -> None:
    """Other programs, other options, and an environment that matters to a Python that starts."""
    run = SealedRun(argv=argv, folder=tmp_path, environment=environment)

    assert helper.options_of(run) is None


def _helper(sandbox: SealedSandbox) -> int:
    """The one helper's process id; 0 before there is one."""
    return next((only._process.pid for only in sandbox._helpers.values()), 0)


def _below(pid: int) -> list[str]:
    """Also the supervisor that is kept ready for the next run."""
    place = Path(f"/proc/{pid}/task/{pid}/children")
    children = place.read_text().split() if place.exists() else []
    return children + [below for child in children for below in _below(int(child))]
