"""Questions to a person at a terminal. Enter alone is never a yes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from ..domain.text import let_out
from .output import Output


async def ask_yes_no(output: Output, question: str, *, details: Callable[[], str]) -> bool:
    """Ask until the answer is one; the end of the input is a no."""
    output.note(question)
    while True:
        sys.stderr.write("yes / no / details: ")
        sys.stderr.flush()
        line = await _read_line()
        if line is None:
            output.note("")
            return False
        answer = line.strip().lower()
        if answer in ("yes", "y"):
            return True
        if answer in ("no", "n"):
            return False
        if answer in ("details", "d"):
            output.note(details())
        else:
            output.note("Please write yes, no or details.")


async def ask_hidden(output: Output, question: str) -> str:
    """A line that is not shown while it is written; empty at the end of the input."""
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    hidden = [*before]
    hidden[3] = before[3] & ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
    try:
        sys.stderr.write(let_out(question))
        sys.stderr.flush()
        return ((await _read_line()) or "").rstrip("\n")
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        output.note("")


async def _read_line() -> str | None:
    """One line of standard input without a thread, so that a signal can end the wait."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[str] = loop.create_future()
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        loop.remove_reader(descriptor)
        if not ready.done():
            ready.set_result(sys.stdin.readline())

    loop.add_reader(descriptor, readable)
    try:
        return await ready or None
    finally:
        loop.remove_reader(descriptor)
