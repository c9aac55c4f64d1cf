"""What may be forgotten, and what never."""

from __future__ import annotations

from typing import Any

from autoclave.learning.forgetting import Remembered, forget, plan_forgetting

DAY = 86_400.0
_NOW = 1_000 * DAY


def _row(number: int, **more: Any) -> Remembered:
    given = {
        "id": f"E-{number:03d}",
        "family_id": 1,
        "success": "ok",
        "verified_by": "check",
        "seconds": 100.0 - number,
        "at": number * DAY,
        "is_evidence": False,
    }
    return Remembered(**{**given, **more})


def test_the_newest_and_the_best_of_a_family_stay() -> None:
    """Of 60 old successes the last twenty and the five fastest keep their details."""
    rows = [_row(n, seconds=float(n)) for n in range(60)]

    dropped = plan_forgetting(rows, now=_NOW)

    assert dropped == [f"E-{n:03d}" for n in range(5, 40)]


def test_nothing_recent_is_forgotten() -> None:
    """Only what is older than thirty days may go."""
    assert plan_forgetting([_row(n) for n in range(60)], now=60 * DAY) == [
        f"E-{n:03d}" for n in range(30)
    ]


def test_evidence_and_a_persons_word_stay() -> None:
    """What an active pattern leans on and what a person judged are kept."""
    rows = [_row(n) for n in range(60)]
    rows[0] = _row(0, is_evidence=True)
    rows[1] = _row(1, verified_by="person")

    assert {"E-000", "E-001"}.isdisjoint(plan_forgetting(rows, now=_NOW))


def test_unresolved_failures_stay() -> None:
    """A failure is resolved when its family has succeeded since."""
    failures = [_row(n, success="failed") for n in range(60)]
    success = _row(70)

    assert plan_forgetting(failures, now=_NOW) == []
    assert len(plan_forgetting([*failures, success], now=_NOW)) == 60 - 19


def test_forgetting_keeps_goals_and_counts(log: Any) -> None:
    """Details go, but the experience, its family and its plan are still recalled."""
    for number in range(40):
        context = {"workspace_kind": f"kind {number}"}
        plan = {"signature": f"plan {number}", "steps": []}
        log.end_goal(f"G-{number}", "count the words", seconds=number, context=context, plan=plan)
    log.now += 90 * DAY

    with log.engine.begin() as connection:
        first = forget(connection, now=log.now)
        second = forget(connection, now=log.now)

    assert (first, second) == (15, 0)
    assert len(log.knowledge.replay("random", 100)) == 25
    assert log.knowledge.recall("count the words", limit=3)["experiences"]
    assert sum(p.uses for p in log.knowledge.patterns() if p.kind == "success") == 40
