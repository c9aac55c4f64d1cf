"""A person at a real terminal: what counts as a yes."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator

import pytest

ASK = """
import asyncio
from autoclave.cli.asking import ask_yes_no
from autoclave.cli.output import Output
output = Output()
assert output.may_ask
answer = asyncio.run(ask_yes_no(output, "Write x.py?", details=lambda: "the whole diff"))
print("ANSWER", answer, flush=True)
"""


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self) -> None:
        self._own, other = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", ASK], stdin=other, stdout=other, stderr=other, close_fds=True
        )
        os.close(other)
        self._seen = ""

    def expect(self, text: str) -> None:
        """Read on until `text` was seen."""
        while text not in self._seen:
            ready, _, _ = select.select([self._own], [], [], 30)
            assert ready, f"{text!r} never came; there was {self._seen!r}"
            self._seen += os.read(self._own, 4096).decode()
        self._seen = self._seen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def close(self) -> None:
        os.close(self._own)
        self._process.wait(timeout=30)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_enter_alone_is_never_a_yes(terminal: Terminal) -> None:
    """It asks again."""
    terminal.expect("yes / no / details: ")
    terminal.type("\n")
    terminal.expect("Please write yes, no or details.")
    terminal.expect("yes / no / details: ")
    terminal.type("no\n")
    terminal.expect("ANSWER False")


def test_details_are_shown_before_the_answer(terminal: Terminal) -> None:
    """As often as one likes."""
    terminal.expect("yes / no / details: ")
    terminal.type("details\n")
    terminal.expect("the whole diff")
    terminal.expect("yes / no / details: ")
    terminal.type("yes\n")
    terminal.expect("ANSWER True")


def test_the_end_of_the_input_is_a_no(terminal: Terminal) -> None:
    """Silence is no."""
    terminal.expect("yes / no / details: ")
    terminal.type("\x04")
    terminal.expect("ANSWER False")
