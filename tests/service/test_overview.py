"""What the first screen of a dashboard is made from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.core.board import BoardProjection
from autoclave.core.journal import SqlJournal
from autoclave.domain.events import EventKind, NewEvent
from autoclave.service.home import Home
from autoclave.service.overview import BUCKETS, overview, written

Tell = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "safety_rules.yaml").write_text("version: 1\n")
    home = Home(root=tmp_path)
    home.prepare()
    return home


@pytest.fixture
def tell(home: Home) -> Tell:
    """Writes events to the home's journal."""

    def tell(stream: str, *events: tuple[EventKind, dict[str, Any]]) -> None:
        journal = SqlJournal(
            f"sqlite:///{home.database}", b"k" * 32, home.anchor, projections=(BoardProjection(),)
        )
        new = [NewEvent(kind=kind, payload=payload) for kind, payload in events]
        journal.post(stream, new, actor="kernel")
        journal.close()

    return tell


def test_a_home_without_a_database_has_an_overview(home: Home) -> None:
    """Nothing is made by looking."""
    found = overview(home)

    assert (found["needs"], found["open_goals"], found["has_database"]) == ([], [], False)
    assert not home.database.exists()


def test_it_says_what_runs_and_what_it_does(home: Home, tell: Tell) -> None:
    """The newest event of a running goal is what is under way."""
    tell(
        "goal/G-0001",
        (EventKind.GOAL_ADDED, {"text": "tidy up"}),
        (EventKind.RUN_TAKEN, {"mind": "m"}),
        (EventKind.INTENT_RECORDED, {"intent": {"kind": "Act", "capability": "run_tests"}}),
    )

    found = overview(home)

    assert [goal["status"] for goal in found["open_goals"]] == ["running"]
    ((doing),) = found["doing"]
    assert (doing["goal"], doing["what"], doing["under_way"]) == ("G-0001", "run_tests", True)


def test_questions_and_parked_goals_need_a_person(home: Home, tell: Tell) -> None:
    """With what they want and since when."""
    asked = {"question": "may it?", "expires_at": time.time() + 60}
    tell("goal/G-0001", (EventKind.GOAL_ADDED, {"text": "a"}), (EventKind.QUESTION_ASKED, asked))
    parked = {"reason": "no money", "code": "budget"}
    tell("goal/G-0002", (EventKind.GOAL_ADDED, {"text": "b"}), (EventKind.GOAL_PARKED, parked))

    needs = overview(home)["needs"]

    assert [(each["kind"], each["id"], each["what"]) for each in needs] == [
        ("question", "G-0001", "may it?"),
        ("parked goal", "G-0002", "no money"),
    ]


def test_the_last_hour_counts_tokens_and_failures(home: Home, tell: Tell) -> None:
    """In twelve parts, the newest last."""
    good = {"spend": {"tokens": 7}, "result": {"ok": True}, "intent": {"kind": "Think"}}
    bad = {"spend": {}, "result": {"ok": False}, "intent": {"kind": "Act"}}
    tell("goal/G-0001", (EventKind.RESULT_RECORDED, good), (EventKind.RESULT_RECORDED, bad))

    hour = overview(home)["hour"]

    assert (hour["tokens"][BUCKETS - 1], hour["errors"][BUCKETS - 1], hour["events"]) == (7, 1, 2)


def test_an_event_in_words_of_another_version_is_only_not_said(home: Home, tell: Tell) -> None:
    """The overview never fails for a payload."""
    tell("agent", (EventKind.CHECKPOINT_MADE, {"other": 1}))

    assert overview(home)["recent"][-1]["summary"] == ""


def test_a_look_at_the_files_tells_whether_to_read_again(home: Home, tell: Tell) -> None:
    """It differs after an event and not before."""
    before = written(home)
    assert written(home)[2:] == before[2:]

    tell("agent", (EventKind.AGENT_STARTED, {"doing": "serve"}))

    assert written(home) != before
