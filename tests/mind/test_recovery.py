"""What is done about a failure, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from autoclave.domain.canonical import JsonObject
from autoclave.mind import decide

STEP: JsonObject = {"name": "s", "capability": "read_file", "inputs": {"path": "a"}, "after": []}
PLAN: JsonObject = {
    "signature": "read_file",
    "source": "composed",
    "steps": [STEP],
    "template": [STEP],
    "done": {},
}


def _failed(error_class: str, *, tries: int = 1, plan: JsonObject = PLAN, **parts: Any) -> Any:
    failure = {"error_class": error_class, "message": "why", "where": "", "traceback": ""}
    return {
        "state": "EXECUTING",
        "plan": plan,
        "results": {"s": {"ok": False, "failure": failure}},
        "tries": {"s": tries},
        "failures": [failure],
        **parts,
    }


@pytest.mark.parametrize(
    "error_class", ["Busy", "OutOfResources", "ModelUnavailable", "Unreachable"]
)
def test_what_may_pass_is_tried_again_after_a_wait_that_grows(
    make_view: Any, error_class: str
) -> None:
    """Twice; then it is another way's turn or the end."""
    waits = []
    for tries in (1, 2):
        answer = decide(make_view("show a", **_failed(error_class, tries=tries)))
        assert (answer["remedy"], answer["path"]) == ("retry", ["ERROR", "RECOVERING"])
        waits.append(answer["intent"]["seconds"])
    assert 1.0 <= waits[0] < waits[1] <= 4.0

    assert decide(make_view("show a", **_failed(error_class, tries=3)))["remedy"] == "give up"


def test_what_does_not_pass_by_itself_is_not_retried(make_view: Any) -> None:
    """A bug is the same the second time."""
    assert decide(make_view("show a", **_failed("ValueError")))["remedy"] == "give up"


def test_files_that_keep_changing_are_put_to_a_person_once(make_view: Any) -> None:
    """After the retries; asked already, it is given up."""
    answer = decide(make_view("show a", **_failed("Stale", tries=3)))
    assert (answer["remedy"], answer["intent"]["kind"]) == ("ask", "Ask")

    asked = {"intent": {"kind": "Ask"}, "result": {"ok": True, "value": {"answer": "yes"}}}
    again = decide(make_view("show a", **_failed("Stale", tries=4, replies=[asked])))
    assert again["remedy"] == "give up"


def test_another_way_is_taken_where_there_is_one(make_view: Any) -> None:
    """From the start, under the new plan; what was tried is not tried again."""
    other = {**PLAN, "signature": "other"}
    answer = decide(make_view("show a.txt", **_failed("ValueError", plan=other)))

    assert (answer["remedy"], answer["path"]) == ("other way", ["PLANNING", "EXECUTING"])
    assert answer["plan"]["signature"] == "read_file"


def test_a_no_is_not_gone_round(make_view: Any) -> None:
    """What a rule or a person refused is not tried in another way."""
    other = {**PLAN, "signature": "other"}

    answer = decide(make_view("show a.txt", **_failed("NotAllowed", plan=other)))

    assert answer["intent"]["kind"] == "GiveUp"
    assert "NotAllowed: why" in answer["intent"]["reason"]


def test_a_step_that_the_plan_calls_optional_is_left_out(make_view: Any) -> None:
    """The rest goes on, as another plan."""
    optional = {**PLAN, "steps": [{**STEP, "optional": True}, {**STEP, "name": "t"}]}

    answer = decide(make_view("x", **_failed("ValueError", plan=optional)))

    assert answer["remedy"] == "degrade"
    assert [step["name"] for step in answer["plan"]["steps"]] == ["t"]
    assert answer["plan"]["signature"] == "read_file without s"


def test_what_helped_before_goes_first(make_view: Any) -> None:
    """Experience with this error changes the order, if it is good enough."""
    other = {**PLAN, "signature": "other"}

    def order(lower_bound: float) -> str:
        errors = [{"remedies": {"other way": {"lower_bound": lower_bound}}}]
        parts = _failed("Busy", plan=other, recalled={"plans": [], "errors": errors})
        return str(decide(make_view("show a.txt", **parts))["remedy"])

    assert order(0.9) == "other way"
    assert order(0.4) == "retry"


def test_giving_up_is_learned_about_but_never_goes_first(make_view: Any) -> None:
    """However often it was what came last."""
    errors = [{"remedies": {"give up": {"lower_bound": 0.99}, "unknown": {"lower_bound": 1.0}}}]

    answer = decide(make_view("x", **_failed("Busy", recalled={"plans": [], "errors": errors})))

    assert answer["remedy"] == "retry"


def test_after_the_wait_the_failed_step_is_done_again(make_view: Any) -> None:
    """Along legal states."""
    answer = decide(make_view("x", **{**_failed("Busy"), "state": "RECOVERING"}))

    assert answer["path"] == ["IDLE", "PLANNING", "EXECUTING"]
    assert answer["intent"] == {
        "kind": "Act",
        "step": "s",
        "capability": "read_file",
        "inputs": {"path": "a"},
    }


def test_a_no_to_going_on_ends_the_goal(make_view: Any) -> None:
    """The person said so."""
    said = {"intent": {"kind": "Ask"}, "result": {"ok": True, "value": {"answer": "no"}}}

    answer = decide(make_view("x", **{**_failed("Stale", replies=[said]), "state": "RECOVERING"}))

    assert answer["intent"]["kind"] == "GiveUp"


def test_a_refusal_that_a_crash_cut_off_is_a_refusal_again(make_view: Any) -> None:
    """Without a plan there is nothing to claim as done."""
    answer = decide(make_view("book a flight", state="RECOVERING"))

    assert answer["intent"]["kind"] == "GiveUp"
    assert answer["path"] == ["IDLE", "PLANNING", "ERROR", "RECOVERING"]


def test_a_goal_that_is_not_reached_says_so_with_the_reason(make_view: Any) -> None:
    """What failed, how, and what would help."""
    failure = {"error_class": "DoneTestFailed", "message": "exit code 1", "needs": "a hint"}
    done = {"ok": False, "failure": failure}
    view = make_view("x", state="EXECUTING", plan=PLAN, done_result=done, results={})

    answer = decide(view)

    assert answer["intent"]["reason"] == "the done-test failed: DoneTestFailed: exit code 1"
    assert answer["intent"]["needs"] == "a hint"
