"""The two ways into tier FULL, and that the second is no weaker than the first."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from autoclave.domain.errors import SandboxUnavailable
from autoclave.domain.sealed import Ended, Limits, Probe, SealedRun, SelfTest, Tier
from autoclave.sandbox import launching, routes
from autoclave.sandbox.routes import Route
from autoclave.sandbox.sealed import SealedSandbox

THROUGH = (Route.BUBBLEWRAP,)
Marked = Callable[[str], list[int]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
PYTHON = ("python", "-I", "-S", "-B", "-c")


@pytest.fixture
def through(tmp_path: Path) -> SealedSandbox:
    """A sandbox that may only go through bubblewrap."""
    sandbox = SealedSandbox(base=tmp_path, require_self_test=False, routes=THROUGH)
    if Tier.FULL not in sandbox.tiers():
        pytest.skip("no bubblewrap that can make namespaces here")
    return sandbox


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the sealed user can get to, also when we are root."""
    with tempfile.TemporaryDirectory(prefix="autoclave-bwrap-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def refuse_our_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system that grants namespaces to bubblewrap alone."""
    launch = launching.launch

    async def without(order: dict[str, object], *rest: object) -> object:
        if order["tier"] == "FULL" and "bubblewrap" not in order:
            raise SandboxUnavailable("the step 'write uid_map' failed (EPERM)")
        return await launch(order, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("autoclave.sandbox.sealed.launch", without)


async def test_it_passes_the_test_of_the_full_tier(through: SealedSandbox) -> None:
    """The same probes as with namespaces of our own, and the facts name the route."""
    own = SealedSandbox(base=through._base, routes=(Route.OWN,))

    tests = [await sandbox.self_test() for sandbox in (through, own)]

    assert [test.ok for test in tests] == [True, True]
    assert {test.tier for test in tests} == {Tier.FULL}
    assert [probe.name for probe in tests[0].probes] == [probe.name for probe in tests[1].probes]
    assert [test.facts["route"] for test in tests] == ["bubblewrap", "own namespaces"]


@pytest.mark.usefixtures("refuse_our_namespaces", "through")
async def test_it_is_taken_when_ours_are_refused(tmp_path: Path) -> None:
    """The tier stays FULL; the facts say why the usual way was given up."""
    sandbox = SealedSandbox(base=tmp_path)

    test = await sandbox.self_test()
    with sandbox.scratch() as folder:
        result = await sandbox.run(SealedRun(argv=("true",), folder=folder))

    assert (test.tier, test.ok, result.tier) == (Tier.FULL, True, Tier.FULL)
    assert test.facts["route"] == "bubblewrap"
    assert "write uid_map" in test.facts["own namespaces"]


@pytest.mark.slow
@pytest.mark.usefixtures("refuse_our_namespaces", "through")
async def test_a_leak_on_that_way_gives_up_the_tier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FULL by bubblewrap is only had with every probe held."""
    real = SealedSandbox._test

    async def leaky(sandbox: SealedSandbox, tier: Tier) -> SelfTest:
        if tier is Tier.RESTRICTED or sandbox._routes[0] is not Route.BUBBLEWRAP:
            return await real(sandbox, tier)
        probe = Probe(name="too_many_files", must_fail=True, succeeded=True)
        return SelfTest(tier=tier, probes=(probe,), facts={}, seconds=0.0)

    monkeypatch.setattr(SealedSandbox, "_test", leaky)
    sandbox = SealedSandbox(base=tmp_path)

    test = await sandbox.self_test()

    assert (test.tier, test.ok) == (Tier.RESTRICTED, True)
    assert "too_many_files" in test.facts["bubblewrap"]
    assert sandbox.tiers() == (Tier.RESTRICTED,)


async def test_without_any_way_there_is_no_full_tier(tmp_path: Path) -> None:
    """Who insists on FULL is refused."""
    sandbox = SealedSandbox(base=tmp_path, routes=())

    assert sandbox.tiers() == (Tier.RESTRICTED,)
    with sandbox.scratch() as folder, pytest.raises(SandboxUnavailable, match="no route"):
        await sandbox.run(SealedRun(argv=("true",), folder=folder, tier=Tier.FULL))


async def test_files_go_in_and_come_back(through: SealedSandbox) -> None:
    """Also what the command changed, removed and linked."""
    source = "import os; os.rename('given', 'taken'); os.symlink('taken', 'link'); print('done')"
    with through.scratch() as folder:
        (folder / "given").write_text("text")
        result = await through.run(SealedRun(argv=(*PYTHON, source), folder=folder))
        left = {path.name for path in folder.iterdir() if not path.name.startswith(".")}

        assert (result.stdout, left) == (b"done\n", {"taken", "link"})
        assert (folder / "taken").read_text() == "text"


@pytest.mark.slow
async def test_nothing_of_the_caller_comes_along(
    through: SealedSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable, no descriptor, and no /proc to look for the first process's in."""
    monkeypatch.setenv("SECRET", "secret")
    source = """
import os
found = []
for fd in range(4, 256):
    try: found.append(os.fstat(fd))
    except OSError: pass
print(found, 'SECRET' in os.environ, os.path.exists('/proc/1'), os.getppid())
"""
    with through.scratch() as folder:
        result = await through.run(SealedRun(argv=(*PYTHON, source), folder=folder))

    assert result.stdout == b"[] False False 1\n", result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        "open(name, 'w').close()",
        "os.mkdir(name)",
        "os.symlink('x', name)",
        "os.link('given', name)",
        "kept.append(os.open('.', os.O_TMPFILE | os.O_RDWR))",
    ],
)
async def test_no_kind_of_file_passes_the_limit(through: SealedSandbox, make: str) -> None:
    """Every call that makes one is counted; when some are gone there is room again."""
    source = f"""
import os
kept = []
try:
    for number in range(200):
        name = str(number); {make}
except OSError as error: print(error.strerror, number < 110)
for fd in kept: os.close(fd)
for name in os.listdir():
    if name.isdigit(): (os.rmdir if os.path.isdir(name) and not os.path.islink(name)
                        else os.unlink)(name)
open('0', 'w').close(); print('room')
"""
    with through.scratch() as folder:
        (folder / "given").write_text("x")
        limits = Limits(inodes=100)
        run = SealedRun(argv=(*PYTHON, source), folder=folder, limits=limits)
        result = await through.run(run)

    assert result.stdout == b"No space left on device True\nroom\n", result.stderr
    assert result.ended is Ended.EXITED


async def test_a_bubblewrap_that_refuses_is_quoted(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last words are in the refusal, and nothing was run."""
    program = reachable / "bwrap"
    program.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("autoclave.sandbox.sealed.bubblewrap", lambda: str(program))
    sandbox = SealedSandbox(base=reachable / "scratch", routes=THROUGH)

    with sandbox.scratch() as folder:
        run = SealedRun(argv=("touch", "was-run"), folder=folder, tier=Tier.FULL)
        with pytest.raises(SandboxUnavailable) as refused:
            await sandbox.run(run)

    assert "setting up uid map: Permission denied" in refused.value.message
    assert "nothing was executed" in refused.value.message


@pytest.mark.parametrize(
    ("mode", "is_taken"), [(0o755, True), (0o775, False), (0o757, False), (None, False)]
)
def test_only_a_program_of_root_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None, is_taken: bool
) -> None:
    """One that others may change is not there; what PATH says does not matter."""
    program = tmp_path / "bwrap"
    if mode:
        program.write_text("")
        program.chmod(mode)
    monkeypatch.setattr(routes, "_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(routes, "_ROOTS", (program.stat().st_uid,) if mode else (0,))
    routes.bubblewrap.cache_clear()

    found = routes.bubblewrap()
    routes.bubblewrap.cache_clear()

    assert bool(found) is is_taken


@pytest.mark.slow
async def test_killing_the_supervisor_leaves_nobody(
    through: SealedSandbox, marked: Marked, eventually: Eventually
) -> None:
    """bubblewrap dies with it, the first process with bubblewrap, the command with that."""
    source = "import subprocess; subprocess.run(['sleep', '60'])"
    with through.scratch() as folder:
        word = f"command-of-{folder}"
        run = SealedRun(argv=(*PYTHON, source, word), folder=folder)
        task = asyncio.create_task(through.run(run))
        await eventually(lambda: bool(marked(word)))
        # bubblewrap alone has the folder among its arguments, and the supervisor is its parent.
        os.kill(_parent(min(marked(str(folder)))), signal.SIGKILL)
        with pytest.raises(SandboxUnavailable):
            await task
        await eventually(lambda: not marked(word) and not marked(str(folder)))


@pytest.mark.slow
async def test_what_is_left_running_is_counted_and_ended(
    through: SealedSandbox, marked: Marked
) -> None:
    """Only what the command left, not bubblewrap or the first process."""
    source = "import subprocess; subprocess.Popen(['sleep', '60']); print('left')"
    with through.scratch() as folder:
        run = SealedRun(argv=(*PYTHON, source, str(folder)), folder=folder)
        result = await through.run(run)

        assert (result.stdout, result.stray_processes) == (b"left\n", 1)
        assert marked(str(folder)) == []


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid"))
