"""Nothing untrusted reaches a terminal raw: every command that shows text, on a real one.

The text of a whole story is spoilt: what people, capabilities, models and files said.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.events import Event, NewEvent
from autoclave.service import demo
from autoclave.service.control import Control
from autoclave.service.home import Home
from autoclave.settings import Settings
from autoclave.wiring import open_control

pytestmark = pytest.mark.slow

DEMO_WORK = Path(demo.__file__).parent / "demo_data" / "workspace"
STEERING = (
    "\x1b[2J\x1b[7;35;43m\x1b]52;c;cm0gLXJm\x07\x1b]0;title\x1b\\\x1bP1$q\x1b\\\x1b(0"
    "\rover\b\b\x07\x0e\x0f\x7f\x85\x90\x9b31m\x9d52;c;eA==\x9c"
    "\u202etxt.exe\u2066\u200b\u200d\u2060\ufeff\u00ad\u061c\U000e0041\u2028\u2029"
)
MARK = "hostile"
HOSTILE = f"{MARK}{STEERING}{MARK}"
OURS = re.compile(r"\x1b\[(?:[0-2]|3\d|9\d|38;5;\d{1,3})m")
"""Bold, dim and plain colours: what `cli.render.paint` writes."""
KEPT = ("before", "after", "verdict", "status", "state")
"""Not words: files byte for byte, and names of closed sets, some of them with a space."""
COMMANDS = [
    ("goal", "list"),
    ("goal", "show", "GOAL"),
    ("history",),
    ("proposal", "list"),
    ("proposal", "show", "PROPOSAL"),
    ("pattern", "list"),
    ("pattern", "show", "PATTERN"),
    ("capability", "list"),
    ("capability", "show", "shout"),
    ("capability", "run", "shout", "--inputs", json.dumps({"text": HOSTILE})),
    ("capability", "run", "shout", "--inputs", '{"text": "fail"}'),
    ("capability", "run", HOSTILE),
    ("capability", "run", "list_files", "-w", "WORK"),
    ("capability", "test", "shout"),
    ("research", f"what is {HOSTILE}"),
    ("status",),
    ("doctor",),
    ("goal", "add", f"do {HOSTILE}"),
    ("run", f"list the files {HOSTILE}", "-w", "WORK"),
    ("run", f"nothing serves {HOSTILE}", "-w", "WORK"),
    ("sandbox", "run", "--in", "WORK", "--", "sh", "-c", "cat *; ls; cat * >&2; echo > new$(ls)"),
    ("sandbox", "run", "--", f"no-{MARK}"),
    ("goal", "show", HOSTILE.replace("\x00", "")),
    ("audit", "verify"),
    ("config", "show"),
]


@pytest.fixture
async def told(
    home: Home,
    open_home: Callable[..., Any],
    story: Callable[[Control, Path], Awaitable[Any]],
    tmp_path: Path,
) -> Home:
    """A home where goals failed for a bug, patterns were learned and a proposal was made."""
    shutil.copytree(DEMO_WORK, tmp_path / "work")
    async with open_home(home) as control:
        await story(control, tmp_path / "work")
        await control.improve()
    return home


@pytest.fixture
def spoilt(told: Home, tmp_path: Path) -> dict[str, str]:
    """A home whose journal tells the same story in spoilt words, and spoilt files to work on."""
    events = _all_of(told)
    for left in told.root.glob("knowledge/*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    shutil.rmtree(told.root / ".autoclave", ignore_errors=True)
    control = open_control(told, settings=Settings())
    journal = control._parts.ledger.journal
    # What a first start writes of its own.
    begun = {event.stream for event in journal.read_all()}
    for event in events:
        if event.stream not in begun:
            new = NewEvent(kind=event.kind, payload=_spoil(event.payload), version=event.version)
            journal.post(event.stream, [new], actor=event.actor)
    for event in events:
        if event.seq == 1 and event.stream.startswith(("goal/", "proposal/")):
            journal.new_id(event.stream.partition("/")[2].partition("-")[0])
    asyncio.run(control.aclose())
    _enrol_a_spoilt_capability(told.root, tmp_path / "shout")
    work = tmp_path / "spoilt work"
    work.mkdir()
    (work / f"name{HOSTILE.replace('/', '')[:80]}.txt").write_text(f"{HOSTILE}\n" * 3 + "x" * 9000)
    goals = sorted(e.stream.partition("/")[2] for e in events if e.stream.startswith("goal/"))
    proposals = [e.stream.partition("/")[2] for e in events if e.stream.startswith("proposal/")]
    seen = _on_a_terminal(("pattern", "list", "--json"), {"HOME": str(told.root)})
    return {
        "PATTERN": json.loads(seen)["patterns"][0]["id"],
        "HOME": str(told.root),
        "WORK": str(work),
        "GOAL": goals[0],
        "PROPOSAL": proposals[0],
    }


def _enrol_a_spoilt_capability(home: Path, folder: Path) -> None:
    """Its logs, its answers and its errors are spoilt; a spoilt purpose would be refused."""
    folder.mkdir()
    manifest = """\
name = "shout"
version = "1.0.0"
purpose = "Shouts."
effect = "pure"
[inputs]
type = "object"
required = ["text"]
[inputs.properties.text]
type = "string"
[outputs]
type = "object"
required = ["text"]
[outputs.properties.text]
type = "string"
[[examples]]
inputs = { text = "x" }
outputs = { text = "x" }
"""
    (folder / "capability.toml").write_text(manifest)
    code = f"""\
import sys
WORDS = {HOSTILE!a}
async def execute(context, inputs):
    print(WORDS)
    sys.stderr.write(WORDS)
    if inputs["text"] == "fail":
        raise ValueError(WORDS)
    return {{"text": inputs["text"]}}
"""
    (folder / "code.py").write_text(code)
    (folder / "tests").mkdir()
    test = "def test_true():\n    assert True\n"
    (folder / "tests" / "test_shout.py").write_text(test)
    command = [sys.executable, "-m", "autoclave", "--home", str(home), "capability", "add"]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_untrusted_reaches_a_terminal_raw(spoilt: dict[str, str]) -> None:
    """Of every command that shows it, and most of them do show it, spelled out."""
    seen = {command: _on_a_terminal(command, spoilt) for command in COMMANDS}

    raw = {command: found for command, data in seen.items() if (found := _steering(data))}
    assert raw == {}
    silent = [command for command, data in seen.items() if MARK.encode() not in data]
    assert len(silent) < len(COMMANDS) / 2, silent
    long = [data for command, data in seen.items() if command[:3] == ("sandbox", "run", "--in")]
    assert b"more characters" in long[0]


def test_the_check_sees_what_it_looks_for() -> None:
    """Each of the steering characters by itself, and colours that are not ours."""
    for character in STEERING:
        if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
            assert _steering(f"a{character}b".encode()), ascii(character)
    assert _steering(b"\x1b[7;35;43mx")
    assert not _steering(b"\x1b[31mred\x1b[0m\r\n\tplain \xc3\xa9\r\n")


def _on_a_terminal(command: tuple[str, ...], spoilt: dict[str, str]) -> bytes:
    """All that one command writes to a terminal of its own."""
    words = [spoilt.get(word, word) for word in command]
    own, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "autoclave", "--home", spoilt["HOME"], *words],
        stdin=subprocess.DEVNULL,
        stdout=other,
        stderr=other,
        env=environment,
    )
    os.close(other)
    seen = b""
    # Linux tells the end with an error.
    with contextlib.suppress(OSError):
        while chunk := os.read(own, 65536):
            seen += chunk
    os.close(own)
    process.wait(timeout=60)
    assert b"a bug in Autoclave" not in seen, (command, seen)
    return seen


def _steering(data: bytes) -> list[str]:
    """What is left of all that steers a terminal when our own colours are taken out."""
    text = OURS.sub("", data.decode("utf-8", "surrogateescape")).replace("\r\n", "\n")
    hidden = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return [
        ascii(text[max(0, at - 20) : at + 20])
        for at, character in enumerate(text)
        if character not in "\n\t" and unicodedata.category(character) in hidden
    ]


def _spoil(value: Any) -> Any:
    """Every text that somebody wrote, not the names by which the kernel finds things."""
    if isinstance(value, dict):
        return {key: _spoil(each) if key not in KEPT else each for key, each in value.items()}
    if isinstance(value, list):
        return [_spoil(each) for each in value]
    if isinstance(value, str) and " " in value:
        first, _, rest = value.partition(" ")
        return f"{first} {HOSTILE} {rest}"
    return value


def _all_of(home: Home) -> list[Event]:
    control = open_control(home, settings=Settings())
    try:
        return list(control._parts.ledger.journal.read_all())
    finally:
        asyncio.run(control.aclose())
