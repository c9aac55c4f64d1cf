"""A failure that keeps coming back becomes an opportunity, and what ends it."""

from __future__ import annotations

from typing import Any

import pytest

from autoclave.domain.events import EventKind
from autoclave.domain.knowledge import Opportunity
from autoclave.learning.knowledge_base import KnowledgeBase


def _two_failures(log: Any, start: int = 1) -> None:
    log.fail_goal(f"G-{start}", "describe a.csv", message="'price'")
    log.fail_goal(f"G-{start + 1}", "describe b.csv", message="'name'")


def _raise(log: Any, opportunity: Opportunity) -> None:
    log.write(
        "agent",
        EventKind.OPPORTUNITY_RAISED,
        key=opportunity.key,
        title=opportunity.title,
        capability=opportunity.capability,
        pattern_id=opportunity.pattern_id,
        goal_id="G-90",
    )


def _draft(
    log: Any, opportunity: Opportunity, goal_id: str = "G-90", verdict: str = "pass"
) -> None:
    log.write(
        "proposal/P-1",
        EventKind.PROPOSAL_DRAFTED,
        opportunity_key=opportunity.key,
        goal_id="G-90",
        operators=["swap:Compare"],
    )
    gates = [{"name": "parse", "verdict": verdict}]
    log.write("proposal/P-1", EventKind.GATES_JUDGED, gates=gates)


def _end(log: Any, success: str) -> None:
    log.end_goal("G-90", "improve describe_csv", success, kind="improvement")


def test_two_goals_with_the_same_error_make_an_opportunity(log: Any) -> None:
    """It names the capability, the goals and the cases that show it."""
    _two_failures(log)

    [found] = log.knowledge.opportunities()

    assert found.capability == "describe_csv"
    assert found.key.startswith("error:describe_csv:")
    assert (found.goals, found.confirmations) == (("G-1", "G-2"), 2)
    assert "KeyError at code.py:parse: <text>" in found.title
    cases = log.knowledge.cases(found)
    assert [case.goal_id for case in cases] == ["G-1", "G-2"]
    assert cases[0].files == {"a.csv": "x\ny\n"}


def test_one_goal_that_fails_twice_confirms_once(log: Any) -> None:
    """Confirmations are distinct goals."""
    log.fail_goal("G-1", "describe a.csv")
    log.fail_goal("G-1", "describe a.csv")

    assert log.knowledge.opportunities() == []


def test_how_many_goals_it_takes_is_a_setting(log: Any) -> None:
    """With three confirmations asked for, two are not enough."""
    _two_failures(log)

    assert KnowledgeBase(log.engine, confirmations=3).opportunities() == []


@pytest.mark.parametrize(
    "other", [{"error_class": "ValueError"}, {"where": "code.py:load"}, {"capability": "read"}]
)
def test_different_errors_do_not_add_up(log: Any, other: dict[str, str]) -> None:
    """Another class, another place or another capability is another error."""
    log.fail_goal("G-1", "describe a.csv")
    log.fail_goal("G-2", "describe b.csv", **other)

    assert log.knowledge.opportunities() == []


@pytest.mark.parametrize("nowhere", [{"where": ""}, {"capability": ""}])
def test_an_error_that_points_nowhere_is_no_opportunity(log: Any, nowhere: dict[str, str]) -> None:
    """Without a place in a capability there is nothing of ours to change."""
    log.fail_goal("G-1", "describe a.csv", **nowhere)
    log.fail_goal("G-2", "describe b.csv", **nowhere)

    assert log.knowledge.opportunities() == []


def test_a_retired_pattern_is_no_opportunity(log: Any) -> None:
    """A person has said that it does not matter."""
    _two_failures(log)
    [found] = log.knowledge.opportunities()

    log.write("agent", EventKind.PATTERN_RETIRED, pattern_id=found.pattern_id, reason="known")

    assert log.knowledge.opportunities() == []


def test_one_opportunity_per_key_is_open_at_a_time(log: Any) -> None:
    """While an improvement run or its proposal is under way, it is not offered again."""
    _two_failures(log)
    [found] = log.knowledge.opportunities()

    _raise(log, found)
    _two_failures(log, 3)
    assert log.knowledge.opportunities() == []
    _draft(log, found)
    _end(log, "ok")

    assert log.knowledge.opportunities() == []


@pytest.mark.parametrize(
    "how",
    [
        EventKind.PROPOSAL_REJECTED,
        EventKind.PROPOSAL_EXPIRED,
        EventKind.PROPOSAL_APPLIED,
        EventKind.PROPOSAL_UNDONE,
    ],
)
def test_what_was_decided_takes_new_confirmations(log: Any, how: EventKind) -> None:
    """After a decision the old goals do not count; two new ones bring it back."""
    _two_failures(log)
    [found] = log.knowledge.opportunities()
    _raise(log, found)
    _draft(log, found)
    _end(log, "ok")
    log.write("proposal/P-1", how, reason="no", commit="c")
    log.fail_goal("G-5", "describe e.csv")
    assert log.knowledge.opportunities() == []

    log.fail_goal("G-6", "describe f.csv")

    [again] = log.knowledge.opportunities()
    assert again.key == found.key
    assert again.goals == ("G-5", "G-6")


def test_a_run_that_finds_nothing_gives_the_opportunity_up(log: Any) -> None:
    """A failed search is not repeated until there is new evidence."""
    _two_failures(log)
    [found] = log.knowledge.opportunities()
    _raise(log, found)
    _end(log, "failed")
    assert log.knowledge.opportunities() == []

    _two_failures(log, 5)

    assert [each.goals for each in log.knowledge.opportunities()] == [("G-5", "G-6")]


def test_a_proposal_that_fails_its_gates_gives_it_up_too(log: Any) -> None:
    """A dead proposal does not keep its opportunity open for ever."""
    _two_failures(log)
    [found] = log.knowledge.opportunities()
    _raise(log, found)
    _draft(log, found, verdict="fail")
    _end(log, "ok")

    _two_failures(log, 5)

    assert len(log.knowledge.opportunities()) == 1


def test_a_cancelled_improvement_gives_it_up(log: Any) -> None:
    """And a retried one takes it up again."""
    _two_failures(log)
    [found] = log.knowledge.opportunities()
    _raise(log, found)
    log.write("goal/G-90", EventKind.GOAL_CANCELLED, reason="later")
    log.write("goal/G-90", EventKind.GOAL_RETRIED)

    _two_failures(log, 5)

    assert log.knowledge.opportunities() == []


def test_only_the_newest_cases_keep_their_files(log: Any) -> None:
    """At most eight failures of one kind can be run again."""
    for number in range(11):
        log.fail_goal(f"G-{number}", "describe a.csv")

    [found] = log.knowledge.opportunities()

    assert found.confirmations == 11
    assert [case.goal_id for case in log.knowledge.cases(found)] == [f"G-{n}" for n in range(3, 11)]


def test_a_cancelled_goal_confirms_nothing(log: Any) -> None:
    """Its case is kept, but it is no evidence."""
    log.fail_goal("G-1", "describe a.csv")
    failure = {"error_class": "KeyError", "message": "'x'", "where": "code.py:parse"}
    log.write(
        "goal/G-2", EventKind.CASE_RECORDED, capability="describe_csv", files={}, failure=failure
    )
    log.write("goal/G-2", EventKind.GOAL_CANCELLED, reason="changed my mind")

    assert log.knowledge.opportunities() == []
