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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fakes_owner import Person

from autoclave.domain.events import Event, NewEvent
from autoclave.domain.text import show_line
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
PROMPT = b"yes / no / details: "
HOSTILE = f"{MARK}{STEERING}{MARK}"
OURS = re.compile(r"\x1b\[(?:[0-2]|3\d|9\d|38;5;\d{1,3})m")
"""Bold, dim and plain colours: what `cli.render.paint` writes."""
KEPT = ("before", "after", "verdict", "status", "state")
"""Not words: files byte for byte, and names of closed sets, some of them with a space."""
REPAIR = "make the failing tests pass"
PLAIN = HOSTILE.replace("\r", "")
"""Without the one that ends a line of Python."""
CLAMP = f"""\
def clamp(x, low, high):
    if x < low:
        return low
    if x > high:
        # {PLAIN}
        return low
    return x
"""
TESTS = """\
from calc import clamp


def test_low():
    assert clamp(1, 2, 5) == 2


def test_high():
    assert clamp(9, 2, 5) == 5


def test_between():
    assert clamp(3, 2, 5) == 3
"""
DOCUMENT = f"# Percentiles\n\nA percentile is {HOSTILE} the value below which a share lies.\n"
COMMANDS = [
    ("goal", "list"),
    ("goal", "show", "GOAL"),
    ("goal", "show", "ASKING"),
    ("goal", "add", f"do {HOSTILE}"),
    ("goal", "cancel", "GOAL-2", "--reason", HOSTILE),
    ("goal", "show", HOSTILE),
    ("history",),
    ("proposal", "list"),
    ("proposal", "show", "PROPOSAL"),
    ("proposal", "approve", "PROPOSAL"),
    ("pattern", "list"),
    ("pattern", "show", "PATTERN"),
    ("capability", "run", "shout", "--inputs", json.dumps({"text": HOSTILE})),
    ("capability", "run", "shout", "--inputs", '{"text": "fail"}'),
    ("capability", "run", HOSTILE),
    ("capability", "run", "list_files", "-w", "WORK"),
    ("research", "what is a percentile"),
    ("research", f"what is {HOSTILE}"),
    ("run", f"list the files {HOSTILE}", "-w", "WORK"),
    ("run", f"nothing serves {HOSTILE}", "-w", "WORK"),
    ("run", REPAIR, "-w", "BUGGY-2", "--yes-up-to", "R1"),
    ("sandbox", "run", "--in", "WORK", "--", "sh", "-c", "cat *; ls; cat * >&2; echo > new$(ls)"),
    ("sandbox", "run", "--", f"no-{MARK}"),
    ("status",),
    ("pause", "--reason", HOSTILE),
    ("status",),
    ("resume", "--reason", HOSTILE),
    ("checkpoint", "create", "--note", HOSTILE),
    ("checkpoint", "list"),
    ("proposal", "reject", "PROPOSAL", "--reason", HOSTILE),
    ("proposal", "show", "PROPOSAL"),
]
"""Every one of these shows something that is spoilt, spelled out, but for those named below."""
ACKNOWLEDGE = [
    ("goal", "add", f"do {HOSTILE}"),
    ("goal", "cancel", "GOAL-2", "--reason", HOSTILE),
    ("resume", "--reason", HOSTILE),
    ("checkpoint", "create", "--note", HOSTILE),
    ("proposal", "reject", "PROPOSAL", "--reason", HOSTILE),
]
"""Take what was said and answer with the name of a thing; the commands after them show it."""
SAY_NOTHING = [
    *ACKNOWLEDGE,
    # Nothing in them is anybody's words.
    ("audit", "verify"),
    ("audit", "incidents"),
    ("owner", "list"),
    ("secret", "list"),
    ("doctor",),
    ("config", "show"),
    ("config", "check"),
    # A manifest with such words is refused when it is enrolled.
    ("capability", "list"),
    ("capability", "show", "shout"),
    # How often it passed, not what was said meanwhile.
    ("capability", "test", "shout"),
]
"""The commands that show none of it; a change of that belongs into the other list."""


@pytest.fixture(scope="module")
def spoilt(proposing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home whose journal tells of failed goals, patterns and a proposal in spoilt words.

    There are spoilt files to work on, a spoilt document, and a goal that asks about a spoilt diff.
    """
    folder = tmp_path_factory.mktemp("spoilt")
    shutil.copytree(proposing / "home", folder / "home", symlinks=True)
    told = Home(root=folder / "home")
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
    _write_a_spoilt_capability(folder / "shout")
    asyncio.run(_enrol_and_close(control, folder / "shout"))
    work = folder / "spoilt work"
    work.mkdir()
    (work / f"name{HOSTILE.replace('/', '')[:80]}.txt").write_text(f"{HOSTILE}\n" * 3 + "x" * 9000)
    (told.root / "docs").mkdir(exist_ok=True)
    (told.root / "docs" / "spoilt.md").write_bytes(DOCUMENT.encode())
    for name in ("buggy", "buggy too"):
        (folder / name).mkdir()
        # Every line ends with a carriage return too.
        (folder / name / "calc.py").write_bytes(CLAMP.replace("\n", "\r\n").encode())
        (folder / name / "test_calc.py").write_text(TESTS)
    goals = sorted(e.stream.partition("/")[2] for e in events if e.stream.startswith("goal/"))
    proposals = [e.stream.partition("/")[2] for e in events if e.stream.startswith("proposal/")]
    seen = _on_a_terminal(("pattern", "list", "--json"), {"HOME": str(told.root)})
    asked = ("run", REPAIR, "-w", str(folder / "buggy"), "--json")
    asking = json.loads(_on_a_terminal(asked, {"HOME": str(told.root)}, apart=True))
    return {
        "ASKING": asking["id"],
        "BUGGY": str(folder / "buggy"),
        "BUGGY-2": str(folder / "buggy too"),
        "GOAL-2": goals[1],
        "PATTERN": json.loads(seen)["patterns"][0]["id"],
        "HOME": str(told.root),
        "WORK": str(work),
        "GOAL": goals[0],
        "PROPOSAL": proposals[0],
    }


def _write_a_spoilt_capability(folder: Path) -> None:
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


async def _enrol_and_close(control: Control, folder: Path) -> None:
    try:
        await Person().add_capability(control, folder)
    finally:
        await control.aclose()


@pytest.mark.timeout(600)
def test_nothing_untrusted_reaches_a_terminal_raw(spoilt: dict[str, str]) -> None:
    """Of every command that shows it, spelled out; the others are named, and show none of it."""
    commands = [*COMMANDS, *(each for each in SAY_NOTHING if each not in COMMANDS)]
    seen = [(command, _on_a_terminal(command, spoilt)) for command in commands]

    raw = {command: found for command, data in seen if (found := _steering(data))}
    assert raw == {}
    silent = [_named(command) for command, data in seen if MARK.encode() not in data]
    assert sorted(silent) == sorted(map(_named, SAY_NOTHING))
    long = [data for command, data in seen if command[:3] == ("sandbox", "run", "--in")]
    assert b"more characters" in long[0]


@pytest.mark.parametrize(
    "command",
    [
        ("goal", "show", "ASKING"),
        ("proposal", "show", "PROPOSAL"),
        ("run", REPAIR, "-w", "BUGGY"),
    ],
    ids=["goal", "proposal", "question"],
)
def test_what_a_person_decides_about_is_shown_to_the_last_byte(
    spoilt: dict[str, str], command: tuple[str, ...]
) -> None:
    """The bytes of a diff, one by one, in the words of the screen; and none of them as it is."""
    seen = _on_a_terminal(command, spoilt, typed=["details", "no"])

    text = OURS.sub("", seen.decode()).replace("\r\n", "\n")
    assert _steering(seen) == []
    assert any(show_line(PLAIN) in line for line in text.splitlines())
    if command[0] == "run":
        assert text.count(show_line(PLAIN)) >= 2
        assert "-        return low\\r\n+        return high\\r\n" in text


@pytest.mark.parametrize(
    "command", [("goal", "show", "ASKING"), ("history",), ("proposal", "list")]
)
def test_json_on_a_terminal_steers_nothing_and_means_the_same(
    spoilt: dict[str, str], command: tuple[str, ...]
) -> None:
    """What JSON would let through is written as its own escapes."""
    seen = _on_a_terminal((*command, "--json"), spoilt)

    assert _steering(seen) == []
    assert STEERING.strip("\r")[:10] in json.dumps(json.loads(seen), ensure_ascii=False).replace(
        "\\u001b", "\x1b"
    )


def test_the_check_sees_what_it_looks_for() -> None:
    """Each of the steering characters by itself, and colours that are not ours."""
    for character in STEERING:
        if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
            assert _steering(f"a{character}b".encode()), ascii(character)
    assert _steering(b"\x1b[7;35;43mx")
    assert not _steering(b"\x1b[31mred\x1b[0m\r\n\tplain \xc3\xa9\r\n")


def _on_a_terminal(
    command: tuple[str, ...],
    spoilt: dict[str, str],
    *,
    typed: Sequence[str] = (),
    apart: bool = False,
) -> bytes:
    """All that one command writes to a terminal of its own, where `typed` answers its questions.

    `apart` throws away what it says on the side.
    """
    words = [spoilt.get(word, word) for word in command]
    own, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "autoclave", "--home", spoilt["HOME"], *words],
        stdin=other if typed else subprocess.DEVNULL,
        stdout=other,
        stderr=subprocess.DEVNULL if apart else other,
        env=environment,
    )
    os.close(other)
    seen = b""
    answers = list(typed)
    # Linux tells the end with an error.
    with contextlib.suppress(OSError):
        while chunk := os.read(own, 65536):
            seen += chunk
            if answers and seen.endswith(PROMPT):
                os.write(own, f"{answers.pop(0)}\n".encode())
    os.close(own)
    process.wait(timeout=60)
    assert b"a bug in Autoclave" not in seen, (command, seen)
    return seen


def _named(command: tuple[str, ...]) -> str:
    return " ".join(command).replace(HOSTILE, "…")


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
        return {key: _spoil_entry(key, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_spoil(each) for each in value]
    if isinstance(value, str) and " " in value:
        first, _, rest = value.partition(" ")
        return f"{first} {HOSTILE} {rest}"
    return value


def _spoil_entry(key: str, value: Any) -> Any:
    if key == "diff" and isinstance(value, str):
        return "".join(f"{line}{PLAIN}\r\n" for line in value.splitlines())
    return value if key in KEPT else _spoil(value)


def _all_of(home: Home) -> list[Event]:
    control = open_control(home, settings=Settings())
    try:
        return list(control._parts.ledger.journal.read_all())
    finally:
        asyncio.run(control.aclose())
