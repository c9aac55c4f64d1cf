"""Snapshots: a run as JSON and back, and a ledger that may use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.fakes import FakeToolbox, open_loop
from tests.fakes_runs import event, lives

from autoclave.core.snapshots import run_from_json, run_to_json
from autoclave.domain.canonical import canonical
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.folding import fold, fold_all

a_few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@a_few
@given(life=lives())
def test_a_run_survives_json(life: list[Event]) -> None:
    """Through the real text, as the database keeps it."""
    run = fold_all("G-0001", life)

    again = run_from_json(json.loads(canonical(run_to_json(run))))

    assert again == run


@a_few
@given(life=lives())
def test_life_goes_on_from_a_snapshot_as_from_the_events(life: list[Event]) -> None:
    """Whatever comes next is folded into the same run."""
    run = fold_all("G-0001", life)
    again = run_from_json(json.loads(canonical(run_to_json(run))))
    following = event(EventKind.GOAL_PAUSED, {"reason": "x"}, seq=run.seq + 1)

    assert fold(again, following) == fold(run, following)


def test_a_snapshot_of_another_shape_is_refused() -> None:
    """It is not read half."""
    data = run_to_json(fold_all("G-0001", []))
    del data["tries"]
    spoilt = {**data, "unknown": 1}

    with pytest.raises(TypeError):
        run_from_json(spoilt)


async def test_a_long_run_is_loaded_from_a_snapshot_and_the_rest(fast_tmp_path: Path) -> None:
    """It is the run that all its events give."""
    loop = open_loop(fast_tmp_path, FakeToolbox())
    ledger = loop.parts.ledger
    goal = await loop.add("x")
    run = await ledger.take(await ledger.load(goal), mind="m")
    failure = {"failure": {"error_class": "X", "message": "m"}}
    batch = [NewEvent(kind=EventKind.ERROR_MET, payload=failure)] * 90
    for _ in range(3):
        run = await ledger.record(run, *batch)

    assert loop.journal.latest_snapshot(run.stream) is not None
    assert await ledger.load(goal) == fold_all(goal, await ledger.events(run.stream)) == run
    loop.close()
