"""A Control with given answers, and a way to call the command line on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autoclave.cli.app import run
from autoclave.cli.signing import KeyFile, create_key
from autoclave.domain.approval import Sheet
from autoclave.domain.canonical import JsonObject

DIGEST = "abcdef0123456789" * 4

GOAL: JsonObject = {
    "id": "G-0001",
    "text": "make the failing tests pass",
    "status": "queued",
    "state": "IDLE",
    "reason": "",
    "workspace": "/tmp/w",
    "done_test": "run_tests says passed",
    "priority": 0,
    "plan": {"steps": [{"name": "fix", "capability": "repair_python", "status": "done"}]},
    "failures": [],
    "question": None,
    "files": [],
    "spend": {"usd": 0.0, "tokens": 0, "steps": 2},
    "added_at": 1_700_000_000.0,
}

REPORT: JsonObject = {
    "id": "G-0001",
    "goal": "make the failing tests pass",
    "status": "done",
    "done_test": "run_tests says passed",
    "plan": {"steps": [{"name": "fix", "capability": "repair_python", "status": "done"}]},
    "attempts": [{"step": "fix", "ok": True, "seconds": 1.0, "failure": None}],
    "tried": ["fix: one edit"],
    "diff": "--- a/x.py\n+++ b/x.py\n-bad\n+good\n",
    "files": ["x.py"],
    "approval": {"by": "maria", "digest": DIGEST},
    "spend": {"usd": 0.0, "tokens": 0, "steps": 2},
    "seconds": 2.5,
    "reason": "",
    "needs": "",
    "exit": "done",
}

PROPOSAL: JsonObject = {
    "id": "P-0001",
    "title": "mend the parser",
    "reason": "three goals failed",
    "status": "waiting",
    "risk": "R4",
    "digest": DIGEST,
    "diff": "--- a/c.py\n+++ b/c.py\n-old\n+new\n",
    "gates": [{"name": "parse", "verdict": "pass", "seconds": 0.1, "summary": "it parses"}],
    "contract": {"cause": [4], "expected_fixes": ["G-0001"], "undo": "autoclave proposal undo ID"},
    "created_at": 1_700_000_000.0,
    "expires_at": 1_700_086_400.0,
    "approval": None,
    "commit": "",
    "case_against": ["two other patches passed too"],
    "people": 1,
    "signed_by": [],
    "waits_for": "",
    "looked_seconds": None,
    "lines": 4,
}


@dataclass
class FakeControl:
    """Answers what it was given; remembers what it was asked. An answer may be an error."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self.answers:
            raise AttributeError(name)
        answer = self.answers[name]

        async def method(*values: Any, **named: Any) -> Any:
            self.asked.append((name, values, named))
            if isinstance(answer, BaseException):
                raise answer
            return next(answer) if isinstance(answer, Iterator) else answer

        return method


@dataclass(frozen=True)
class Called:
    """What one call came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> JsonObject:
        found: JsonObject = json.loads(self.out)
        return found


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What whoever runs the tests has set must not colour them."""
    for name in ("NO_COLOR", "FORCE_COLOR", "AUTOCLAVE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "safety_rules.yaml").write_text("version: 1\n")
    return folder


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


@pytest.fixture
def call(
    home: Path, control: FakeControl, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Called]:
    """`call("goal", "list")`: one call of `autoclave` on a home of its own."""

    def call(*arguments: str) -> Called:
        code = run(["--home", str(home), *arguments], opener=lambda _: control)  # type: ignore[arg-type,return-value]
        captured = capsys.readouterr()
        return Called(code=int(code), out=captured.out, err=captured.err)

    return call


@pytest.fixture
def goal() -> JsonObject:
    return dict(GOAL)


@pytest.fixture
def report() -> JsonObject:
    return dict(REPORT)


@pytest.fixture
def proposal() -> JsonObject:
    return dict(PROPOSAL)


@pytest.fixture
def owner_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sheet:
    """P-0001 for the signature of whoever runs the test, who has a key."""
    key = create_key(KeyFile(path=tmp_path / "owners" / "maria.key"))
    monkeypatch.setenv("AUTOCLAVE_OWNER_KEY", str(tmp_path / "owners" / "maria.key"))
    return Sheet(subject="P-0001", digest=DIGEST, home="h", expires_at=2e9, owners={key: "maria"})
