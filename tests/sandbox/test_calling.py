"""The line on which a sealed run asks the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autoclave.domain.errors import NotAllowed
from autoclave.domain.sealed import Ended, Limits, SealedResult, SealedRun, Tier
from autoclave.sandbox import calling
from autoclave.sandbox.routes import Route, present
from autoclave.sandbox.sealed import SealedSandbox

Start = Callable[..., Awaitable[SealedResult]]

ASK = """
import os, struct
def read(n):
    data = b""
    while len(data) < n:
        chunk = os.read(4, n - len(data))
        if not chunk: raise SystemExit("no more answers")
        data += chunk
    return data
def write(data):
    while data: data = data[os.write(5, data):]
def ask(call):
    write(struct.pack("!I", len(call)) + call)
    return read(struct.unpack("!I", read(4))[0])
"""


@pytest.fixture(params=["cold", pytest.param("warm", marks=pytest.mark.slow)])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SealedSandbox]:
    """Every way in which a run can be started."""
    sandbox = SealedSandbox(base=tmp_path, require_self_test=False, warm=request.param == "warm")
    yield sandbox
    sandbox.close()


@pytest.fixture
def start(way: SealedSandbox, folder: Path, tier: Tier, tmp_path: Path) -> Start:
    """Runs Python source sealed, with or without a line."""

    async def run(source: str, *, seconds: float = 20.0, **given: object) -> SealedResult:
        with way.scratch() as place:
            order = SealedRun(
                argv=("python", "-I", "-S", "-B", "-c", ASK + source),
                folder=place,
                limits=Limits(wall_seconds=seconds),
                tier=tier,
            )
            return await way.run(replace(order, **given))  # type: ignore[arg-type]

    return run


async def echo(call: bytes) -> bytes:
    return b"<" + call + b">"


async def test_a_call_is_answered(start: Start) -> None:
    """Several in a row, the empty one and the largest among them."""
    result = await start(
        "print(ask(b'one'), ask(b''), len(ask(b'x' * ((1 << 20) - 2))))", answer=echo
    )

    assert result.stdout == b"b'<one>' b'<>' 1048576\n"
    assert result.ok


async def test_without_an_answer_there_is_no_line(start: Start) -> None:
    """Only what every run has is open; with one there are two plain pipes more, and no socket."""
    look = """
import stat
for fd in range(4096):
    try: mode = os.fstat(fd).st_mode
    except OSError: continue
    if fd > 3: os.write(1, b"%d%d " % (fd, stat.S_ISFIFO(mode)))
"""
    bare = await start(look)
    joined = await start(look, answer=echo)

    assert bare.stdout == b""
    assert joined.stdout == b"41 51 "


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("write(struct.pack('!I', (1 << 20) + 1)); read(1)", "a call of 1,048,577 bytes"),
        ("write(b'\\0\\0'); os.close(5); read(1)", "in the middle of a call"),
        ("write(b'\\0\\0\\0\\5ab'); os.close(5); read(1)", "in the middle of a call"),
    ],
)
async def test_what_is_no_call_ends_the_run(start: Start, bad: str, why: str) -> None:
    """The result says why; nothing hangs until the wall clock."""
    result = await start(bad, answer=echo)

    assert result.ended is Ended.CALLS
    assert not result.ok
    assert why in result.why


@pytest.mark.slow
async def test_calls_are_counted(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run cannot keep the kernel busy for ever, and cannot pour bytes through it."""
    many = await start("for n in range(300): ask(b'')", answer=echo)
    monkeypatch.setattr(calling, "MOST_BYTES", 1000)
    large = await start("for n in range(300): ask(b'x' * 100)", answer=echo)

    assert (many.ended, many.why) == (Ended.CALLS, "it made more than 256 calls")
    assert (large.ended, large.why) == (
        Ended.CALLS,
        "its calls and answers have more than 1,000 bytes",
    )


async def test_what_answering_raises_ends_the_run(start: Start) -> None:
    """A question that has to wait ends the process that asked; nothing of it is left."""

    async def refuse(call: bytes) -> bytes:
        raise NotAllowed("no")

    with pytest.raises(NotAllowed, match="no"):
        await start("ask(b'x')", answer=refuse)


@pytest.mark.slow
async def test_the_wall_clock_goes_on_while_the_kernel_answers(start: Start) -> None:
    """The run is ended in time; what the kernel was doing for it is done to its end."""
    finished = []

    async def slow(call: bytes) -> bytes:
        await asyncio.sleep(1.2)
        finished.append(call)
        return b""

    result = await start("ask(b'x')", seconds=0.6, answer=slow)

    assert result.ended is Ended.WALL_CLOCK
    assert finished == [b"x"]


async def test_an_answer_that_nobody_reads_is_no_trouble(start: Start) -> None:
    """The process is gone before the answer comes."""
    result = await start("write(struct.pack('!I', 1) + b'x'); os._exit(0)", answer=echo)

    assert result.ok


async def test_cancelling_ends_the_run_and_the_answering(start: Start) -> None:
    """Nothing goes on behind the back of who cancelled."""
    asked, cancelled = asyncio.Event(), []

    async def endless(call: bytes) -> bytes:
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(call)
            raise
        return b""

    task = asyncio.ensure_future(start("ask(b'x')", answer=endless))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert cancelled == [b"x"]


@pytest.mark.slow
async def test_children_of_the_run_share_the_line_and_no_more(start: Start) -> None:
    """It is inherited like any descriptor; a program that does not want that closes it first."""
    result = await start(
        "os.fork() or (print(ask(b'child'), flush=True), os._exit(0)); os.wait()", answer=echo
    )

    assert result.stdout == b"b'<child>'\n"


@pytest.mark.slow
async def test_the_line_goes_through_bubblewrap(tmp_path: Path) -> None:
    """The other way into FULL has it as well."""
    if Route.BUBBLEWRAP not in present():
        pytest.skip("no bubblewrap here")
    sandbox = SealedSandbox(base=tmp_path, require_self_test=False, routes=(Route.BUBBLEWRAP,))
    if Tier.FULL not in sandbox.tiers():
        pytest.skip("bubblewrap gives no tier FULL here")

    with sandbox.scratch() as folder:
        run = SealedRun(
            argv=("python", "-I", "-S", "-B", "-c", ASK + "print(ask(b'one'))"),
            folder=folder,
            tier=Tier.FULL,
            answer=echo,
        )
        result = await sandbox.run(run)

    assert result.stdout == b"b'<one>'\n"
