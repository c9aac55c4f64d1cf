"""What doctor looks at in the data, the speed and the model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.fakes import FakeSandbox, FakeWorkshop

from autoclave.core.board import BoardProjection
from autoclave.core.journal import SqlJournal
from autoclave.core.journal_engine import open_engine, sqlite_url
from autoclave.core.models.choosing import Models, ModelSettings
from autoclave.core.scripted_model import ScriptedModel
from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import EventKind, NewEvent
from autoclave.learning.projection import LearningProjection
from autoclave.monitoring.health import Check, Health, Probe, check_health
from autoclave.service.doctor_data import data_probes
from autoclave.service.doctor_model import model_probes, ping_probe
from autoclave.service.doctor_speed import LIMITS, speed_probes


class Desk:
    """A journal and what doctor reads of it."""

    def __init__(self, folder: Path) -> None:
        url = sqlite_url(folder / "journal.db")
        projections = (BoardProjection(), LearningProjection())
        self.journal = SqlJournal(url, b"k" * 32, projections=projections)
        self.engine: Engine = open_engine(url)
        self.vault = folder / "vault"
        self.workshop = FakeWorkshop()

    async def look(self) -> dict[str, Check]:
        return await _look(
            *data_probes(self.journal, self.engine, self.workshop, None, vault=self.vault)
        )

    def change(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)


async def _look(*probes: Probe) -> dict[str, Check]:
    return {check.name: check for check in (await check_health(probes)).checks}


@pytest.fixture
def desk(fast_tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(fast_tmp_path)
    added = NewEvent(kind=EventKind.GOAL_ADDED, payload={"text": "tidy up"})
    desk.journal.post("goal/G-0001", [added], actor="kernel")
    yield desk
    desk.journal.close()
    desk.engine.dispose()


async def test_data_that_is_whole_is_well(desk: Desk) -> None:
    """Looking changes nothing."""
    last = desk.journal.last_id()

    found = await desk.look()

    verdicts = {name: check.verdict for name, check in found.items()}
    assert verdicts["database"] is verdicts["board"] is verdicts["knowledge"] is Health.OK
    assert verdicts["vault"] is Health.OK
    assert desk.journal.last_id() == last


async def test_a_board_that_does_not_follow_from_the_events_fails(desk: Desk) -> None:
    """With the row's name and what to do."""
    desk.change("UPDATE goals SET status = 'done'")

    check = (await desk.look())["board"]

    assert check.verdict is Health.FAIL
    assert "G-0001" in check.detail
    assert check.fix


async def test_knowledge_that_points_nowhere_is_told(desk: Desk) -> None:
    """How many rows, and of which table."""
    desk.change("INSERT INTO learning_lessons VALUES ('PT-9', 'x', 'm', 1, 1.0)")

    check = (await desk.look())["knowledge"]

    assert check.verdict is Health.WARN
    assert "1 rows of learning_lessons.pattern_id" in check.detail


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (b'{"stream": "s", "mark": "m", "secret": "x"}\n{"str', Health.OK),
        (b'garbage\n{"stream": "s", "mark": "m", "secret": "x"}\n', Health.FAIL),
    ],
    ids=["cut off by a kill", "damaged"],
)
async def test_a_damaged_vault_fails(desk: Desk, content: bytes, verdict: Health) -> None:
    """A last line that was never finished is no damage."""
    desk.vault.write_bytes(content)

    assert (await desk.look())["vault"].verdict is verdict


async def test_speed_is_held_against_named_limits(fast_tmp_path: Path) -> None:
    """And what was written for that is gone afterwards."""
    probes = speed_probes(fast_tmp_path, FakeSandbox())

    found = await _look(*probes[:2])

    assert {probe.name for probe in probes} == set(LIMITS)
    assert all("the limit is" in check.detail for check in found.values())
    assert not os.listdir(fast_tmp_path)  # noqa: PTH208


class FakeModel(ScriptedModel):
    """A model that says about itself what it was told to."""

    def __init__(self, name: str, **said: object) -> None:
        super().__init__()
        self.name = name
        self._facts = said

    async def look(self) -> JsonObject:
        return {"model": self.name, "window": 200_000, "output": 32_000, **self._facts}


class OneModel(Models):
    """Models with one that is there already."""

    def __init__(self, model: FakeModel | None) -> None:
        super().__init__(ModelSettings(model="offline"), environment={})
        self._one = model

    def choose(self, asked: str) -> FakeModel | None:
        return self._one


async def test_the_price_is_told_with_its_date_and_the_money_with_its_limit() -> None:
    """Without asking anybody."""
    models = OneModel(FakeModel("claude-opus-5-5"))

    found = await _look(
        *model_probes(models.choose, models, own_prices=None, money=lambda: (4.5, 5.0))
    )

    assert found["language model"].detail == "claude-opus-5-5"
    assert "as of 20" in found["model price"].detail
    assert found["money today"].verdict is Health.WARN
    assert found["money today"].detail == "$4.5000 of $5"


def test_the_credential_that_wins_is_named_and_never_shown() -> None:
    """By where it is from."""
    models = Models(ModelSettings(), environment={"ANTHROPIC_API_KEY": "very-secret"})

    (probe, *_) = model_probes(models.choose, models, own_prices=None, money=lambda: (0, 5))
    found = probe.look()

    assert isinstance(found, Check)
    assert "$ANTHROPIC_API_KEY" in found.detail
    assert "very-secret" not in found.detail


@pytest.mark.parametrize(
    ("retires", "verdict"), [("2026-01-01", Health.WARN), ("2199-01-01", Health.OK)]
)
async def test_a_model_that_retires_soon_is_told(retires: str, verdict: Health) -> None:
    """With its limits, when it is asked for."""
    model = FakeModel("m", retires_on=retires)

    found = (await _look(ping_probe(lambda: OneModel(model))))["model ping"]

    assert found.verdict is verdict
    assert "200,000 tokens" in found.detail
    assert retires in found.detail


async def test_without_a_model_there_is_nothing_to_ask() -> None:
    """Which is not a failure."""
    found = (await _look(ping_probe(lambda: OneModel(None))))["model ping"]

    assert found.verdict is Health.NOT_CHECKED
