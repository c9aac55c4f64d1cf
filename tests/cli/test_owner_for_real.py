"""Becoming an owner at a real terminal, and approving without one."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

AUTOCLAVE = [sys.executable, "-m", "autoclave"]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """Somebody who was never here before."""
    own = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "STATE", "DATA")}
    return {**os.environ, **own, "AUTOCLAVE_HOME": str(tmp_path / "home")}


def _call(places: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AUTOCLAVE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=100,
        env=places,
        cwd="/",
    )


def _at_a_terminal(
    places: dict[str, str], arguments: list[str], said: list[tuple[str, str]]
) -> tuple[int, str]:
    """What was seen when each prompt was answered; the terminal would show what is echoed."""
    own, other = pty.openpty()
    process = subprocess.Popen(
        [*AUTOCLAVE, *arguments], stdin=other, stdout=other, stderr=other, env=places, cwd="/"
    )
    os.close(other)
    seen = ""
    for prompt, line in said:
        seen = _read_until(own, seen, prompt)
        os.write(own, f"{line}\n".encode())
    seen = _read_until(own, seen, None)
    os.close(own)
    return process.wait(timeout=60), seen


def _read_until(terminal: int, seen: str, wanted: str | None) -> str:
    start, deadline = len(seen), time.monotonic() + 60
    while wanted is None or wanted not in seen[start:]:
        assert time.monotonic() < deadline, seen
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            data = b""
        if not data:
            assert wanted is None, seen
            break
        seen += data.decode()
    return seen


def test_a_passphrase_is_asked_for_and_never_shown(tmp_path: Path, places: dict[str, str]) -> None:
    """Twice when the key is made, once when it signs; without a terminal it signs nothing."""
    home = str(tmp_path / "home")
    _call({**places, "XDG_CONFIG_HOME": str(tmp_path / "other")}, "init", home)
    (tmp_path / "home" / "knowledge" / "autoclave.db").unlink()
    for left in (tmp_path / "home" / ".autoclave").glob("anchor*"):
        left.unlink()

    code, seen = _at_a_terminal(
        places,
        ["owner", "create", "--name", "maria", "--passphrase"],
        [("a new passphrase: ", "geheimnis"), ("once more: ", "geheimnis")],
    )
    assert code == 0, seen
    assert "maria owns this home now" in seen

    add = ["owner", "add", "bob", "ab" * 32]
    refused = _call(places, *add, "--json")
    assert (refused.returncode, json.loads(refused.stdout)["error"]["exit_code"]) == (5, 5)
    code, again = _at_a_terminal(places, add, [("passphrase of maria: ", "geheimnis")])
    assert code == 11, again
    assert "waits for a second person, or maria again" in again
    code, wrong = _at_a_terminal(places, add, [("passphrase of maria: ", "falsch")])
    assert code == 5, wrong
    assert "geheimnis" not in seen + again + wrong


def test_init_makes_an_owner_once(tmp_path: Path, places: dict[str, str]) -> None:
    """The same person owns the next home with the same key, and nobody is asked anything."""
    for name in ("one", "two"):
        made = _call(places, "init", str(tmp_path / name), "--json")
        assert made.returncode == 0, made.stderr
        owner = json.loads(made.stdout)["owner"]
        assert owner["enrolled"]
        listed = _call(places, "--home", str(tmp_path / name), "owner", "list", "--json")
        assert [each["key"] for each in json.loads(listed.stdout)["owners"]] == [owner["key"]]
    assert len(list((tmp_path / "config" / "autoclave" / "owners").glob("*.key"))) == 1
