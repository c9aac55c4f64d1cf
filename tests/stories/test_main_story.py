"""The whole loop: goals fail, the agent finds out why, mends itself with leave, they succeed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.fakes_owner import Person

from autoclave.cli.signing import throw_away_key
from autoclave.domain.canonical import JsonObject
from autoclave.service import demo
from autoclave.service.demo import run_demo
from autoclave.service.home import Home, init_home
from autoclave.settings import Settings
from autoclave.wiring import open_control

pytestmark = pytest.mark.slow

ME = "person:test"
WORK = Path(demo.__file__).parent / "demo_data" / "workspace"


@pytest.mark.timeout(300)
async def test_the_demo_tells_the_truth() -> None:
    """Every claim that it prints is a fact that it checked, and no model was asked."""
    told: list[str] = []

    async def approve(proposal: JsonObject) -> bool:
        return all(gate["verdict"] == "pass" for gate in proposal["gates"])

    facts = await run_demo(
        lambda home: open_control(home, settings=Settings()),
        owner=throw_away_key,
        approve=approve,
        tell=lambda chapter, _: told.append(chapter),
    )

    assert facts["before"] == {"goals": 3, "succeeded": 1}
    assert facts["after"] == {"goals": 3, "succeeded": 3}
    assert {gate["verdict"] for gate in facts["proposal"]["gates"]} == {"pass"}
    assert facts["undo_ok"]
    assert facts["redo_ok"]
    assert facts["audit_ok"]
    assert facts["model_calls"] == 0
    assert told[0] == "home"
    assert told[-1] == "audit"


@pytest.mark.timeout(300)
async def test_the_story_over_postgresql(
    postgres_schema: str, tmp_path: Path, open_home: Any, story: Any
) -> None:
    """The same home, the same words, another database; the file of SQLite stays empty."""
    home: Home = init_home(tmp_path / "home").home
    work = tmp_path / "work"
    shutil.copytree(WORK, work)

    async with open_home(home, database_url=postgres_schema) as control:
        goals = await story(control, work)
        found = await control.improve()
        proposal = await control.proposal(found["proposals"][0]["id"])
        await Person().approve(control, proposal["id"], digest=proposal["digest"])
        await control.run_again(goals)

        assert [(await control.goal(goal))["status"] for goal in goals] == ["done", "done"]
        assert (await control.audit_verify())["ok"]
        assert (work / "orders.md").read_text()
    assert not home.database.exists() or home.database.stat().st_size == 0

    async with open_home(home, database_url=postgres_schema) as again:
        assert {row["status"] for row in await again.goals()} == {"done"}
