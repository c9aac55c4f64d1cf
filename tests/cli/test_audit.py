"""`autoclave audit …`: what it prints, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.cli.app import run
from autoclave.core.chain import load_key
from autoclave.core.journal import SqlJournal
from autoclave.core.journal_engine import sqlite_url
from autoclave.domain.errors import JournalBroken
from autoclave.domain.events import EventKind, NewEvent

Call = Callable[..., Any]

WHOLE = {
    "ok": True,
    "events": 3,
    "first_bad": None,
    "reason": "",
    "anchor": "agrees",
    "head": "3:" + "0123456789abcdef" * 2,
    "incidents": 2,
}


@pytest.fixture
def journal(home: Path) -> SqlJournal:
    """Three events of the home that `call` works on; closed."""
    key = load_key(home / ".autoclave" / "key")
    (home / "knowledge").mkdir()
    url = sqlite_url(home / "knowledge" / "autoclave.db")
    journal = SqlJournal(url, key, home / ".autoclave" / "anchor")
    for number in range(3):
        event = NewEvent(kind=EventKind.TIMER_SET, payload={"n": number})
        journal.post("goal/G-0001", [event], actor="kernel")
    journal.close()
    return journal


def test_verify_prints_the_head_to_keep(call: Call, control: Any) -> None:
    """And says that there were incidents."""
    control.answers["audit_verify"] = dict(WHOLE)

    said = call("audit", "verify")

    assert said.code == 0
    assert WHOLE["head"] in said.out
    assert "2 incidents" in said.out


def test_a_kept_head_is_handed_on(call: Call, control: Any) -> None:
    """Control checks it."""
    control.answers["audit_verify"] = {**WHOLE, "ok": False, "first_bad": 4, "reason": "older"}

    said = call("audit", "verify", "--expect", "9:0123456789abcdef")

    assert said.code == 6
    assert control.asked == [("audit_verify", (), {"expect": "9:0123456789abcdef"})]
    assert "The first bad event is 4" in said.out


def test_a_journal_that_does_not_open_is_verified_all_the_same(
    home: Path, journal: SqlJournal, call: Call, control: Any
) -> None:
    """It is the one that people want to know about."""
    control.answers["audit_verify"] = JournalBroken("it was truncated")
    data = (home / "knowledge" / "autoclave.db").read_bytes()
    (home / "knowledge" / "autoclave.db").write_bytes(data.replace(b'{"n":1}', b'{"n":7}'))

    said = call("audit", "verify", "--json")

    assert said.code == 6
    assert said.json["first_bad"] == 2


def test_incidents_are_listed(call: Call, control: Any) -> None:
    """One line each; none is said in words."""
    found = {
        "id": 7,
        "stream": "goal/G-0001",
        "kind": "IncidentRecorded",
        "at": 1_700_000_000.0,
        "summary": "fix (once) was cut off",
    }
    control.answers["audit_incidents"] = iter([[found], [found], []])

    assert "fix (once) was cut off" in call("audit", "incidents").out
    assert call("audit", "incidents", "--json").json["incidents"] == [found]
    assert "No incident" in call("audit", "incidents").out


def test_an_export_is_written_checked_and_never_overwritten(
    home: Path, journal: SqlJournal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the command to the file and back, with the key and without it."""
    out = tmp_path / "audit.jsonl"
    control = _Exporting(journal, home)
    export = ["--home", str(home), "audit", "export", "--out", str(out)]
    assert run(export, opener=lambda _: control) == 0  # type: ignore[arg-type,return-value]
    assert run(export, opener=lambda _: control) == 9  # type: ignore[arg-type,return-value]
    capsys.readouterr()

    assert run(["--home", str(home), "audit", "verify", "--file", str(out)]) == 0
    assert "It was exported by this home" in capsys.readouterr().out
    lines = out.read_text().splitlines()
    out.write_text("\n".join([lines[0], lines[1].replace('"n":1', '"n":7'), *lines[2:]]))

    assert run(["--home", str(home), "audit", "verify", "--file", str(out)]) == 6
    assert "The first bad line is 2" in capsys.readouterr().out
    assert run(["--home", str(home), "audit", "verify", "--file", str(tmp_path / "none")]) == 3


def test_an_export_goes_to_standard_output(
    home: Path, journal: SqlJournal, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part of it, with the line that closes it."""
    control = _Exporting(journal, home)
    command = ["--home", str(home), "audit", "export", "--from", "2", "--to", "3"]

    code = run(command, opener=lambda _: control)  # type: ignore[arg-type,return-value]

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert len(lines) == 3
    assert lines[-1].startswith('{"closing":')


class _Exporting:
    """A Control that can only export, from a real journal."""

    def __init__(self, journal: SqlJournal, home: Path) -> None:
        key = load_key(home / ".autoclave" / "key")
        self._journal = SqlJournal(journal.url, key, home / ".autoclave" / "anchor")

    async def audit_export(self, write: Any, *, first: int, last: int | None) -> None:
        write(self._journal.export(first=first, last=last))

    def close(self) -> None:
        return None
