"""The servers as a person starts them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPT = """
- name: greet
  expect: {user_contains: hi}
  reply: {text: hello}
"""


@contextmanager
def started(module: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The server in a process of its own, and the variables it printed."""
    command = [sys.executable, "-m", f"tests.servers.{module}", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(2)]
        try:
            yield process, dict(line.split("=", 1) for line in lines)
        finally:
            process.kill()


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=10)
    return process.returncode, said


def test_the_messages_server_says_how_to_reach_it_and_logs(tmp_path: Path) -> None:
    """Its variables work as printed; the log has each request and no key."""
    script, log = tmp_path / "script.yaml", tmp_path / "log.jsonl"
    script.write_text(SCRIPT, encoding="utf-8")
    with started("messages", "--script", str(script), "--log", str(log)) as (process, variables):
        address = variables["ANTHROPIC_BASE_URL"].removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request(
            "POST",
            "/v1/messages",
            json.dumps(
                {
                    "model": "claude-opus-5-5",
                    "max_tokens": 9,
                    "messages": [{"role": "user", "content": "hi"}],
                }
            ),
            {
                "Authorization": f"Bearer {variables['ANTHROPIC_API_KEY']}",
                "anthropic-version": "2026-10-21",
            },
        )
        answer = json.loads(connection.getresponse().read())
        connection.close()
        code, said = stop(process)

    logged = json.loads(log.read_text(encoding="utf-8"))
    assert answer["content"][0]["text"] == "hello"
    assert (code, said) == (0, "the script was followed: 1 requests\n")
    assert logged["body"]["messages"][0]["content"] == "hi"
    assert logged["note"]["turn"] == "greet"
    assert "authorization" not in logged["headers"]


def test_a_script_that_was_not_followed_is_said_at_the_end(tmp_path: Path) -> None:
    """Exit code 1 and the turns that nobody asked for."""
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT, encoding="utf-8")

    with started("chat", "--script", str(script)) as (process, variables):
        code, said = stop(process)

    assert variables["AUTOCLAVE_OPENAI_BASE_URL"].endswith("/v1")
    assert code == 1
    assert "turn 1 'greet' was never asked for" in said


def test_a_script_with_a_slip_is_refused_at_the_start(tmp_path: Path) -> None:
    """Exit code 2 and the place."""
    script = tmp_path / "script.yaml"
    script.write_text("- reply: {txt: hello}", encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "tests.servers.messages", "--script", str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "turn 1: reply: unknown txt" in done.stdout
