"""Secrets in a run: hands use them, and nothing that is stored, shown or thought about has them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import KEY, FakeCapability, FakeGate, FakeToolbox, Loop, open_loop

from autoclave.core.checkpoints import Checkpoints
from autoclave.core.driver import Driver
from autoclave.core.rollback import roll_back
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.intents import Act, Effect, to_json
from autoclave.domain.risk import ActionKind
from autoclave.domain.run import Run, RunStatus
from autoclave.service.history import event_to_json

TOKEN = "ghp_" + "a1B2c3D4" * 5
PASSWORD = "tr0ub4dor-and-3-more"
FOUND = f"first {TOKEN}\npassword='{PASSWORD}'\n"
ENCODED = base64.b64encode(f"a file with {TOKEN} inside".encode()).decode()
FILE = f"export GITHUB={TOKEN}\n# {ENCODED}\n".encode()
SECRETS = (TOKEN.encode(), PASSWORD.encode(), ENCODED.encode())


@pytest.fixture
def loops() -> Iterator[list[Loop]]:
    """Loops to close at the end."""
    opened: list[Loop] = []
    yield opened
    for loop in opened:
        loop.close()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A workspace in which the secret is already."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "old.env").write_bytes(FILE)
    return folder


class Hands:
    """Capabilities that read a secret and write it, and take note of what they were given."""

    def __init__(self) -> None:
        self.given: list[JsonObject] = []

    async def read(self, inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        return {"text": FOUND, "password": PASSWORD}

    async def write(self, inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        self.given.append(inputs)
        changes = (
            FileChange(path="new.env", before=None, after=FILE),
            FileChange(path="old.env", before=FILE, after=FILE + b"more\n"),
        )
        return {"changes": ChangeSet(changes), "said": f"wrote {TOKEN}"}

    def toolbox(self) -> FakeToolbox:
        return FakeToolbox(
            read=FakeCapability(self.read),
            write=FakeCapability(self.write, effect=Effect.VERIFIABLE, writes=True),
        )


class Mind:
    """Reads, writes what it read, then waits; keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, view: Any) -> Any:
        self.shown.append(json.dumps(view))
        read = Act(step="read", capability="read", inputs={})
        inputs = {"text": {"$ref": "read.text"}, "login": {"$ref": "read.password"}}
        write = Act(step="write", capability="write", inputs=inputs)
        if view["run"]["state"] == "IDLE":
            steps = [
                {"name": a.step, "capability": a.capability, "inputs": a.inputs, "after": []}
                for a in (read, write)
            ]
            plan = {"signature": "s", "source": "composed", "steps": steps, "template": steps}
            path = ["PLANNING", "EXECUTING"]
            return {"path": path, "plan": plan, "intent": to_json(read)}
        if "write" not in view["results"]:
            return {"path": [], "intent": to_json(write)}
        return {"path": [], "intent": {"kind": "Wait", "seconds": 1000, "reason": "enough"}}


async def _driven(loop: Loop, work: Path) -> Run:
    text = f"put {TOKEN} where it belongs"
    goal = await loop.add(text, workspace=str(work), allow_up_to=0)
    return await Driver(loop.parts).drive(goal)


async def test_hands_get_the_secret_and_the_mind_never_does(
    tmp_path: Path, work: Path, loops: list[Loop]
) -> None:
    """What a step uses by reference, and what is written, are the true bytes."""
    hands, mind = Hands(), Mind()
    loops.append(loop := open_loop(tmp_path, hands.toolbox(), decide=mind))

    run = await _driven(loop, work)

    assert run.status is RunStatus.WAITING
    assert hands.given == [{"text": FOUND, "login": PASSWORD}]
    assert (work / "new.env").read_bytes() == FILE
    assert (work / "old.env").read_bytes() == FILE + b"more\n"
    assert len(mind.shown) == 3
    for secret in SECRETS:
        for shown in mind.shown:
            assert secret.decode() not in shown


async def test_nothing_that_is_stored_or_shown_holds_a_secret(
    tmp_path: Path, work: Path, loops: list[Loop]
) -> None:
    """Database, snapshot, archive, checkpoint, export and history, to the byte."""
    loops.append(loop := open_loop(tmp_path, Hands().toolbox(), decide=Mind()))
    run = await _driven(loop, work)
    loop.parts.ledger._keep_snapshot(run)
    await loop.parts.ledger.post(
        run.stream, NewEvent(kind=EventKind.GOAL_CANCELLED), actor="person:test"
    )
    checkpoints = Checkpoints(
        tmp_path / "checkpoints",
        url=f"sqlite:///{tmp_path / 'journal.db'}",
        key=KEY,
        anchor=tmp_path / "anchor",
        lock=tmp_path / "lock",
    )
    checkpoints.create("a note", journal=loop.journal)

    events = loop.journal.read_all()
    shown = json.dumps([event_to_json(event) for event in events]) + repr(run)
    exported = "\n".join(loop.journal.export())
    moved = loop.journal.archive()
    loop.journal.close()

    assert moved > 0
    assert "<redacted:github:" in shown
    assert not any(secret.decode() in shown + exported for secret in SECRETS)
    stored = _stored(tmp_path, work)
    assert any(path.suffix == ".gz" for path in stored)
    for path in stored:
        data = _plain(path)
        assert not any(secret in data for secret in SECRETS), path


async def test_a_restart_writes_what_was_prepared_before_it(
    tmp_path: Path, work: Path, loops: list[Loop]
) -> None:
    """A person says yes to the marks; the bytes come from the vault."""
    gate = FakeGate(ask=[ActionKind.WORKSPACE_WRITE])
    hands = Hands()
    loops.append(first := open_loop(tmp_path, hands.toolbox(), decide=Mind(), gate=gate))
    asked = await _driven(first, work)
    assert asked.question is not None
    assert "<redacted:github:" in asked.question["shown"]

    loops.append(again := open_loop(tmp_path, hands.toolbox(), decide=Mind(), gate=gate))
    run = await _answered(again, asked)

    assert run.status is RunStatus.WAITING
    assert (work / "new.env").read_bytes() == FILE
    assert len(hands.given) == 1


async def test_a_secret_that_is_lost_fails_the_step(
    tmp_path: Path, work: Path, loops: list[Loop]
) -> None:
    """A mark is never written in the place of a secret."""
    gate = FakeGate(ask=[ActionKind.WORKSPACE_WRITE])
    loops.append(first := open_loop(tmp_path, Hands().toolbox(), decide=Mind(), gate=gate))
    asked = await _driven(first, work)
    (tmp_path / "vault").unlink()

    loops.append(again := open_loop(tmp_path, Hands().toolbox(), decide=Mind(), gate=gate))
    run = await _answered(again, asked)

    assert "is not kept for goal/G-0001" in run.results["write"]["failure"]["message"]
    assert not (work / "new.env").exists()
    assert (work / "old.env").read_bytes() == FILE


async def test_a_roll_back_brings_the_secret_back(
    tmp_path: Path, work: Path, loops: list[Loop]
) -> None:
    """What was there before is there again, to the byte."""
    loops.append(loop := open_loop(tmp_path, Hands().toolbox(), decide=Mind()))
    run = await _driven(loop, work)

    await roll_back(loop.parts, run)

    assert (work / "old.env").read_bytes() == FILE
    assert not (work / "new.env").exists()


async def test_events_from_before_there_were_marks_are_read_and_acted_on(
    tmp_path: Path, work: Path, loops: list[Loop]
) -> None:
    """An old journal holds the true bytes; it verifies and can be rolled back."""
    loops.append(loop := open_loop(tmp_path, Hands().toolbox(), decide=Mind()))
    goal = await loop.add("old", workspace=str(work))
    old = loop.journal
    old._vault = None
    changes = ChangeSet((FileChange(path="old.env", before=b"older\n", after=FILE),))
    run = await loop.parts.ledger.take(await loop.parts.ledger.load(goal), mind="tree")
    result = {"ok": True, "outputs": {}, "applied": {"key": "k", "paths": ["old.env"]}}
    done = {"key": "k", "intent": to_json(Act(step="a", capability="a", inputs={}))}
    run = await loop.parts.ledger.record(
        run,
        NewEvent(
            kind=EventKind.CHANGES_PREPARED, payload={"key": "k", "changes": changes.to_json()}
        ),
        NewEvent(kind=EventKind.RESULT_RECORDED, payload={**done, "result": result}),
    )

    loops.append(again := open_loop(tmp_path, Hands().toolbox(), decide=Mind()))
    await roll_back(again.parts, await again.parts.ledger.load(goal))

    assert (work / "old.env").read_bytes() == b"older\n"
    assert again.journal.verify().ok


async def _answered(loop: Loop, asked: Run) -> Run:
    question = asked.question or {}
    payload = {"request": question["request"], "digest": question["digest"], "yes": True}
    answer = NewEvent(kind=EventKind.ANSWER_GIVEN, payload=payload)
    await loop.parts.ledger.post(asked.stream, answer, actor="person:test")
    return await Driver(loop.parts).drive(asked.id)


def _stored(folder: Path, work: Path) -> list[Path]:
    """Every file but the vault and the workspace."""
    found = [path for path in folder.rglob("*") if path.is_file() and work not in path.parents]
    return [path for path in found if path.name != "vault"]


def _plain(path: Path) -> bytes:
    import gzip

    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data
