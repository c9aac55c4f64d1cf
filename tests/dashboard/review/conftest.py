"""One proposal, a door that answers with it, a clock that stands still, and an app around it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from textual.app import App

from autoclave.dashboard.review.memory import ReviewMemory
from autoclave.dashboard.review.screen import ReviewScreen
from autoclave.dashboard.themes import DARK, LIGHT
from autoclave.domain.approval import Approval, Sheet
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import AutoclaveError, NotFound

NOW = 1_795_180_000.0
DIGEST = "0bcc9264606f6405a699f1b56c5384b84b8d7f033ec324d5d9a526317466f162"
DIFF = '''\
--- a/capabilities/describe_table/code.py
+++ b/capabilities/describe_table/code.py
@@ -37,7 +37,7 @@
 def percentile(ordered: list[float], share: float) -> float:
     """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
     rank = math.ceil(share * len(ordered))
-    return ordered[rank]
+    return ordered[rank - 1]
 # …
 # …
 def numbers(cells: Any) -> list[float]:
@@ -60,4 +60,5 @@
 def mean(values: list[float]) -> float:
-    return sum(values) / len(values)
+    # An empty column has no mean.
+    return sum(values) / len(values) if values else 0.0
 # …
 # …
--- /dev/null
+++ b/capabilities/describe_table/rounding.py
@@ -0,0 +1,3 @@
+def rounded(value: float) -> float:
+    """To what people read."""
+    return round(value, 3)
'''


def gate(name: str, verdict: str = "pass", summary: str = "fine", **facts: Any) -> JsonObject:
    return {
        "name": name,
        "verdict": verdict,
        "seconds": 1.3,
        "summary": summary,
        "facts": facts,
    }


PROPOSAL: JsonObject = {
    "id": "P-0014",
    "title": "describe_table: 2 failing tests repaired by one change (off by one)",
    "reason": "describe_table: IndexError at code.py:percentile: list index out of range (2 goals)",
    "status": "waiting",
    "capability": "describe_table",
    "risk": "R4",
    "digest": DIGEST,
    "base_tree": "aaaa1111bbbb2222",
    "candidate_tree": "cccc3333dddd4444",
    "diff": DIFF,
    "files": ["capabilities/describe_table/code.py"],
    "gates": [
        gate("surface", summary="2 files, all in the body", paths=["code.py", "rounding.py"]),
        gate("types", summary="no new type findings"),
        gate("capability tests", summary="4 of 4 tests pass", tests=4, passed=4),
        gate("replay", summary="2 recorded failures succeed now, and fail without the change"),
    ],
    "tier": "FULL",
    "contract": {
        "cause": [36, 41],
        "expected_fixes": ["G-0001", "G-0002"],
        "at_risk": [],
        "undo": "autoclave proposal undo P-0014",
        "alternatives": 3,
    },
    "case_against": [
        "3 other patches passed the same tests, which do not tell them apart",
        "it rests on 2 recorded failures and on the tests there are",
    ],
    "drafted_by": "search",
    "follows": "",
    "answers": [],
    "comments": [],
    "rules": ["changes-of-ourselves"],
    "ruling": "a change of a capability is asked for",
    "created_at": NOW - 400,
    "judged_at": NOW - 240,
    "expires_at": NOW + 23 * 3600,
    "approval": None,
    "people": 1,
    "signed_by": [],
    "waits_for": "",
    "looked_seconds": None,
    "lines": DIFF.count("\n"),
    "decided_by": "",
    "decision_reason": "",
    "commit": "",
    "run": "G-0003",
}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float = 1.0) -> None:
        self.now += seconds


class FakeDoor:
    """Port Door over proposals in memory; writes down what was asked of it."""

    def __init__(self, *proposals: JsonObject) -> None:
        self.found = {each["id"]: copy.deepcopy(each) for each in proposals}
        self.done: list[tuple[Any, ...]] = []
        self.fails: AutoclaveError | None = None
        """Raised by everything from now on."""
        self.unsignable: AutoclaveError | None = None
        self.waits_for = ""
        """What one yes lacks."""

    async def proposals(self, status: str | None = None) -> list[JsonObject]:
        return [
            copy.deepcopy(each) for each in self.found.values() if status in (None, each["status"])
        ]

    async def proposal(self, proposal: str) -> JsonObject:
        if self.fails:
            raise self.fails
        if proposal not in self.found:
            raise NotFound(f"there is no proposal {proposal}")
        return copy.deepcopy(self.found[proposal])

    async def show_proposal(
        self, proposal: str, *, by: str, to: Literal["person", "program"] = "person"
    ) -> JsonObject:
        self.done.append(("show", proposal, by, to))
        return await self.proposal(proposal)

    async def proposal_sheet(self, proposal: str) -> Sheet:
        if self.unsignable:
            raise self.unsignable
        digest = (await self.proposal(proposal))["digest"]
        return Sheet(subject=proposal, digest=digest, home="h", expires_at=NOW + 9e9, owners={})

    async def approve_proposal(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        self.done.append(("approve", proposal, signed.digest, by))
        if self.waits_for:
            return self._become(proposal, status="signed", waits_for=self.waits_for)
        return self._become(proposal, status="applied", commit="abcdef0123456789")

    async def reject_proposal(self, proposal: str, reason: str, *, by: str) -> JsonObject:
        self.done.append(("reject", proposal, reason, by))
        return self._become(proposal, status="rejected", decided_by=by)

    async def return_proposal(self, proposal: str, comments: list[str], *, by: str) -> JsonObject:
        self.done.append(("return", proposal, comments, by))
        return self._become(proposal, status="returned")

    async def goal(self, goal: str) -> JsonObject:
        return {"id": goal, "spend": {"usd": 0.0123, "tokens": 4100, "seconds": 34.0}}

    @property
    def decisions(self) -> list[tuple[Any, ...]]:
        return [each for each in self.done if each[0] != "show"]

    def _become(self, proposal: str, **changes: Any) -> JsonObject:
        self.found[proposal] |= changes
        return copy.deepcopy(self.found[proposal])


async def sign(sheet: Sheet) -> Approval:
    """A hand that signs whatever it is given."""
    return replace(sheet.unsigned("k", at=NOW, nonce="n"), signature="s")


class Desk(App[None]):
    """Nothing but the review."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, screen: ReviewScreen, *, theme: str = DARK.name) -> None:
        super().__init__()
        self.review = screen
        self.ended: list[str | None] = []
        self._wanted_theme = theme

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self._wanted_theme
        self.push_screen(self.review, self.ended.append)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proposal() -> JsonObject:
    """A proposal that can be changed."""
    return copy.deepcopy(PROPOSAL)


@pytest.fixture
def desk(clock: Clock) -> Callable[..., tuple[Desk, FakeDoor]]:
    """Makes an app that shows one proposal, and the door behind it."""

    def make(
        given: JsonObject = PROPOSAL, *, memory: Path | None = None, **more: Any
    ) -> tuple[Desk, FakeDoor]:
        door = FakeDoor(given)
        theme = more.pop("theme", DARK.name)
        screen = ReviewScreen(
            given["id"],
            door=door,
            sign=sign,
            clock=clock,
            by="person:maria",
            memory=ReviewMemory(memory),
            **more,
        )
        return Desk(screen, theme=theme), door

    return make
