"""A capability that asks the kernel: real rules, journal, sandbox, fetcher and kills."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import PROMPTS
from tests.fakes_owner import Person

from autoclave.core.driver import Driver
from autoclave.core.mind_loader import LoadedMind
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.run import Run, RunStatus
from autoclave.service.control import Control
from autoclave.service.goals import GoalSpec
from autoclave.service.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TOKEN = "t0ken-that-nobody-may-see"

MANIFEST = """
name = "report"
version = "1.0.0"
purpose = "Sends a report."
effect = "once"
[needs]
network = ["127.0.0.1"]
knowledge = true
secrets = [{ name = "KEY", host = "127.0.0.1", header = "X-Key" }]
[inputs]
type = "object"
[inputs.properties.url]
type = "string"
x-type = "url"
[inputs.properties.secret]
type = "string"
[outputs]
type = "object"
"""

CODE = """
import os

async def execute(context, inputs):
    known = context.recall("reports")
    try:
        page = context.request("POST", inputs["url"], body="hello", secret=inputs["secret"])
    except PermissionError as error:
        return {"refused": str(error), "environment": dict(os.environ)}
    return {"status": page["status"], "text": page["body"].decode(), "known": sorted(known)}
"""

CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from autoclave.service.home import Home
from autoclave.settings import Settings
from autoclave.wiring import open_control
from autoclave.core.driver import Driver

async def main():
    control = open_control(Home(root=Path(sys.argv[1])), settings=Settings(own_servers=sys.argv[3]))
    def hear(event):
        if event.kind == sys.argv[4] and event.payload.get("ordinal") == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    control._parts.ledger.listeners.append(hear)
    sys.path.insert(0, sys.argv[5])
    from tests.stories import test_asking_the_kernel as here
    await Driver(here.with_mind(control._parts, sys.argv[6])).drive(sys.argv[2])

asyncio.run(main())
"""


class Server:
    """A server of one's own; `hear` is told of each request before it is answered."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.hear: Callable[[], None] = lambda: None
        self.place = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(5) if head.startswith(b"POST") else b""
        self.heard.append(head + body)
        self.hear()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ndone"
        )
        writer.close()

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.place = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://{self.place}/reports"


def with_mind(parts: Any, url: str, *, secret: str = "") -> Any:
    """The parts with a mind that wants one report sent."""
    inputs = {"url": url, "secret": secret}
    act: JsonObject = {"kind": "Act", "step": "act", "capability": "report", "inputs": inputs}

    def decide(view: Any) -> JsonObject:
        if view["run"]["state"] == "IDLE":
            step = {"name": "act", "capability": "report", "inputs": inputs, "after": []}
            plan = {"signature": "report", "source": "composed", "steps": [step]}
            plan["template"] = plan["steps"]
            return {"path": ["PLANNING", "EXECUTING"], "plan": plan, "intent": act}
        if not view["results"]:
            return {"path": [], "intent": act}
        path = ["ERROR", "RECOVERING"] if view["run"]["state"] == "EXECUTING" else []
        return {"path": path, "intent": {"kind": "GiveUp", "reason": "that was all"}}

    return replace(parts, mind=LoadedMind("tree", decide, prompts=PROMPTS))


@pytest.fixture
def reporting(home: Home) -> Home:
    """A home that came with a capability which sends something."""
    folder = home.capabilities / "report"
    folder.mkdir()
    (folder / "capability.toml").write_text(MANIFEST)
    (folder / "code.py").write_text(CODE)
    return home


async def begin(control: Control, server: Server, **more: str) -> tuple[Run, Any]:
    """The goal up to its first stop."""
    parts = with_mind(control._parts, server.url, **more)
    goal = await parts.ledger.new_id("G")
    added = NewEvent(kind=EventKind.GOAL_ADDED, payload={"text": f"send it to {server.url}"})
    await parts.ledger.post(f"goal/{goal}", added, actor="person:test")
    return await Driver(parts).drive(goal), parts


async def in_a_child(home: Home, run: Run, server: Server, *, dies_at: str) -> int:
    """Drive the goal in a process of its own; how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, str(home.root), run.id, server.place, dies_at),
        *(str(Path(__file__).parents[2]), server.url),
    )
    server.hear = process.kill if dies_at == "at the server" else lambda: None
    return await process.wait()


async def test_a_report_is_sent_once_through_a_kill_after_the_answer(
    reporting: Home, open_home: Callable[..., Any]
) -> None:
    """The process that goes on gets the recorded answer, and the server hears of nothing."""
    async with Server() as server:
        async with open_home(reporting, own_servers=server.place) as control:
            asked, parts = await begin(control, server)
            assert asked.status is RunStatus.AWAITING_HUMAN
            assert f"May report send POST {server.url}" in asked.reason
            assert (asked.question or {})["shown"] == "hello"
            assert server.heard == []
            await Person().answer(parts, asked, yes=True)

        ended = await in_a_child(reporting, asked, server, dies_at="BrokerAnswered")
        assert ended == -signal.SIGKILL
        async with open_home(reporting, own_servers=server.place) as control:
            run = await Driver(with_mind(control._parts, server.url)).drive(asked.id)

    assert run.results["act"]["outputs"]["text"] == "done"
    assert run.results["act"]["outputs"]["known"]
    assert len(server.heard) == 1
    assert server.heard[0].endswith(b"hello")


@pytest.mark.parametrize("again", [True, False])
async def test_a_report_in_doubt_is_a_persons_decision(
    reporting: Home, open_home: Callable[..., Any], again: bool
) -> None:
    """A kill while the server has it: it is sent again only if somebody signs for that."""
    async with Server() as server:
        async with open_home(reporting, own_servers=server.place) as control:
            asked, parts = await begin(control, server)
            await Person().answer(parts, asked, yes=True)
        assert await in_a_child(reporting, asked, server, dies_at="at the server") != 0
        server.hear = lambda: None
        async with open_home(reporting, own_servers=server.place) as control:
            parts = with_mind(control._parts, server.url)
            doubt = await Driver(parts).drive(asked.id)
            assert "may have arrived" in doubt.reason
            await Person().answer(parts, doubt, yes=again)
            run = await Driver(parts).drive(asked.id)

    outputs = run.results["act"]["outputs"]
    assert len(server.heard) == 1 + again
    assert ("status" in outputs) is again
    assert again or "said no" in outputs["refused"]


async def test_a_secret_is_not_sent_in_the_open_and_lies_nowhere_else(
    reporting: Home, open_home: Callable[..., Any]
) -> None:
    """Nothing that is not encrypted gets it; it stands in one file, and in no environment."""
    async with Server() as server, open_home(reporting, own_servers=server.place) as control:
        given = {"host": "127.0.0.1", "header": "X-Key", "prefix": ""}
        assert TOKEN not in str(await control.set_secret("KEY", TOKEN, **given))
        run, _ = await begin(control, server, secret="KEY")

    outputs = run.results["act"]["outputs"]
    assert "not encrypted" in outputs["refused"]
    assert TOKEN not in str(outputs["environment"])
    assert run.denials == ("network.request",)
    assert server.heard == []
    holding = [each for each in reporting.root.rglob("*") if each.is_file()]
    found = [each.name for each in holding if TOKEN.encode() in each.read_bytes()]
    assert found == ["secrets.json"]


async def test_a_goal_that_names_a_page_reads_it(home: Home, open_home: Callable[..., Any]) -> None:
    """The shipped mind plans it, the shipped capability asks for it; unencrypted, it is asked."""
    async with Server() as server, open_home(home, own_servers=server.place) as control:
        parts = control._parts
        added = await control.add_goal(
            GoalSpec(text=f"fetch the page {server.url}"), by="person:me"
        )
        asked = await Driver(parts).drive(added["id"])
        assert asked.status is RunStatus.AWAITING_HUMAN, asked.reason
        assert f"May fetch_page send GET {server.url}?" in asked.reason
        await Person().answer(parts, asked, yes=True)
        run = await Driver(parts).drive(added["id"])

    (page,) = run.results.values()
    assert page["outputs"]["text"] == "done"
    assert page["labels"]["text"] == {"origin": "web", "trusted": False, "source": ""}
    assert run.status is RunStatus.DONE
    assert len(server.heard) == 1


async def test_a_goal_that_asks_what_is_known_is_told(
    home: Home, open_home: Callable[..., Any]
) -> None:
    """Without a question: what was learned here is for those who declare that they read it."""
    async with open_home(home) as control:
        text = "what do you know about “the weather”"
        added = await control.add_goal(GoalSpec(text=text), by="person:me")
        run = await Driver(control._parts).drive(added["id"])

    (told,) = run.results.values()
    assert told["outputs"]["text"] == "nothing is known about that"
    assert run.status is RunStatus.DONE
