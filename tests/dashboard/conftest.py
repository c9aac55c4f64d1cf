"""A door with given answers, and the dashboard before it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.keys import _character_to_key

from autoclave.dashboard.app import Dashboard
from autoclave.dashboard.glyphs import UNICODE
from autoclave.domain.approval import Approval, Sheet
from autoclave.domain.canonical import JsonObject

NOW = 1_790_000_000.0
ME = "person:maria"
DIGEST = "abcdef0123456789" * 4
SIZES = [(120, 36), (80, 24), (60, 18), (40, 12)]
DIFF = "--- a/code.py\n+++ b/code.py\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+y = 3\n"


def goal_row(number: int = 1, **more: Any) -> JsonObject:
    row = {
        "id": f"G-{number:04}",
        "kind": "goal",
        "text": "make the failing tests pass",
        "status": "queued",
        "state": "IDLE",
        "priority": 0,
        "reason": "",
        "code": "",
        "wake_at": None,
        "workspace": "/work",
        "spend_usd": 0.0,
        "added_at": NOW - 600,
        "updated_at": NOW - 60,
    }
    return row | more


def goal_of(**more: Any) -> JsonObject:
    """One goal as Control shows it."""
    goal = {
        "id": "G-0001",
        "kind": "goal",
        "text": "make the failing tests pass",
        "status": "running",
        "state": "EXECUTING",
        "reason": "",
        "workspace": "/work",
        "done_test": "pytest -q",
        "priority": 0,
        "attempt": 1,
        "plan": {
            "source": "composed",
            "signature": "run_tests>repair",
            "approach": "",
            "steps": [
                {"name": "run_tests", "capability": "run_tests", "status": "done"},
                {"name": "fix", "capability": "repair_python", "status": "to do"},
            ],
        },
        "failures": [],
        "remedies": [],
        "question": None,
        "files": ["code.py"],
        "diff": DIFF,
        "spend": {"usd": 0.25, "tokens": 1200, "steps": 7, "seconds": 12.5, "model_calls": 2},
        "budget": {"usd": 1.0, "tokens": 2_000_000, "steps": 200, "seconds": 3600.0},
        "lesson": "",
        "outcome": None,
        "added_by": ME,
        "added_at": NOW - 600,
        "mind_epoch": 1,
    }
    return goal | more


def question_of(**more: Any) -> JsonObject:
    asked = {
        "request": "R-1",
        "question": "may it change code.py?",
        "diff": DIFF,
        "digest": DIGEST,
        "risk": "R1",
        "rules": ["ask-before-writing"],
        "reason": "it changes files",
        "expires_at": NOW + 3600,
        "must_sign": False,
        "people": 1,
        "signed_by": [],
        "waits_for": "",
    }
    return asked | more


def report_of(**more: Any) -> JsonObject:
    """What `overview` says: one goal runs, one question and one proposal wait."""
    needs = [
        need("proposal", "P-0001", "mend the parser", risk="R4", since=NOW - 240),
        need("question", "G-0002", "may it change code.py?", since=NOW - 3600),
    ]
    report: JsonObject = {
        "home": "/home/maria/autoclave",
        "running": {"pid": 7},
        "goals": {"running": 1, "awaiting human": 1},
        "improvements": {},
        "proposals": {"waiting": 1},
        "needs_person": [],
        "pause": None,
        "shortage": {"level": "ok", "reason": ""},
        "set_aside": {},
        "spend_today_usd": 0.84,
        "spend_today": {"usd": 0.84, "steps": 40},
        "limits_per_day": {"usd": 5.0, "steps": None, "by_purpose": {}},
        "batches": [],
        "events": 10,
        "incidents_today": 0,
        "last_event": {"id": 10, "stream": "goal/G-0001", "kind": "ResultRecorded", "at": NOW - 4},
        "at": NOW,
        "open_goals": [
            goal_row(1, status="running", state="EXECUTING"),
            goal_row(2, status="awaiting human", text="tidy up", reason="may it change code.py?"),
        ],
        "needs": needs,
        "doing": [{"goal": "G-0001", "what": "run_tests", "since": NOW - 41, "under_way": True}],
        "recent": [event(9, summary="read_file: done"), event(10, summary="run_tests: 3 passed")],
        "hour": {"tokens": [0, 0, 5, 9, 0, 3, 0, 0, 1, 2, 8, 4], "errors": [0] * 12, "events": 61},
        "process": {"kind": "AgentStarted", "at": NOW - 3600, "what": "serve started"},
        "last_decision": NOW - 7200,
        "has_database": True,
    }
    return report | more


def need(kind: str, name: str, what: str, *, risk: str = "", since: float = NOW) -> JsonObject:
    return {"kind": kind, "id": name, "what": what, "risk": risk, "code": "", "since": since}


def event(number: int, **more: Any) -> JsonObject:
    found = {
        "id": number,
        "stream": "goal/G-0001",
        "seq": number,
        "kind": "ResultRecorded",
        "actor": "kernel",
        "at": NOW - 20 + number,
        "summary": "something was done",
        "payload": {"spend": {"usd": 0.01, "tokens": 10}, "result": {"ok": True}},
    }
    return found | more


PROPOSAL: JsonObject = {
    "id": "P-0001",
    "title": "mend the parser",
    "reason": "two goals failed",
    "status": "applied",
    "risk": "R4",
    "digest": DIGEST,
    "diff": DIFF,
    "created_at": NOW - 900,
    "decided_by": ME,
    "decision_reason": "",
}
PATTERN: JsonObject = {
    "id": "PT-1",
    "kind": "error",
    "key": "k",
    "description": "the parser fails on an empty file",
    "conditions": {"capability": "parse"},
    "actions": {},
    "uses": 4,
    "success_rate": 0.75,
    "lower_bound": 0.4,
    "goals": ["G-0001", "G-0002"],
    "state": "active",
    "updated_at": NOW - 50,
    "lesson": {"text": "look at the length first", "model": "claude", "uses": 3, "at": NOW},
}
PREVIEW: JsonObject = {
    "text": "list the files",
    "workspace": "",
    "reading": "a composed plan: list_files",
    "done_test": "none: every step of the plan succeeds",
    "is_checked": False,
    "steps": [{"name": "list_files", "capability": "list_files", "inputs": {}}],
    "source": "composed",
    "may_use": [],
    "refused": "",
    "similar": [],
    "budget": {"usd": 1.0, "steps": 200, "seconds": 3600.0},
    "may_answer_up_to": "R0",
    "model": "",
    "model_note": "",
}
DOCTOR: JsonObject = {
    "ok": False,
    "checks": [
        {"name": "journal", "verdict": "ok", "detail": "61 events verify", "fix": ""},
        {"name": "disk", "verdict": "fail", "detail": "1 % is free", "fix": "free some space"},
    ],
}


@dataclass
class FakeDoor:
    """Answers what it was given; remembers what it was asked. An answer may be an error."""

    report: Any = field(default_factory=report_of)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    async def overview(self) -> JsonObject:
        if isinstance(self.report, BaseException):
            raise self.report
        found: JsonObject = self.report
        return found

    async def history(self, after: int, limit: int, stream: str = "") -> list[JsonObject]:
        events = [each for each in self.answers["history"] if each["stream"].startswith(stream)]
        if after < 0:
            return events[-limit:]
        return [each for each in events if each["id"] > after][:limit]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self.answers:
            raise AttributeError(name)

        async def method(*values: Any, **named: Any) -> Any:
            self.asked.append((name, values, named))
            answer = self.answers[name]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return method

    def was_asked(self, name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        return [(values, named) for asked, values, named in self.asked if asked == name]


ANSWERS: dict[str, Any] = {
    "history": [event(number) for number in range(1, 11)],
    "goals": [goal_row(1, status="running"), goal_row(2, status="done", text="tidy up")],
    "goal": goal_of(),
    "patterns": [PATTERN],
    "proposals": [PROPOSAL],
    "lineage": [{"commit": "c0ffee" * 6, "proposal": "P-0001", "message": "m", "at": NOW}],
    "doctor": DOCTOR,
    "audit_incidents": [event(3, kind="IncidentRecorded", summary="interrupted: fetch")],
    "settings": [{"name": "model", "value": "auto", "origin": "default"}],
    "owners": {"home": "h", "owners": [{"name": "maria", "key": "ab" * 32, "since": NOW}]},
    "secrets": [{"name": "token", "host": "example.org"}],
    "research": {
        "question": "what is it?",
        "answer": "",
        "passages": [{"text": "An agent.", "source": "docs/loop.md", "score": 0.9}],
    },
    "preview_goal": PREVIEW,
    "add_goal": goal_of(),
    "pause_agent": {},
    "resume_agent": {},
    "pause_goal": None,
    "resume_goal": None,
    "cancel_goal": None,
    "retry_goal": None,
    "add_budget": None,
    "answer_goal": "",
    "retire_pattern": PATTERN,
    "undo_proposal": PROPOSAL,
}


class Clock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += seconds


class Seen:
    """The dashboard on a screen of its own, with hands."""

    def __init__(self, app: Dashboard, pilot: Any, door: FakeDoor, clock: Clock) -> None:
        self.app, self.pilot, self.door, self.clock = app, pilot, door, clock
        self.rung = 0

    @property
    def text(self) -> str:
        """What stands on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*(_character_to_key(k) if len(k) == 1 else k for k in keys))
        await self.settle()

    async def settle(self) -> None:
        """Until nothing is under way."""
        for _ in range(3):
            await self.app.workers.wait_for_complete(
                [each for each in self.app.workers if each.group != "timer"]
            )
            await self.pilot.pause()

    async def look(self, **more: Any) -> None:
        """Another look, after which things stand otherwise."""
        if more:
            self.door.report = {**self.door.report, **more}
        self.app.look_now()
        await self.settle()


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def door() -> FakeDoor:
    return FakeDoor(answers=dict(ANSWERS))


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def signed(sheet: Sheet) -> Approval:
    return sheet.unsigned("key", at=NOW, nonce="n")


@pytest.fixture
def seen(door: FakeDoor, clock: Clock) -> Callable[..., Any]:
    """`async with seen((80, 24)) as screen`: the dashboard before the door."""

    @asynccontextmanager
    async def show(size: tuple[int, int] = (80, 24), **more: Any) -> AsyncIterator[Seen]:
        given = {"me": ME, "glyphs": UNICODE, "clock": clock, "ticks": clock, "sign": signed}
        app = Dashboard(door, **(given | more))  # type: ignore[arg-type]
        async with app.run_test(size=size) as pilot:
            screen = Seen(app, pilot, door, clock)
            await screen.settle()
            yield screen

    return show


@pytest.fixture
def report() -> Callable[..., JsonObject]:
    return report_of


@pytest.fixture
def goal() -> Callable[..., JsonObject]:
    return goal_of


@pytest.fixture
def question() -> Callable[..., JsonObject]:
    return question_of


@pytest.fixture
def waiting() -> Callable[..., JsonObject]:
    return need
