"""The doors: here in a thread of its own, elsewhere put together from other questions."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from autoclave.dashboard.local_door import LocalDoor
from autoclave.dashboard.remote_door import RemoteDoor
from autoclave.domain.errors import Conflict, Unreachable
from autoclave.service.home import Home


class Given:
    """A Control that remembers in which thread it works."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.is_closed = False

    async def goals(self) -> list[str]:
        self.threads.add(threading.get_ident())
        return ["G-0001"]

    async def retry_goal(self, goal: str) -> None:
        raise Conflict(f"{goal} runs")

    async def doctor(self) -> None:
        raise ZeroDivisionError("a bug")

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "safety_rules.yaml").write_text("version: 1\n")
    return Home(root=tmp_path)


async def test_control_works_in_another_thread_and_is_closed(home: Home) -> None:
    """So that nothing it does holds up the screen."""
    given = Given()
    door: Any = LocalDoor(home, opener=lambda _: given)  # type: ignore[arg-type,return-value]

    assert await door.goals() == ["G-0001"]
    await door.aclose()

    assert given.threads
    assert threading.get_ident() not in given.threads
    assert given.is_closed


async def test_errors_come_through_and_bugs_become_one(home: Home) -> None:
    """What breaks behind the door must not take the screen with it."""
    door: Any = LocalDoor(home, opener=lambda _: Given())  # type: ignore[arg-type,return-value]

    with pytest.raises(Conflict, match="G-1 runs"):
        await door.retry_goal("G-1")
    with pytest.raises(Unreachable, match="doctor broke: ZeroDivisionError"):
        await door.doctor()
    await door.aclose()


async def test_an_overview_opens_nothing_and_is_read_once(home: Home) -> None:
    """A look each second costs a look at two files."""
    door = LocalDoor(home, opener=lambda _: pytest.fail("opened"))

    first = await door.overview()

    assert await door.overview() is first
    await door.aclose()


async def test_an_agent_elsewhere_has_the_same_overview(home: Home) -> None:
    """From its status, goals, proposals and newest events."""
    now = time.time()

    class Remote:
        async def status(self) -> dict[str, Any]:
            last = {"id": 2, "at": now, "stream": "goal/G-1", "kind": "ResultRecorded"}
            return {"events": 2, "running": {"pid": 1}, "last_event": last}

        async def goals(self) -> list[dict[str, Any]]:
            row = {"id": "G-1", "text": "x", "reason": "may it?", "code": "", "updated_at": now}
            return [row | {"status": "awaiting human"}, row | {"id": "G-2", "status": "done"}]

        async def proposals(self) -> list[dict[str, Any]]:
            row = {"id": "P-1", "title": "mend", "risk": "R4", "created_at": now}
            return [row | {"status": "waiting"}, row | {"id": "P-2", "status": "applied"}]

        async def history(self, after: int, limit: int) -> list[dict[str, Any]]:
            started = {"kind": "AgentStarted", "stream": "agent", "at": now - 9, "summary": "s"}
            payload = {"spend": {"tokens": 5}, "result": {"ok": False}}
            result = {"kind": "ResultRecorded", "stream": "goal/G-1", "at": now - 1, "summary": "r"}
            return [started | {"payload": {}}, result | {"payload": payload}]

    found = await RemoteDoor(Remote()).overview()

    assert [each["id"] for each in found["needs"]] == ["P-1", "G-1"]
    assert found["process"]["kind"] == "AgentStarted"
    assert (found["hour"]["tokens"][-1], found["hour"]["errors"][-1]) == (5, 1)
