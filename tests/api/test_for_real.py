"""`autoclave serve` and `--url` as people use them: real processes, a real port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from autoclave.domain.canonical import JsonObject

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AUTOCLAVE = [sys.executable, "-m", "autoclave"]
Call = Callable[..., tuple[int, JsonObject]]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """Somebody who was never here before, and their home."""
    own = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "STATE", "DATA")}
    places = {**os.environ, **own, "AUTOCLAVE_HOME": str(tmp_path / "home")}
    subprocess.run([*AUTOCLAVE, "init", str(tmp_path / "home")], env=places, check=True)
    return places


@pytest.fixture
def call(places: dict[str, str]) -> Call:
    def call(*arguments: str, **more: str) -> tuple[int, JsonObject]:
        ended = subprocess.run(
            [*AUTOCLAVE, *arguments, "--json"],
            env={**places, **more},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return ended.returncode, json.loads(
            ended.stdout.splitlines()[0] if "-f" in arguments else ended.stdout
        )

    return call


@contextmanager
def serving(places: dict[str, str], *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*AUTOCLAVE, "serve", "--port", "0", *more],
        env=places,
        cwd="/",
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = next(
            line for line in process.stderr if "answering at" in line or "autoclave:" in line
        )
        yield process, said.rpartition(" ")[2].strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_a_goal_from_afar(places: dict[str, str], call: Call, tmp_path: Path) -> None:
    """A token, a goal by URL, its end; the server stops gracefully with 0."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.txt").write_text("hello\n")
    token = call("token", "create", "me", "--role", "approver", "--expires", "1d")[1]["token"]
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(token)
    with serving(places) as (process, url):
        at = ("--url", url, "--token-file", str(file))
        goal = call(*at, "goal", "add", "show a.txt", "-w", str(tmp_path / "work"))[1]["id"]
        following = subprocess.Popen(
            [*AUTOCLAVE, *at, "history", "--follow", "--json"],
            env=places,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert following.stdout is not None
        assert any('"GoalEnded"' in line for line in following.stdout)
        following.terminate()
        following.communicate(timeout=30)

        assert call(*at, "goal", "show", goal)[1]["status"] == "done"
        assert call(*at, "status")[1]["running"]["pid"] == process.pid
        assert call("goal", "list", "--url", url, AUTOCLAVE_TOKEN=token)[1]["goals"]
        assert call(*at, "pause", "--reason", "lunch")[1]["paused"]
        assert not call(*at, "resume")[1]["paused"]
        assert call(*at, "goal", "show", "G-9999")[0] == 3
        assert call(*at, "checkpoint", "restore", "C-1")[0] == 2
        assert call(*at, "doctor")[0] == 0
        call("token", "revoke", "me")
        assert call(*at, "goal", "list")[0] == 5
    assert process.returncode == 0
    assert call("token", "list")[1]["tokens"] == []


def test_ready_once_it_works_and_gone_when_it_stops(places: dict[str, str]) -> None:
    """The probes that a supervisor asks."""
    with serving(places) as (_, url), httpx2.Client(base_url=url, trust_env=False) as client:
        assert client.get("/livez").json()["alive"]
        assert client.get("/readyz").json()["ready"]
        assert "autoclave_running 1" in client.get("/metrics").text
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/livez", trust_env=False)


def test_a_port_that_is_taken(call: Call) -> None:
    """75: try later, or elsewhere; and without HTTP it is not needed."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        code, said = call("serve", "--port", port)

    assert (code, said["error"]["code"]) == (75, "busy")
    assert "--port" in said["error"]["hint"]


def test_others_reach_it_only_when_there_is_a_token(call: Call) -> None:
    """Nothing listens before."""
    code, said = call("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104

    assert (code, said["error"]["code"]) == (5, "credential_missing")


def test_a_second_agent_announces_nothing(places: dict[str, str], call: Call) -> None:
    """It says who holds the home."""
    with serving(places):
        code, said = call("serve", "--port", "0")

    assert (code, said["error"]["code"]) == (75, "busy")
    assert "another agent process" in said["error"]["message"]


def test_a_token_is_needed_and_kept_close(
    places: dict[str, str], call: Call, tmp_path: Path
) -> None:
    """None, one that others can read, and an address where others would read it."""
    file = tmp_path / "token"
    file.write_text("autoclave_x")
    file.chmod(0o644)

    assert call("goal", "list", "--url", "http://127.0.0.1:1")[0] == 5
    assert call("goal", "list", "--url", "http://127.0.0.1:1", "--token-file", str(file))[0] == 5
    code, said = call("goal", "list", "--url", "http://agent.example", AUTOCLAVE_TOKEN="x")
    assert (code, "https" in said["error"]["hint"]) == (2, True)
