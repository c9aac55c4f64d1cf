"""Recall finds what bears on a goal and keeps silent otherwise."""

from __future__ import annotations

import random
from typing import Any

import pytest

from autoclave.learning.experience_replay import Strategy
from autoclave.learning.ranking import Memory, choose
from autoclave.learning.words import words

_FAMILIES = {
    "tests": "make the failing tests of {} pass",
    "csv": "describe the columns of the table {}.csv",
    "count": "count the words in {}.txt",
    "rename": "rename the class {} everywhere",
    "format": "format the python files of project {}",
    "links": "check all links on the page {}.html",
    "report": "write a weekly report about {} sales",
    "merge": "merge both branches into release {}",
    "thumb": "make small thumbnails from the pictures of {}",
    "log": "find errors in the server log {}.log",
}


def _particular(lots: random.Random) -> str:
    return "".join(lots.choice("bdfgklmnprst") + lots.choice("aeiou") for _ in range(3))


def test_recall_finds_the_right_family_among_two_hundred_goals(quick_log: Any) -> None:
    """Of 200 goals in ten families, nearly all that is recalled belongs to the asked one."""
    lots = random.Random(11)  # noqa: S311 - made-up goals
    for number in range(200):
        family = lots.choice(sorted(_FAMILIES))
        goal = _FAMILIES[family].format(_particular(lots))
        plan = {"signature": family, "source": "composed", "steps": []}
        quick_log.end_goal(f"G-{number}", goal, lots.choice(["ok", "ok", "failed"]), plan=plan)
    knowledge = quick_log.knowledge

    right = shown = 0
    for family in sorted(_FAMILIES):
        recalled = knowledge.recall(_FAMILIES[family].format(_particular(lots)), limit=10)
        shown += len(recalled["experiences"])
        right += sum(each["plan"] == family for each in recalled["experiences"])
        assert recalled["plans"][0]["signature"] == family

    assert shown > 80
    assert right / shown >= 0.95


@pytest.mark.parametrize("query", ["zzz qqq", "", "of the", "12 34", "!?", "translate this poem"])
def test_what_nothing_is_like_recalls_nothing(log: Any, query: str) -> None:
    """Silence is better than a memory that does not fit."""
    log.end_goal("G-1", "describe the table sales.csv")

    recalled = log.knowledge.recall(query)

    assert (recalled["experiences"], recalled["plans"], recalled["patterns"]) == ([], [], [])


def test_one_word_in_common_is_not_the_same_kind_of_goal(log: Any) -> None:
    """A plan to describe something is not offered to delete it."""
    for number in range(3):
        log.end_goal(
            f"G-{number}", "describe the sales table", plan={"signature": "d", "steps": []}
        )

    assert log.knowledge.recall("delete the sales table")["plans"] == []
    assert log.knowledge.recall("describe the sales table")["plans"] != []


@pytest.mark.parametrize(
    "query",
    [
        'describe" OR words:"x',
        "describe NEAR(table, 2)",
        "describe* AND -table ^sales",
        "describe'; DROP TABLE experiences; --",
        "describe & | ! <-> table:*",
        "describe \\ table % _",
        "describe \x00 table \ud800",
    ],
)
def test_query_syntax_is_just_words(log: Any, query: str) -> None:
    """What means something to a database means nothing in a goal."""
    log.end_goal("G-1", "describe the table sales.csv")

    assert log.knowledge.recall(query + " table sales")["experiences"] is not None
    assert len(log.tables()["experiences"]) == 1


def test_at_most_two_failures_are_recalled(log: Any) -> None:
    """A warning, not a horror list; and a failure is not hidden by successes."""
    for number in range(6):
        log.end_goal(f"G-{number}", "describe the table", "failed")
    for number in range(2):
        log.end_goal(f"H-{number}", "describe the table")

    found = log.knowledge.recall("describe the table", limit=5)["experiences"]

    assert [each["success"] for each in found].count("failed") == 2
    assert len(found) == 4


def test_the_better_plan_comes_first(log: Any) -> None:
    """Of two plans for one kind of goal, the proven one leads, with its counts."""
    for number in range(4):
        log.end_goal(f"G-{number}", "count the words", plan={"signature": "good", "steps": []})
        bad = {"signature": "bad", "steps": []}
        log.end_goal(f"H-{number}", "count the words", "failed", plan=bad)

    first, second = log.knowledge.recall("count the words")["plans"]

    assert (first["signature"], first["wins"], first["uses"]) == ("good", 4, 4)
    assert (second["signature"], second["wins"], second["uses"]) == ("bad", 0, 4)
    assert first["lower_bound"] > 0.5 > second["lower_bound"]


def test_an_improvement_run_is_no_example_for_goals(log: Any) -> None:
    """Runs on ourselves are kept apart from what people ask for."""
    log.end_goal("G-1", "repair the reader", kind="improvement")

    assert log.knowledge.recall("repair the reader")["experiences"] == []


def test_ranking_weighs_likeness_proof_age_and_trust() -> None:
    """All else equal, the proven, the newer and the checked memory comes first."""
    weight = {"count": 1.0, "word": 1.0}

    def memory(name: str, **more: Any) -> Memory:
        given = {"proven": 0.5, "age_seconds": 0.0, "verified_by": "check", "success": "ok"}
        return Memory(
            id=name, words=("count", "word"), family_id=1, shown={"id": name}, **{**given, **more}
        )

    memories = [
        memory("told", verified_by="self-report"),
        memory("old", age_seconds=90 * 86_400.0),
        memory("proven", proven=1.0),
        memory("plain"),
    ]
    chosen = choose(memories, ["count", "word"], weight, limit=4, least_alike=0.4)

    assert [each["id"] for each in chosen] == ["proven", "plain", "told", "old"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fix the failing tests", "fix failed test"),
        ("describe sales.csv", "Describe  /tmp/other/cities.csv!"),
        ("count words in a file", "counting the words of files"),
    ],
)
def test_goals_that_differ_in_particulars_have_the_same_words(one: str, other: str) -> None:
    """Endings, small words, names of files and numbers do not count."""
    assert set(words(one)) == set(words(other))


def test_replay_draws_by_strategy(log: Any) -> None:
    """The same seed draws the same; the failure strategy draws failures only."""
    for number in range(12):
        log.end_goal(f"G-{number}", "count the words", "failed" if number % 4 == 0 else "ok")
    knowledge = log.knowledge

    failures = knowledge.replay(Strategy.FAILURES, 10)
    drawn = [knowledge.replay(Strategy.RANDOM, 5, seed=3) for _ in range(2)]

    assert {each.success for each in failures} == {"failed"}
    assert len(failures) == 3
    assert drawn[0] == drawn[1]
    assert len(knowledge.replay(Strategy.RECENT, 50)) == len(knowledge.replay("prioritised", 50))
