"""The real program on a real terminal: what it writes there, and what it leaves behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoclave.service.home import Home, init_home

HEAVY = {"sqlalchemy", "pydantic", "anthropic", "fastapi", "libcst", "psutil", "httpx2", "uvicorn"}
AUTOCLAVE = [sys.executable, "-m", "autoclave"]
STEERING = (
    "\x1b[2J\x1b[7;35;43m\x1b]52;c;cm0gLXJm\x07\x1b]0;title\x1b\\\x1bP1$q\x1b\\\x1b(0"
    "\rover\b\b\x07\x0e\x0f\x7f\x85\x90\x9b31m\x9d52;c;eA==\x9c"
    "\u202etxt.exe\u2066\u200b\u200d\u2060\ufeff\u00ad\u061c\U000e0041\u2028\u2029"
)
RAW = ("\x1b[7;35;43m", "\x1b]52;", "\x1b]0;", "\x1bP1", "\x1b(0", "\b\b", "\x0e", "\x0f", "\x7f")
HIDDEN = frozenset({"Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
CSI = re.compile(r"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b\]2;[^\x07\x1b]*\x07")
CHILD = """
import asyncio, importlib.util, os, sys
spec = importlib.util.spec_from_file_location("given", sys.argv[1])
given = importlib.util.module_from_spec(spec)
sys.modules["given"] = given
spec.loader.exec_module(given)
from autoclave.dashboard.launch import Look, run_dashboard
from autoclave.dashboard.signature import nobody_signs
STEERING = os.environ["STEERING"].encode().decode("unicode_escape")
KEPT = {"kind", "status", "state", "id", "verdict", "risk", "stream", "code", "level", "sort"}
def spoil(value, name=""):
    if isinstance(value, dict):
        return {key: spoil(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [spoil(each, name) for each in value]
    if isinstance(value, str) and name not in KEPT:
        return f"hostile{STEERING}hostile {value}"
    return value
door = given.FakeDoor(report=spoil(given.report_of(at=0)), answers=spoil(dict(given.ANSWERS)))
if os.environ.get("BREAKS"):
    door.report = ZeroDivisionError("it broke")
run_dashboard(door, Look(), me="person:x", sign=nobody_signs, sign_aside=nobody_signs,
              rings=lambda: True)
"""


class Terminal:
    """One program on a terminal of its own."""

    def __init__(self, command: list[str], **more: str) -> None:
        own, other = pty.openpty()
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        kept = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        environment = {**os.environ, **kept, **more}
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            command,
            stdin=other,
            stdout=other,
            stderr=other,
            env=environment,
            start_new_session=True,
        )
        os.close(other)
        self._own = own
        self.data = b""

    def press(self, keys: str) -> None:
        os.write(self._own, keys.encode())

    def wait_for(self, words: str, *, seconds: float = 30.0) -> None:
        """Until they have been written since the last key."""
        end, mark = time.monotonic() + seconds, len(self.data)
        while words not in self.text(max(mark - 20_000, 0)):
            assert time.monotonic() < end, self.text(mark)[-2000:]
            self._read(0.1)

    def end(self, *, seconds: float = 30.0) -> int:
        """Its exit code, with everything that it wrote until then."""
        limit = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < limit
            self._read(0.1)
        self._read(0.2)
        return self.process.returncode

    def hang_up(self) -> None:
        os.close(self._own)
        self._own = -1

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        if self._own >= 0:
            os.close(self._own)

    def text(self, start: int = 0) -> str:
        """What was written, without the sequences that draw it."""
        return CSI.sub("", self.data[start:].decode("utf-8", "replace"))

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self._own], [], [], seconds)
        if ready:
            with contextlib.suppress(OSError):  # the other end is closed
                self.data += os.read(self._own, 65_536)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def make(command: list[str], **more: str) -> Terminal:
        made.append(Terminal(command, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home").home


def test_the_dashboard_loads_no_model_no_database_and_no_server() -> None:
    """It is a light process; the home is opened when it is first asked for more."""
    program = "import sys, autoclave.dashboard.launch; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert not {name.partition(".")[0] for name in done.stdout.split()} & HEAVY


@pytest.mark.slow
def test_it_comes_up_goes_round_and_leaves_the_terminal_as_it_was(
    home: Home, terminal: Callable[..., Terminal]
) -> None:
    """On a new home: the first page, a goal given, and `q` with exit code 0."""
    screen = terminal([*AUTOCLAVE, "--home", str(home.root), "dashboard"])
    screen.wait_for("Safe goals to begin with")
    screen.press("g")
    screen.wait_for("What should be true afterwards?")
    screen.press("list the files")
    screen.press("\x13")
    screen.wait_for("composed plan")
    screen.press("\x13")
    screen.wait_for("the goal is queued")
    screen.press("q")

    assert screen.end() == 0
    assert screen.data.rstrip().endswith(b"\x1b[?1049l") or b"\x1b[?1049l" in screen.data[-400:]


@pytest.mark.slow
def test_it_sees_an_agent_start_and_be_killed(
    home: Home, terminal: Callable[..., Terminal]
) -> None:
    """Both are processes of their own: kill -9 of the one is said by the other."""
    screen = terminal([*AUTOCLAVE, "--home", str(home.root), "dashboard"])
    screen.wait_for("NOT RUNNING")
    agent = subprocess.Popen(
        [*AUTOCLAVE, "--home", str(home.root), "serve", "--no-http", "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        screen.wait_for("IDLE")
        agent.send_signal(signal.SIGKILL)
        agent.wait()
        screen.wait_for("NOT RUNNING   since")
    finally:
        agent.kill()
        agent.wait()


@pytest.mark.slow
def test_a_home_that_vanishes_is_lost_and_not_a_crash(
    home: Home, terminal: Callable[..., Terminal]
) -> None:
    """What was read last stays, with the way to mend it."""
    add = [*AUTOCLAVE, "--home", str(home.root), "goal", "add", "list the files"]
    subprocess.run(add, check=True, capture_output=True)
    screen = terminal([*AUTOCLAVE, "--home", str(home.root), "dashboard"])
    screen.wait_for("list the files")
    for file in home.database.parent.glob("autoclave.db*"):
        file.unlink()

    screen.wait_for("READ ONLY")
    screen.press("q")
    assert screen.end() == 0


@pytest.mark.slow
def test_nothing_untrusted_reaches_the_terminal_raw(terminal: Callable[..., Terminal]) -> None:
    """Every field of every page is spoilt: sequences, bidi, zero width, controls."""
    given = str(Path(__file__).with_name("conftest.py"))
    steering = STEERING.encode("unicode_escape").decode()
    screen = terminal([sys.executable, "-c", CHILD, given], STEERING=steering)
    screen.wait_for("Needs you")
    for keys in "2345678":
        screen.press(keys)
        screen.wait_for("? help")
        _settle(screen)
    for keys in ("\x1b", "1", "\r", "2", "\r", "\x1b[C", "\x1b[C", "?", "\x1b", "\x10"):
        screen.press(keys)
        _settle(screen)
    screen.press("\x03")
    assert screen.end() == 0

    written = screen.data.decode("utf-8", "surrogateescape")
    assert [each for each in RAW if each in written] == []
    odd = {c for c in written if unicodedata.category(c) in HIDDEN or "\x80" <= c < "\xa0"}
    assert odd == set()
    assert written.count("hostile\\x1b[2J") > 5


@pytest.mark.slow
def test_a_crash_restores_the_terminal_and_is_told(terminal: Callable[..., Terminal]) -> None:
    """First the screen as it was, then what went wrong, for the edge of the process."""
    given = str(Path(__file__).with_name("conftest.py"))
    screen = terminal([sys.executable, "-c", CHILD, given], STEERING="x", BREAKS="1")

    assert screen.end() == 1
    assert screen.data.index(b"\x1b[?1049l") < screen.data.index(b"ZeroDivisionError: it broke")


@pytest.mark.slow
def test_it_ends_with_its_terminal(terminal: Callable[..., Terminal]) -> None:
    """It does not lead a session here, so no signal tells it; it must not read on for ever."""
    given = str(Path(__file__).with_name("conftest.py"))
    screen = terminal([sys.executable, "-c", CHILD, given], STEERING="x")
    screen.wait_for("Needs you")

    screen.hang_up()

    assert screen.process.wait(30) == -signal.SIGHUP


def _settle(screen: Terminal) -> None:
    """Read until the page has its spoilt text, or for a while: not every page has some."""
    mark, end = len(screen.data), time.monotonic() + 4.0
    while time.monotonic() < end and b"hostile" not in screen.data[mark:]:
        screen._read(0.2)
