"""A web hook that is down, slow and broken, and a process that is killed: nothing is forgotten."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent
from autoclave.service.goals import GoalSpec
from autoclave.service.home import Home, init_home
from autoclave.wiring import open_control

pytestmark = pytest.mark.chaos

SECRET = "a long random text for tests"
AGENT = """
import asyncio, sys
from pathlib import Path
from autoclave.service.home import Home
from autoclave.wiring import open_control

control = open_control(Home(root=Path(sys.argv[1])))
asyncio.run(control.serve(asyncio.Event()))
"""


class Receiver:
    """A web hook whose ways change: each request is handled as `handle` says at the time."""

    def __init__(self, port: int) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.handle: Callable[[int], int | None] = lambda number: 200
        """By the number of the request: a status, or None to say nothing for long."""
        self.patience = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers.items()), body))
                status = receiver.handle(len(receiver.got))
                if status is None:
                    receiver.patience.wait(30)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.patience.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def ids(self) -> set[str]:
        return {headers["Autoclave-Id"] for headers, _ in self.got}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ask_something(home: Home) -> None:
    """A goal that waits for a person."""
    control = open_control(home)
    goal = (await control.add_goal(GoalSpec(text="tidy up"), by="person:me"))["id"]
    asked: JsonObject = {"request": "r1", "question": "May it?", "shown": "", "digest": "d"}
    asked |= {"expires_at": time.time() + 9_999, "ruling": {}}
    event = NewEvent(kind=EventKind.QUESTION_ASKED, payload=asked)
    await control._parts.ledger.post(f"goal/{goal}", event, actor="kernel")
    await control.aclose()


def _rows(home: Home) -> list[JsonObject]:
    import sqlite3

    with sqlite3.connect(home.database, timeout=5) as connection:
        try:
            found = connection.execute("SELECT id, attempts, due_at FROM notices").fetchall()
        except sqlite3.OperationalError:  # not made yet
            return []
    return [dict(zip(("id", "attempts", "due_at"), row, strict=True)) for row in found]


def _until(is_so: Callable[[], bool], seconds: float = 40.0) -> None:
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, "it did not come to this"
        time.sleep(0.05)


@contextmanager
def _agent(home: Home, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """An agent process; killed at the end, as by a power cut."""
    url = f"http://127.0.0.1:{port}/hook"
    environment = {
        **os.environ,
        "AUTOCLAVE_NOTIFY_URL": url,
        "AUTOCLAVE_NOTIFY_SECRET": SECRET,
        "AUTOCLAVE_MODEL": "offline",
    }
    process = subprocess.Popen([sys.executable, "-c", AGENT, str(home.root)], env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_notice_arrives_at_last_with_one_id(tmp_path: Path) -> None:
    """Down, then 500, then silent, killed each time; at the end the receiver has it, once told."""
    home = init_home(tmp_path / "home").home
    asyncio.run(_ask_something(home))
    port = _free_port()

    with _agent(home, port):  # nobody listens
        _until(lambda: any(row["attempts"] >= 1 for row in _rows(home)))

    receiver = Receiver(port)
    try:
        receiver.handle = lambda number: 500
        with _agent(home, port):
            _until(lambda: len(receiver.got) >= 1)

        before = len(receiver.got)
        receiver.handle = lambda number: None  # taken, and killed before it could be answered
        with _agent(home, port):
            _until(lambda: len(receiver.got) > before)

        receiver.handle = lambda number: 200
        with _agent(home, port):
            _until(lambda: all(row["due_at"] is None for row in _rows(home)))
        first = list(receiver.got)

        asyncio.run(_ask_something(home))
        with _agent(home, port):
            _until(lambda: len(receiver.ids) == 2)
    finally:
        receiver.close()

    assert len({headers["Autoclave-Id"] for headers, _ in first}) == 1
    assert receiver.ids == {row["id"] for row in _rows(home)}
    assert len(receiver.got) == len(first) + 1, "what has arrived is not told again"
    for headers, body in first:
        signed = f"{headers['Autoclave-Id']}.{headers['Autoclave-Timestamp']}.".encode() + body
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["Autoclave-Signature"] == f"v1={expected}"
        told = json.loads(body)
        assert (told["kind"], told["subject"], told["what"]) == ("question", "G-0001", "May it?")
