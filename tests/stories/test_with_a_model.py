"""Whole goals with a model, over the real program and HTTP; each killed once and taken up again."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.servers.messages import MessagesServer
from tests.servers.script import Script
from tests.servers.script_file import load_script
from tests.servers.seen import Seen
from tests.servers.turns import Reply, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SCRIPTS = Path(__file__).parent / "models"
SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": "def discounted(price: float, rate: float) -> float:\n"
    "    return price * (1 - rate)\n",
    "shop/cart.py": "from shop.prices import discounted\n\n\n"
    "def total(items: list[tuple[float, int]], rate: float) -> float:\n"
    "    total = sum(discounted(price * quantity, rate) for price, quantity in items)\n"
    "    return discounted(total, rate)\n",
    "test_cart.py": "from shop.cart import total\n\n\n"
    "def test_the_discount_is_taken_once() -> None:\n"
    "    assert total([(10.0, 2)], 0.5) == 10.0\n",
}
WORDS = {"words.py": "def count(text: str) -> int:\n    return len(text.split())\n"}
SALES = {
    "may.csv": 'what,amount\ndesk,"1,250.50"\nlamp,49.50\n',
    "june.csv": 'what,amount\nchair,"2,000.00"\nmat,1.00\n',
}


class World:
    """A home, a workspace, a model that plays a script, and the program as people start it."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.folder, self.home, self.work = folder, folder / "home", folder / "work"
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.running: subprocess.Popen[str] | None = None
        self.model: dict[str, str] = {}
        self.server: MessagesServer | None = None
        assert self.call("init", str(self.home), home=False).returncode == 0

    def call(self, *words: str, home: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the program to its end; SIGKILL is an end too."""
        self.running = subprocess.Popen(
            self._argv(words, home=home),
            env=self._environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        out, err = self.running.communicate()
        return subprocess.CompletedProcess(words, self.running.returncode, out, err)

    def json(self, *words: str) -> Any:
        done = self.call(*words, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def ask(self, server: MessagesServer) -> None:
        """Let the program ask this model from now on."""
        self.model, self.server = server.environment(), server

    def serve_until(self, is_so: Callable[[], bool]) -> None:
        """Let the agent go on with whatever waits, until it is so."""
        argv = self._argv(("serve", "--no-http"), home=True)
        with subprocess.Popen(
            argv,
            env=self._environment(),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as serving:
            try:
                while not is_so():
                    assert serving.poll() is None
                    assert self.server is not None
                    assert not self.server.mismatches
            finally:
                serving.send_signal(signal.SIGTERM)

    def goal(self, goal: str = "G-0001") -> Any:
        return self.json("goal", "show", goal)

    def kill(self) -> None:
        assert self.running is not None
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()

    def _argv(self, words: tuple[str, ...], *, home: bool) -> list[str]:
        where = ["--home", str(self.home)] if home else []
        return [sys.executable, "-m", "autoclave", *where, *words]

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "LANG", "AUTOCLAVE_NO_MODEL_CALLS")
        inherited = {name: os.environ[name] for name in kept if name in os.environ}
        return {**inherited, "HOME": str(self.folder / "person"), **self.model}


def killed_at(name: str, script: Script, kill: Callable[[], None]) -> Script:
    """The script in which the one who asks is killed before this turn is answered.

    Whoever is killed asks again, so the turn stands twice.
    """
    items: list[Any] = []
    for item in script.items:
        if isinstance(item, Turn) and item.name == name:

            def reply(seen: Seen, usual: Any = item.reply) -> Reply:
                kill()
                assert isinstance(usual, Reply)
                return usual

            items.append(dataclasses.replace(item, name=f"{name} (killed)", reply=reply))
        items.append(item)
    assert len(items) == len(script.items) + 1
    return Script(items=tuple(items), options=script.options)


@pytest.fixture
def world(tmp_path: Path) -> Callable[[dict[str, str]], World]:
    (tmp_path / "person").mkdir()
    return lambda files: World(tmp_path, files)


def test_a_failing_project_is_mended(world: Callable[[dict[str, str]], World]) -> None:
    """Killed while the model thinks: counted, asked again, and nothing is written twice."""
    here = world(SHOP)
    script = killed_at("check", load_script(SCRIPTS / "fix.yaml"), here.kill)
    with MessagesServer(script) as server:
        here.ask(server)
        goal = ("make the shop's totals right", "--workspace", str(here.work))
        done = ("--done", "python -m pytest -q", "--yes-up-to", "R1", "--model", "claude")

        first = here.call("run", *goal, *done)
        assert not server.mismatches
        here.serve_until(lambda: here.goal()["status"] == "done")

        server.check()
    ended = here.goal()
    assert first.returncode == -signal.SIGKILL
    assert "    return total\n" in (here.work / "shop/cart.py").read_text()
    assert [step["capability"] for step in ended["plan"]["steps"]].count("edit_file") == 2
    assert ended["spend"]["model_calls"] == len(server.requests)
    assert ended["spend"]["usd"] <= ended["budget"]["usd"]
    assert here.call("audit", "verify").returncode == 0
    assert "was cut off without a result" in here.call("audit", "incidents").stdout


def test_a_feature_is_added_after_a_question(world: Callable[[dict[str, str]], World]) -> None:
    """The question outlives the process that asked it, and so does its answer."""
    here = world(WORDS)
    script = killed_at("write", load_script(SCRIPTS / "feature.yaml"), here.kill)
    with MessagesServer(script) as server:
        here.ask(server)
        text = "add a function `commonest` with tests to words.py"
        options = ("--workspace", str(here.work), "--yes-up-to", "R1", "--model", "claude")

        asked = here.call("run", text, *options)
        question = here.goal()["question"]
        answer = ("goal", "answer", "G-0001", "yes", "--hash", question["digest"])
        assert here.call(*answer).returncode == 0
        killed = here.call("serve", "--no-http")
        here.serve_until(lambda: here.goal()["status"] == "done")

        server.check()
    assert asked.returncode == 11
    assert "a tie go to the word" in question["question"]
    assert killed.returncode == -signal.SIGKILL
    assert "def commonest" in (here.work / "words.py").read_text()
    assert (here.work / "test_commonest.py").exists()
    assert here.call("audit", "verify").returncode == 0


def test_one_of_its_own_capabilities_is_improved(
    world: Callable[[dict[str, str]], World], tmp_path: Path
) -> None:
    """Two goals fail for one reason; a draft is judged and approved, then both succeed."""
    here = world(SALES)
    shutil.copytree(SCRIPTS / "total_column", tmp_path / "total_column")
    assert here.call("capability", "add", str(tmp_path / "total_column")).returncode == 0
    for month, total in (("may", "1300.00"), ("june", "2001.00")):
        text = f"total {month}.csv and write it to {month}.txt"
        done = ("--done", f"grep -qx {total} {month}.txt", "--yes-up-to", "R1")
        failed = here.call("run", text, "--workspace", str(here.work), *done, "--model", "offline")
        assert failed.returncode == 1, failed.stdout + failed.stderr
    script = killed_at("the change", load_script(SCRIPTS / "improve.yaml"), here.kill)
    with MessagesServer(script) as server:
        here.ask(server)

        killed = here.call("improve")
        again = here.call("improve")

        server.check()
    proposals = here.json("proposal", "list")["proposals"]
    [waiting] = [each for each in proposals if each["status"] == "waiting"]
    shown = here.json("proposal", "show", waiting["id"])
    approved = here.call("proposal", "approve", waiting["id"], "--hash", waiting["digest"])
    here.serve_until(lambda: {here.goal(g)["status"] for g in ("G-0001", "G-0002")} == {"done"})

    assert killed.returncode == -signal.SIGKILL
    assert again.returncode == 0, again.stderr
    assert approved.returncode == 0, approved.stderr
    assert any("larger numbers" in each for each in shown["contract"]["at_risk"])
    assert (here.work / "may.txt").read_text() == "1300.00\n"
    assert here.call("audit", "verify").returncode == 0
