"""What a sealed run gets, what it gives back, and who it is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from autoclave.domain.errors import InvalidInput
from autoclave.domain.sealed import Ended, Limits, SealedResult, SealedRun, Tier
from autoclave.sandbox.files import SafeFiles
from autoclave.sandbox.refusal import unavailable
from autoclave.sandbox.sealed import SealedSandbox

RunPython = Callable[..., Awaitable[SealedResult]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
Marked = Callable[[str], list[int]]


async def test_output_result_and_exit_code_come_back(run_python: RunPython, tier: Tier) -> None:
    """Standard output, standard error, descriptor 3 and the exit code are told apart."""
    source = "import os,sys;os.write(3,b'r');print('o');print('e',file=sys.stderr);sys.exit(5)"

    result = await run_python(source)

    assert (result.stdout, result.stderr, result.result) == (b"o\n", b"e\n", b"r")
    assert (result.ended, result.exit_code, result.ok) == (Ended.EXITED, 5, False)
    assert result.tier is tier


@pytest.mark.parametrize("data", [b"", b"hello", bytes(300_000)])
async def test_standard_input_is_given_whole(run_python: RunPython, data: bytes) -> None:
    """The bytes given are the bytes read; none means an empty file."""
    result = await run_python("import sys;print(len(sys.stdin.buffer.read()))", stdin=data)

    assert result.stdout == f"{len(data)}\n".encode()


async def test_standard_input_cannot_be_grown(run_python: RunPython) -> None:
    """Nothing can be hidden in the file that standard input comes from."""
    result = await run_python("import os;os.write(0,b'x')", stdin=b"hello")

    assert result.exit_code == 1


async def test_nothing_of_our_environment_is_inherited(
    run_python: RunPython, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The environment is the minimal one, whatever ours holds."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("LD_PRELOAD_X", "x")

    result = await run_python("import os,json;print(json.dumps(dict(os.environ)))")
    inside = json.loads(result.stdout)

    assert "secret" not in inside.values()
    assert inside["HOME"] == str(folder)
    assert inside["TMPDIR"].startswith(str(folder))
    assert set(inside) <= {
        *(
            "PATH",
            "HOME",
            "TMPDIR",
            "XDG_CACHE_HOME",
            "USER",
            "LOGNAME",
            "LANG",
            "TERM",
            "LC_CTYPE",
        ),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONHASHSEED", "PYTHONNOUSERSITE"),
        *("PYTHONUTF8", "GIT_CONFIG_NOSYSTEM"),
    }


async def test_no_descriptor_leaks(run_python: RunPython, tmp_path: Path) -> None:
    """Only 0 to 3 are open inside, even when we leave inheritable ones open."""
    leak = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leak, True)
    source = """
import os
found = []
for fd in range(300):
    try: os.fstat(fd)
    except OSError: continue
    found.append(fd)
print(found)
"""
    try:
        result = await run_python(source)
    finally:
        os.close(leak)

    assert result.stdout == b"[0, 1, 2, 3]\n"


async def test_the_sealed_process_is_nobody(run_python: RunPython) -> None:
    """Its uid is not root's, it has no groups of ours and no capabilities."""
    source = "import os;print(os.getuid(),os.geteuid(),os.getgid(),os.getgroups())"

    result = await run_python(source)
    uid, euid, gid, groups = result.stdout.decode().split(" ", 3)

    assert uid == euid != "0"
    if os.geteuid() == 0:
        assert uid == gid
        assert groups == "[]\n"


async def test_signals_and_limits_start_fresh(run_python: RunPython) -> None:
    """A new session, and no signal that Python ignores for itself stays ignored."""
    source = """
import os, signal, resource
print(os.getsid(0) == os.getpid(), resource.getrlimit(resource.RLIMIT_CORE))
"""
    result = await run_python(source)

    assert result.stdout == b"True (0, 0)\n"


@pytest.mark.parametrize("argv", [("true",), ("/bin/true",), ("python", "-c", "import pytest")])
async def test_programs_are_found(
    sandbox: SealedSandbox, folder: Path, argv: tuple[str, ...]
) -> None:
    """By name on the sandbox's own path or by absolute path; `python` is ours."""
    result = await sandbox.run(SealedRun(argv=argv, folder=folder))

    assert result.ok, result.stderr


async def test_a_missing_program_answers_like_a_shell(sandbox: SealedSandbox, folder: Path) -> None:
    """127 and a sentence, not an exception."""
    result = await sandbox.run(SealedRun(argv=("no-such-thing",), folder=folder))

    assert (result.ended, result.exit_code) == (Ended.EXITED, 127)
    assert b"cannot run" in result.stderr


async def test_extra_environment_and_trees_are_given(
    sandbox: SealedSandbox, folder: Path, tmp_path: Path
) -> None:
    """A run gets what it names, readable and not writable."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "data").write_text("hello")
    tree.chmod(0o777)
    source = "import os;p=os.environ['X']+'/data';print(open(p).read());open(p,'a')"
    run = SealedRun(
        argv=("python", "-c", source), folder=folder, readable=(tree,), environment={"X": str(tree)}
    )

    result = await sandbox.run(run)

    assert result.stdout == b"hello\n"
    assert b"Permission denied" in result.stderr or b"Read-only" in result.stderr


async def test_a_tree_in_the_folder_may_be_named(
    sandbox: SealedSandbox, folder: Path, tier: Tier
) -> None:
    """It can be read and written as the rest of the folder."""
    (folder / "in").write_text("x")
    argv = ("python", "-I", "-S", "-c", "print(open('in').read()); open('out', 'w')")

    result = await sandbox.run(
        SealedRun(argv=argv, folder=folder, readable=(folder / "in",), tier=tier)
    )

    assert (result.stdout, result.ok) == (b"x\n", True), result.stderr
    assert (folder / "out").exists()


@pytest.mark.parametrize("path", ["/", "/proc", "/proc/1", "/etc", "/no/such/place"])
async def test_the_whole_machine_is_never_readable(
    sandbox: SealedSandbox, folder: Path, path: str
) -> None:
    """Trees that would open everything are refused, and so are missing ones."""
    with pytest.raises(InvalidInput):
        await sandbox.run(SealedRun(argv=("true",), folder=folder, readable=(Path(path),)))


async def test_only_scratch_folders_are_written(sandbox: SealedSandbox, tmp_path: Path) -> None:
    """A person's own folder is refused: a run may change what it is given and its owner."""
    with pytest.raises(InvalidInput, match="scratch"):
        await sandbox.run(SealedRun(argv=("true",), folder=tmp_path))


async def test_a_planted_temporary_folder_is_refused(sandbox: SealedSandbox, folder: Path) -> None:
    """A link where the folder for temporary files belongs is not followed."""
    (folder / ".autoclave-tmp").symlink_to("/etc")

    with pytest.raises(InvalidInput, match="folder of its own"):
        await sandbox.run(SealedRun(argv=("true",), folder=folder))


async def test_files_are_read_back_and_a_second_run_goes_on(
    run_python: RunPython, folder: Path, files: SafeFiles
) -> None:
    """A folder given with files can be changed, compared, and used again."""
    files.write_tree(folder, {"in/a": b"1", "in/b": b"2"})

    await run_python("open('in/a','a').write('x');import os;os.unlink('in/b')")
    await run_python("open('in/a','a').write('y');open('new','w').write('z')")
    changes = files.difference({"in/a": b"1", "in/b": b"2"}, folder)

    assert {c.path: c.after for c in changes.files} == {"in/a": b"1xy", "in/b": None, "new": b"z"}


async def test_a_planted_link_is_not_read_back(
    run_python: RunPython, folder: Path, files: SafeFiles
) -> None:
    """A link that a run leaves to a file of ours is refused as a result."""
    await run_python("import os;os.symlink('/etc/shadow','result')")

    with pytest.raises(InvalidInput, match="result is a symbolic link"):
        files.difference({}, folder)
    assert files.read_tree(folder) == {}


async def test_scratch_is_removed_whatever_is_in_it(sandbox: SealedSandbox) -> None:
    """Deep, closed and oddly named folders go away with it."""
    source = """
import os
os.mkdir('closed', 0); os.mkdir('a\\nb'); open(b'\\xff', 'w'); os.symlink('/', 'root')
for _ in range(1100):
    os.mkdir('d'); os.chdir('d')
"""
    with sandbox.scratch() as folder:
        run = SealedRun(argv=("python", "-c", source), folder=folder)
        result = await sandbox.run(run)

    assert result.ended in (Ended.EXITED, Ended.DISK), result.stderr
    assert not folder.parent.exists()


def test_scratch_of_the_dead_is_swept(tmp_path: Path) -> None:
    """Folders whose process was killed are removed; those in use are not."""
    sandbox = SealedSandbox(base=tmp_path / "base", require_self_test=False)
    with sandbox.scratch() as living:
        dead = living.parents[1] / "autoclave-run-dead"
        dead.mkdir()
        with sandbox.scratch():
            assert living.exists()
            assert not dead.exists()


async def test_the_self_test_passes_here(tmp_path: Path) -> None:
    """Every probe does what it must, and a second asking is answered from memory."""
    sandbox = SealedSandbox(base=tmp_path)

    test = await sandbox.self_test()

    assert [probe for probe in test.probes if not probe.passed] == []
    assert test.tier is sandbox.tiers()[0]
    assert test.facts["sealed_uid"] != "0"
    assert await sandbox.self_test() is test


_SPREAD = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid(); break
time.sleep(60)
"""


async def test_cancelling_kills_the_tree(
    sandbox: SealedSandbox, folder: Path, tier: Tier, eventually: Eventually, marked: Marked
) -> None:
    """After a cancelled run nothing of it is alive."""
    mark = f"mark-{os.getpid()}-{tier}"
    argv = ("python", "-I", "-S", "-c", _SPREAD, mark)
    task = asyncio.create_task(sandbox.run(SealedRun(argv=argv, folder=folder, tier=tier)))
    await eventually(lambda: len(marked(mark)) == 4)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert marked(mark) == []


_CALLER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from autoclave.domain.sealed import SealedRun, Tier
from autoclave.sandbox.sealed import SealedSandbox
async def main():
    sandbox = SealedSandbox(base=Path(sys.argv[2]), require_self_test=False)
    with sandbox.scratch() as folder:
        argv = ("python", "-I", "-S", "-c", sys.argv[4], "sealed-" + sys.argv[5])
        await sandbox.run(SealedRun(argv=argv, folder=folder, tier=Tier(sys.argv[3])))
asyncio.run(main())
"""


@pytest.mark.chaos
async def test_a_killed_caller_leaves_no_survivors(
    tmp_path: Path, tier: Tier, eventually: Eventually, marked: Marked
) -> None:
    """kill -9 of the process that asked for the run ends the run."""
    import autoclave

    source = str(Path(autoclave.__file__).parents[1])
    mark = f"{os.getpid()}-{tier}"
    caller = subprocess.Popen(  # noqa: ASYNC220 - a caller of its own is the point
        [sys.executable, "-c", _CALLER, source, str(tmp_path), tier, _SPREAD, mark]
    )
    await eventually(lambda: len(marked(f"sealed-{mark}")) == 4)

    caller.kill()
    caller.wait()

    await eventually(lambda: not marked(f"sealed-{mark}"))


async def test_runs_at_once_do_not_see_each_other(sandbox: SealedSandbox) -> None:
    """Each has its own folder and cannot read the others'."""
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(sandbox.scratch()) for _ in range(3)]
        others = [str(folder) for folder in folders]
        source = f"""
import os
seen = 0
for folder in {others!r}:
    try: os.listdir(folder)
    except OSError: continue
    seen += 1
print(seen)
"""
        runs = [SealedRun(argv=("python", "-I", "-S", "-c", source), folder=f) for f in folders]
        results = await asyncio.gather(*map(sandbox.run, runs))

    assert [result.stdout for result in results] == [b"1\n"] * 3


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"step": "landlock version", "errno": 38, "why": "no"}, "5.13"),
        ({"step": "seccomp filter", "errno": 1, "why": "no"}, "seccomp"),
        ({"step": "look at the system", "why": "this is darwin"}, "Linux"),
    ],
)
def test_a_refusal_names_the_step_and_the_way_out(report: dict[str, object], words: str) -> None:
    """What was probed, which step failed with which errno, and what to do."""
    refusal = unavailable(report, "RESTRICTED")

    assert str(report["step"]) in refusal.message
    assert "nothing was executed" in refusal.message
    assert words in refusal.hint


async def test_limits_have_to_be_above_zero(sandbox: SealedSandbox, folder: Path) -> None:
    """A limit of zero is a mistake, not a wish for none."""
    with pytest.raises(InvalidInput):
        await sandbox.run(SealedRun(argv=("true",), folder=folder, limits=Limits(processes=0)))
