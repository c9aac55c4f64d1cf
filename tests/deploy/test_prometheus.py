"""A real Prometheus server scrapes a real `serve`, with the shipped rules."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoclave.service.home import Home, init_home

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        return str(answer.read().decode())


def _until(found: Callable[[], Any], seconds: float = 45.0) -> Any:
    """What `found` gives once it gives something."""
    ends = time.monotonic() + seconds
    while True:
        try:
            if value := found():
                return value
        except (OSError, urllib.error.URLError):
            pass
        assert time.monotonic() < ends, "it did not come to this"
        time.sleep(0.1)


@contextmanager
def _process(*words: str, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env={**os.environ})
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@contextmanager
def _serving(home: Home, port: int, folder: Path) -> Iterator[None]:
    words = (sys.executable, "-m", "autoclave", "serve", "--quiet", "--home", str(home.root))
    with _process(*words, "--port", str(port), log=folder / "serve.log"):
        _until(lambda: _get(f"http://127.0.0.1:{port}/livez"))
        yield


@contextmanager
def _prometheus(target: int, folder: Path) -> Iterator[Callable[[str], Any]]:
    """A server with the shipped configuration, in which only the place and the pace are changed."""
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(DEPLOY / "alerts.yml", folder / "alerts.yml")
    port = _free_port()
    words = (
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )

    def ask(path: str) -> Any:
        return json.loads(_get(f"http://127.0.0.1:{port}/api/v1/{path}"))["data"]

    with _process(*words, log=folder / "prometheus.log"):
        yield ask


def _query(ask: Callable[[str], Any], expression: str) -> list[Any]:
    found: list[Any] = ask(f"query?query={urllib.parse.quote(expression)}")["result"]
    return found


def test_prometheus_scrapes_serve_and_loads_the_rules(tmp_path: Path) -> None:
    """The target is up, what it says arrives, every rule is evaluated without an error."""
    home = init_home(tmp_path / "home").home
    port = _free_port()

    with _serving(home, port, tmp_path), _prometheus(port, tmp_path) as ask:
        _until(lambda: _query(ask, 'up{job="autoclave"} == 1'))
        running = _until(lambda: _query(ask, "autoclave_running == 1"))
        beats = _until(lambda: _query(ask, "autoclave_heartbeat_timestamp_seconds > 0"))
        started = _query(ask, 'autoclave_events_total{kind="AgentStarted"}')
        appended = _until(lambda: _query(ask, "autoclave_journal_append_seconds_count > 0"))
        groups = _until(lambda: _evaluated(ask("rules")["groups"]))
        (target,) = ask("targets")["activeTargets"]

    assert running
    assert beats
    assert appended
    assert started[0]["value"][1] == "1"
    assert target["lastError"] == ""
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    shipped = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    assert len(rules) == sum(len(group["rules"]) for group in shipped)
    firing = {rule["name"] for rule in rules if rule["state"] == "firing"}
    assert not firing & {"AutoclaveDown", "AutoclaveUnapprovedChange", "AutoclaveAuditGap"}


def _evaluated(groups: list[Any]) -> list[Any]:
    """The groups, once every rule was evaluated at least once."""
    rules = [rule for group in groups for rule in group["rules"]]
    return groups if rules and all(rule["health"] != "unknown" for rule in rules) else []
