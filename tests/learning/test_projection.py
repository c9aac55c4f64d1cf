"""What is learnt from events, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine

from autoclave.domain.errors import NotFound
from autoclave.domain.events import EventKind
from autoclave.domain.knowledge import PatternKind, PatternState


def _story(log: Any) -> None:
    """A little of everything that the projection listens to."""
    for number in range(3):
        log.fail_goal(f"G-{number}", f"describe the file sales{number}.csv", message=f"'c{number}'")
        log.end_goal(f"G-1{number}", f"count the words of notes{number}.txt")
    opportunity = log.knowledge.opportunities()[0]
    log.write(
        "agent",
        EventKind.OPPORTUNITY_RAISED,
        key=opportunity.key,
        title=opportunity.title,
        capability=opportunity.capability,
        pattern_id=opportunity.pattern_id,
        goal_id="G-50",
    )
    repair = {"ok": True, "outputs": {"tried": {"swap:Compare": [4, 1], "call:Name": [3, 0]}}}
    intent = {"kind": "Act", "step": "repair", "capability": "repair_python", "inputs": {}}
    log.write("goal/G-50", EventKind.RESULT_RECORDED, key="k", intent=intent, result=repair)
    log.write(
        "proposal/P-1",
        EventKind.PROPOSAL_DRAFTED,
        opportunity_key=opportunity.key,
        goal_id="G-50",
        operators=["swap:Compare"],
    )
    log.write("proposal/P-1", EventKind.GATES_JUDGED, gates=[{"name": "a", "verdict": "pass"}])
    log.end_goal("G-50", "improve describe_csv", kind="improvement")
    log.write("proposal/P-1", EventKind.PROPOSAL_APPLIED, commit="c")
    log.write("agent", EventKind.PATTERN_RETIRED, pattern_id=opportunity.pattern_id, reason="old")
    log.write("agent", EventKind.EVENTS_PRUNED)


def test_a_rebuild_gives_the_same_tables(log: Any) -> None:
    """Everything that was learnt follows from the events alone."""
    _story(log)
    before = log.tables()

    with log.engine.begin() as connection:
        log.projection.clear(connection)
        for event in log.events:
            log.projection.apply(connection, event)

    assert log.tables() == before
    assert all(before[name] for name in ("experiences", "patterns", "learning_plans"))


def test_step_by_step_is_the_same_as_all_at_once(quick_log: Any, log: Any) -> None:
    """Transactions do not matter: one for all events, or one for each."""
    _story(log)

    with quick_log.engine.begin() as connection:
        for event in log.events:
            quick_log.projection.apply(connection, event)

    assert quick_log.tables() == log.tables()


def test_the_order_of_goals_does_not_change_the_counts(quick_log: Any) -> None:
    """Families, uses and confirmations count the same in any order."""
    goals = [
        (f"G-{n}", f"describe the file f{n}.csv", "ok" if n % 3 else "failed") for n in range(9)
    ]

    other = type(quick_log)(create_engine("sqlite://"))
    for goal in goals:
        quick_log.end_goal(*goal)
    for goal in reversed(goals):
        other.end_goal(*goal)

    def counts(log: Any) -> Any:
        return sorted((p.kind, p.uses, len(p.goals)) for p in log.knowledge.patterns())

    assert counts(quick_log) == counts(other)
    assert [p["wins"] for p in quick_log.knowledge.recall("describe the file x.csv")["plans"]] == [
        6
    ]
    other.engine.dispose()


def test_an_experience_has_the_fields_of_the_specification(log: Any) -> None:
    """id, goal, context, actions, outcome, success and timestamp can be read back."""
    log.end_goal("G-1", "read notes.txt", context={"workspace_kind": "text"}, lesson="be quick")

    [experience] = log.knowledge.replay("random", 5)

    assert experience.goal == "read notes.txt"
    assert experience.context == {"workspace_kind": "text"}
    assert experience.actions[0]["capability"] == "read"
    assert (experience.success, experience.verified_by) == ("ok", "check")


def test_nothing_is_learnt_from_an_unknown_outcome(log: Any) -> None:
    """The experience is kept, but no pattern, plan or error moves."""
    log.end_goal(
        "G-1", "read notes.txt", "unknown", failures=[{"error_class": "E", "message": "m"}]
    )

    assert log.knowledge.patterns() == []
    assert log.knowledge.recall("read notes.txt")["plans"] == []
    assert log.knowledge.recall("read notes.txt")["experiences"] == []
    assert len(log.tables()["experiences"]) == 1


def test_a_self_report_weighs_less_than_a_check(log: Any) -> None:
    """Three goals that only say of themselves that they went well prove less than three checked."""
    for number in range(3):
        log.end_goal(f"G-{number}", "read one file", verified_by="self-report")
        log.end_goal(f"H-{number}", "rename every class", plan={"signature": "b", "steps": []})

    told = log.knowledge.recall("read one file")["plans"][0]
    checked = log.knowledge.recall("rename every class")["plans"][0]

    assert told["wins"] == checked["wins"] == 3
    assert told["lower_bound"] < checked["lower_bound"]


def test_all_four_kinds_of_pattern_are_found(log: Any) -> None:
    """Success, error, performance and context each come out of a handful of goals."""
    intent = {"kind": "Act", "step": "read", "capability": "read", "inputs": {}}
    for number in range(9):
        result = {"ok": True, "outputs": {}, "seconds": 0.2}
        log.write(f"goal/G-{number}", EventKind.RESULT_RECORDED, intent=intent, result=result)
        log.end_goal(f"G-{number}", "read one file")
    slow = [{"step": "read", "capability": "read", "ok": True, "seconds": 9.0}]
    log.end_goal("G-20", "read one file", actions=slow)
    log.fail_goal("G-21", "describe a.csv")

    kinds = {pattern.kind for pattern in log.knowledge.patterns()}
    [performance] = log.knowledge.patterns(kind=PatternKind.PERFORMANCE)

    assert kinds == set(PatternKind)
    assert 0 < performance.success_rate < 1


def test_patterns_become_active_and_can_be_retired(log: Any) -> None:
    """One goal makes a candidate, two an active pattern, a person's word a retired one."""
    log.end_goal("G-1", "read one file")
    [first] = log.knowledge.patterns(kind=PatternKind.SUCCESS)
    log.end_goal("G-2", "read one file")
    second = log.knowledge.pattern(first.id)
    log.write("agent", EventKind.PATTERN_RETIRED, pattern_id=first.id, reason="wrong")
    log.end_goal("G-3", "read one file")

    last = log.knowledge.pattern(first.id)

    states = [first.state, second.state, last.state]
    assert states == [PatternState.CANDIDATE, PatternState.ACTIVE, PatternState.RETIRED]
    assert last.goals == ("G-1", "G-2", "G-3")


def test_an_unknown_pattern_is_not_found(log: Any) -> None:
    """The error names it and says where to look."""
    with pytest.raises(NotFound, match="PT-nothing") as error:
        log.knowledge.pattern("PT-nothing")

    assert "pattern list" in error.value.hint


def test_capabilities_are_counted_with_their_times(log: Any) -> None:
    """Runs, successes, the lower bound and the median come from the recorded results."""
    intent = {"kind": "Act", "step": "s", "capability": "read", "inputs": {}}
    for number in range(10):
        result = {"ok": number != 0, "seconds": 0.5, "capability_tree": "t1"}
        log.write("goal/G-1", EventKind.RESULT_RECORDED, intent=intent, result=result)

    stats = log.knowledge.capability_stats()["read"]

    assert (stats["runs"], stats["successes"]) == (10, 9)
    assert stats["seconds_median"] == pytest.approx(0.5, rel=0.02)
    assert 0.5 < stats["lower_bound"] < 0.9


def test_other_code_starts_with_little_evidence(log: Any) -> None:
    """After a capability has changed, its forerunner's failures hardly count."""
    intent = {"kind": "Act", "step": "s", "capability": "read", "inputs": {}}
    for number in range(12):
        new = number >= 8
        result = {"ok": new, "seconds": 0.1, "capability_tree": "t2" if new else "t1"}
        log.write("goal/G-1", EventKind.RESULT_RECORDED, intent=intent, result=result)

    stats = log.knowledge.capability_stats()["read"]

    assert (stats["runs"], stats["successes"]) == (12, 4)
    assert stats["success_rate"] > 0.7


def test_a_plan_that_was_given_up_is_not_credited(log: Any) -> None:
    """Of two plans of a goal that ended well, the last has won and the first has lost."""
    for signature in ("first", "second"):
        plan: dict[str, Any] = {"signature": signature, "source": "composed", "steps": []}
        log.write("goal/G-1", EventKind.PLAN_MADE, plan=plan)
    log.end_goal("G-1", "read one file", plan={"signature": "second", "steps": []})

    plans = {p["signature"]: p for p in log.knowledge.recall("read one file")["plans"]}

    assert (plans["first"]["wins"], plans["second"]["wins"]) == (0, 1)
    assert plans["first"]["uses"] == 1


def test_a_plan_is_kept_with_its_slots_open(log: Any) -> None:
    """What is recalled can be filled with the next goal's particulars."""
    slots = [{"name": "read", "capability": "read", "inputs": {"path": {"$slot": "path"}}}]
    bound = [{"name": "read", "capability": "read", "inputs": {"path": "a.txt"}}]
    plan = {"signature": "read", "source": "composed", "steps": bound, "template": slots}
    log.write("goal/G-1", EventKind.PLAN_MADE, plan=plan)
    log.end_goal("G-1", "read a.txt", plan={"signature": "read", "steps": bound})

    [known] = log.knowledge.recall("read b.txt")["plans"]

    assert known["steps"] == slots
    assert known["source_goal"] == "G-1"


def test_repair_priors_come_from_searches_and_applied_changes(log: Any) -> None:
    """What the search tried counts, what was applied counts once more, an undo takes it back."""
    _story(log)
    assert log.knowledge.recall("x")["priors"] == {"call:Name": [3, 0], "swap:Compare": [5, 2]}

    log.write("proposal/P-1", EventKind.PROPOSAL_UNDONE, commit="d")

    assert log.knowledge.recall("x")["priors"]["swap:Compare"] == [5, 1]
    log.write("proposal/P-1", EventKind.PROPOSAL_REDONE, commit="e")
    assert log.knowledge.recall("x")["priors"]["swap:Compare"] == [5, 2]


def test_what_helped_against_an_error_is_remembered(log: Any) -> None:
    """A remedy after which the error did not come back has helped; `give up` is none."""
    failure = {"step": "get", "error_class": "Busy", "message": "try later", "where": "code.py:get"}
    tries = ["retry", "retry", "other way"]
    used = [{"remedy": remedy, "failure": failure} for remedy in tries]
    for number in range(4):
        log.end_goal(f"G-{number}", "get the page", failures=[failure] * 3, remedies=used)
    gave_up = [{"remedy": "give up", "failure": failure}]
    log.end_goal("G-9", "get the page", "failed", failures=[failure], remedies=gave_up)

    [error] = log.knowledge.recall("get the page")["errors"]

    assert error["template"] == "Busy at code.py:get: try later"
    assert list(error["remedies"]) == ["other way", "retry"]
    assert error["remedies"]["other way"]["succeeded"] == 4
    assert error["remedies"]["other way"]["lower_bound"] > 0.5
    assert (error["remedies"]["retry"]["tried"], error["remedies"]["retry"]["succeeded"]) == (8, 0)


def test_a_failure_of_a_plan_that_was_given_up_has_its_owner(log: Any) -> None:
    """The step is looked up in every plan of the goal, not only in the last."""
    first = {"name": "fetch", "capability": "fetch_page", "inputs": {}, "after": []}
    plan = {"signature": "fetch", "source": "composed", "steps": [first], "template": [first]}
    failure = {"step": "fetch", "error_class": "E", "message": "m", "where": "code.py:f"}
    log.write("goal/G-1", EventKind.PLAN_MADE, plan=plan)
    log.end_goal("G-1", "get the page", failures=[failure])

    [error] = log.knowledge.patterns(kind=PatternKind.ERROR)

    assert error.conditions["capability"] == "fetch_page"


def test_a_change_for_the_worse_is_noticed(quick_log: Any) -> None:
    """After a long good time, failures weigh more than the good old days."""
    for number in range(200):
        quick_log.end_goal(f"G-{number}", "read one file")
    for number in range(20):
        quick_log.end_goal(f"H-{number}", "read one file", "failed")

    [pattern] = quick_log.knowledge.patterns(kind=PatternKind.SUCCESS)

    assert pattern.success_rate < 0.5
    assert len(pattern.goals) == 32
