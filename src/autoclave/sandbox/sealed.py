"""The sandbox that the rest of the program sees: one launcher process for every sealed run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput, SandboxUnavailable
from ..domain.sealed import Ended, Limits, SealedResult, SealedRun, SelfTest, Tier
from ..domain.text import show_line
from . import places
from .refusal import silent, unavailable
from .scratch import is_scratch, scratch_below

_LAUNCHER = Path(__file__).resolve().with_name("launcher.py")
_LONGEST_END_SECONDS = 30.0
_PATIENCE_SECONDS = 60.0
_NEWEST_ABI = 99


class SealedSandbox:
    """Port `Sandbox`, tier RESTRICTED. One instance serves any number of runs at once."""

    def __init__(
        self, *, base: Path, require_self_test: bool = True, most_abi: int = _NEWEST_ABI
    ) -> None:
        """`base` holds the scratch folders; `most_abi` lets tests stand on an older kernel."""
        self._base = base
        self._require_self_test = require_self_test
        self._most_abi = most_abi
        self._tested: SelfTest | None = None
        self._tiers: tuple[Tier, ...] | None = None

    def scratch(self) -> AbstractContextManager[Path]:
        return scratch_below(self._base)

    async def run(self, run: SealedRun) -> SealedResult:
        """Run one command sealed. Cancelling the task kills the whole tree first."""
        if run.tier is Tier.FULL:
            raise SandboxUnavailable(
                "this run asks for tier FULL, and the best here is RESTRICTED",
                hint="ask for RESTRICTED; FULL needs namespaces, which are not built in yet",
            )
        if self._require_self_test:
            await self._pass_self_test()
        result, _ = await self.run_untested(run)
        return result

    async def run_untested(self, run: SealedRun) -> tuple[SealedResult, JsonObject]:
        """A run before the self-test has passed, with the launcher's facts: for the self-test."""
        report, streams = await self._launch(self._order(run), run.stdin)
        return _result(report, streams), report

    async def self_test(self) -> SelfTest:
        """Try escapes and everyday work inside; once passed, the answer is remembered."""
        from .selftest import try_escapes

        # Two first runs at once test twice; a lock would tie the instance to one event loop.
        if self._tested is None or not self._tested.ok:
            self._tested = await try_escapes(self)
        return self._tested

    def tiers(self) -> tuple[Tier, ...]:
        """Found by setting everything up in a child that then leaves without running anything."""
        if self._tiers is None:
            try:
                self._rehearse()
            except SandboxUnavailable:
                self._tiers = ()
            else:
                self._tiers = (Tier.RESTRICTED,)
        return self._tiers

    async def _pass_self_test(self) -> None:
        test = await self.self_test()
        if not test.ok:
            failed = [probe.name for probe in test.probes if not probe.passed]
            raise SandboxUnavailable(
                f"the sandbox did not pass its own test: {', '.join(failed)}; nothing was run",
                hint="`autoclave sandbox test` shows every probe",
            )

    def _rehearse(self) -> None:
        import subprocess

        with self.scratch() as folder:
            order = self._order(SealedRun(argv=("python",), folder=folder)) | {"argv": []}
            done = subprocess.run(
                _command(), input=_packed(order, b""), capture_output=True, env={}, check=False
            )
        _unpacked(done.stdout, done.stderr)

    def _order(self, run: SealedRun) -> JsonObject:
        if sys.platform != "linux":
            raise unavailable({"step": "look at the system", "why": f"this is {sys.platform}"})
        if not run.argv or any("\0" in word for word in run.argv):
            raise InvalidInput("a sealed run needs a program, and no zero bytes in its arguments")
        folder = run.folder.resolve()
        _make_temporary(folder)
        trees = (*places.standard_trees(), *places.further_trees(run.readable))
        return {
            "argv": [places.program(run.argv[0]), *run.argv[1:]],
            "folder": str(folder),
            "readable": [str(tree) for tree in dict.fromkeys(trees)],
            "links": places.standard_links(),
            "environment": places.environment(folder, run.environment),
            "limits": asdict(_checked(run.limits)),
            "most_abi": self._most_abi,
        }

    async def _launch(self, order: JsonObject, stdin: bytes) -> tuple[JsonObject, list[bytes]]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *_command(), stdin=pipe, stdout=pipe, stderr=pipe, env={}, start_new_session=True
        )
        try:
            # The launcher watches the clock itself; this is for a launcher that cannot.
            async with asyncio.timeout(order["limits"]["wall_seconds"] + _PATIENCE_SECONDS):
                output, errors = await _talk(process, _packed(order, stdin))
        except TimeoutError:
            await asyncio.shield(_end(process))
            raise silent("it did not end in time") from None
        except BaseException:
            await asyncio.shield(_end(process))
            raise
        return _unpacked(output, errors)


def _command() -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-B", str(_LAUNCHER))


def _packed(order: JsonObject, stdin: bytes) -> bytes:
    text = json.dumps(order).encode()
    return struct.pack("=QQ", len(text), len(stdin)) + text + stdin


async def _talk(process: asyncio.subprocess.Process, order: bytes) -> tuple[bytes, bytes]:
    """Send the order and keep the pipe open: its end would mean that we are gone."""
    into, out, err = process.stdin, process.stdout, process.stderr
    if into is None or out is None or err is None:
        raise SandboxUnavailable("the launcher was started without its pipes")
    into.write(order)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await into.drain()
    output, errors = await asyncio.gather(out.read(), err.read())
    into.close()
    await process.wait()
    return output, errors


async def _end(process: asyncio.subprocess.Process) -> None:
    """Hang up; the launcher then kills the tree. A launcher that does not is killed itself."""
    if process.stdin:
        process.stdin.close()
    streams = [stream.read() for stream in (process.stdout, process.stderr) if stream]
    try:
        async with asyncio.timeout(_LONGEST_END_SECONDS):
            await asyncio.gather(*streams)
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _unpacked(output: bytes, errors: bytes) -> tuple[JsonObject, list[bytes]]:
    line, _, rest = output.partition(b"\n")
    try:
        report = json.loads(line)
    except ValueError:
        last = errors.decode("utf-8", "backslashreplace").strip().splitlines()[-1:]
        raise silent(show_line(" ".join(last) or "it said nothing")) from None
    streams = []
    for length in report["lengths"]:
        streams.append(rest[:length])
        rest = rest[length:]
    if "ended" not in report:
        raise unavailable(report)
    return report, streams


def _result(report: JsonObject, streams: list[bytes]) -> SealedResult:
    out, err, result = streams
    return SealedResult(
        ended=Ended(report["ended"]),
        exit_code=report["exit_code"],
        stdout=out,
        stderr=err,
        stdout_lost=report["lost"][0],
        stderr_lost=report["lost"][1],
        result=result,
        wall_seconds=report["wall_seconds"],
        cpu_seconds=report["cpu_seconds"],
        max_rss_bytes=report["max_rss_bytes"],
        stray_processes=report["strays"],
        tier=Tier.RESTRICTED,
    )


def _checked(limits: Limits) -> Limits:
    if any(value <= 0 for value in asdict(limits).values()):
        raise InvalidInput(f"every limit of a sealed run has to be above zero: {limits}")
    return limits


def _make_temporary(folder: Path) -> None:
    """Make the folder for temporary files; a link planted under its name is not followed."""
    if not folder.is_dir() or not is_scratch(folder):
        raise InvalidInput(
            f"{folder} is not a scratch folder", hint="copy what is needed into `scratch()`"
        )
    temporary = folder / places.TEMPORARY
    if os.path.lexists(temporary):
        if temporary.is_symlink() or not temporary.is_dir():
            raise InvalidInput(f"{temporary} has to be a folder of its own")
        return
    temporary.mkdir(mode=0o700)
