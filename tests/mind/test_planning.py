"""From a goal to a plan: what is reused, what is not, and an honest no."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes_runs import json_values

from autoclave.domain.canonical import JsonObject
from autoclave.mind import decide
from autoclave.mind.planning import bind, next_plan
from autoclave.mind.reading import read_goal

SLOT = {"$slot": "path", "index": 0}
READ: JsonObject = {"name": "read_file", "capability": "read_file", "inputs": {"path": SLOT}}
SHOW: JsonObject = {
    "signature": "read_file",
    "steps": [{**READ, "after": []}],
    "source": "composed",
    "similarity": 0.9,
    "lower_bound": 0.8,
}


def _recalled(*plans: JsonObject) -> JsonObject:
    return {"experiences": [], "patterns": [], "plans": list(plans)}


def test_a_proven_plan_is_bound_to_what_the_new_goal_names(make_view: Any) -> None:
    """The steps are known; the file is another."""
    view = make_view("show b.txt", recalled=_recalled(SHOW))

    plan = next_plan(view)

    assert plan is not None
    assert plan["source"] == "known"
    assert plan["steps"][0]["inputs"] == {"path": "b.txt"}
    assert plan["template"][0]["inputs"] == {"path": SLOT}


@pytest.mark.parametrize(
    ("goal", "spoilt"),
    [
        ("show b.txt", {"similarity": 0.4}),
        ("show b.txt", {"lower_bound": 0.2}),
        ("show b.txt", {"steps": [{**READ, "capability": "gone"}]}),
        ("show the file", {}),
        ("copy a.txt to b.txt", {}),
        ("list the files", {}),
    ],
)
def test_a_plan_that_does_not_fit_is_not_reused(
    make_view: Any, goal: str, spoilt: JsonObject
) -> None:
    """Unlike, unproven, not to be had, without the thing it needs, or less than was asked for."""
    plan = next_plan(make_view(goal, recalled=_recalled({**SHOW, **spoilt})))

    assert plan is None or plan["source"] != "known"


def test_a_repair_that_worked_is_not_reused_to_run_the_tests(make_view: Any) -> None:
    """It would do more than was asked for."""
    steps = [
        {"name": "run_tests", "capability": "run_tests", "inputs": {}, "after": []},
        {"name": "repair_python", "capability": "repair_python", "inputs": {}, "after": []},
    ]
    known = {**SHOW, "signature": "run_tests>repair_python", "steps": steps}

    plan = next_plan(make_view("run the tests", recalled=_recalled(known)))

    assert plan is not None
    assert plan["signature"] == "run_tests"


def test_what_an_improvement_did_is_no_plan_for_a_person(make_view: Any) -> None:
    """It names files of the agent itself."""
    steps = [{"name": "repair", "capability": "repair_python", "inputs": {}, "after": []}]
    known = {**SHOW, "signature": "improve:repair_python", "steps": steps}

    plan = next_plan(make_view("repair the failing tests", recalled=_recalled(known)))

    assert plan is not None
    assert not plan["signature"].startswith("improve:")


def test_a_plan_of_a_model_is_kept_with_slots_for_what_the_goal_named(make_view: Any) -> None:
    """So that the next goal like it is done to its own file."""
    steps = [{"name": "look", "capability": "read_file", "inputs": {"path": "a.txt"}}]
    view = make_view("contemplate a.txt", replies=[_thought(json.dumps({"steps": steps}))])

    plan = next_plan(view)

    assert plan is not None
    assert plan["steps"][0]["inputs"] == {"path": "a.txt"}
    assert plan["template"][0]["inputs"] == {"path": SLOT}


def test_a_models_plan_with_things_of_its_goal_in_it_is_not_reused(make_view: Any) -> None:
    """Else the old file would be touched for the new goal."""
    fixed = {**READ, "inputs": {"path": "a.txt"}}
    known = {**SHOW, "signature": "model:read_file", "source": "model", "steps": [fixed]}
    view = make_view("contemplate b.txt", recalled=_recalled(known))

    assert next_plan(view) is None

    slotted = {**known, "steps": [READ]}
    again = next_plan(make_view("contemplate b.txt", recalled=_recalled(slotted)))
    assert again is not None
    assert again["steps"][0]["inputs"] == {"path": "b.txt"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"steps": []}',
        '{"steps": null}',
        '{"steps": ["x"]}',
        '{"steps": [{"inputs": {}}]}',
        '{"steps": [{"name": "x", "inputs": {}}]}',
        '{"steps": [{"name": "x", "capability": [], "inputs": {}}]}',
        '{"steps": [{"name": "x", "capability": "read_file", "inputs": []}]}',
        '{"steps": [{"name": "x", "capability": "gone", "inputs": {}}]}',
        '{"steps": [{"name": "x", "capability": "read_file", "inputs": {"a": {"$ref": 1}}}]}',
        '{"steps": [{"name": "x", "capability": "read_file", "inputs": {}},'
        ' {"name": "x", "capability": "read_file", "inputs": {}}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_plan_is_not_followed(make_view: Any, text: str) -> None:
    """The model is asked once more, and then the goal is given up."""
    once = decide(make_view("contemplate a.txt", model="m", replies=[_thought(text)]))
    twice = decide(make_view("contemplate a.txt", model="m", replies=[_thought(text)] * 2))

    assert once["intent"]["kind"] == "Think"
    assert twice["intent"]["kind"] == "GiveUp"


def test_a_refusal_is_not_asked_again_and_is_told(make_view: Any) -> None:
    """It is not that nothing here serves the goal."""
    thought = _thought("I can't help with that.")
    thought["result"]["value"] |= {"stop": "refusal", "refusal": "cyber"}

    given_up = decide(make_view("contemplate a.txt", model="m", replies=[thought]))["intent"]

    assert given_up["kind"] == "GiveUp"
    assert given_up["reason"] == "the model declined (cyber)"


def test_what_was_wrong_with_the_models_plan_is_told(make_view: Any) -> None:
    """To the person too, once it was told to the model in vain."""
    replies = [_thought('{"approach": "", "uses": ["gone"], "steps": []}')] * 2

    given_up = decide(make_view("contemplate a.txt", model="m", replies=replies))["intent"]

    assert "there is no capability gone" in given_up["reason"]


def test_calls_in_place_of_a_plan_are_not_said_back(make_view: Any) -> None:
    """There can be no result of them, and every model refuses a call without one."""
    thought = _thought("")
    call = {"type": "tool_use", "id": "t", "name": "read_file", "input": {}}
    thought["result"]["value"] |= {"stop": "tool_use", "blocks": [call]}

    again = decide(make_view("contemplate a.txt", model="m", replies=[thought]))["intent"]

    assert again["kind"] == "Think"
    assert again["messages"][1] == {"role": "assistant", "content": "…"}


@given(text=json_values.map(json.dumps), steps=st.lists(json_values, max_size=3))
def test_no_answer_of_a_model_breaks_the_mind(text: str, steps: list[Any]) -> None:
    """Whatever it writes."""
    for answer in (text, json.dumps({"steps": steps})):
        view: Any = {
            "run": {"text": "contemplate a.txt", "kind": "goal", "state": "PLANNING"},
            "capabilities": [],
            "recalled": None,
            "plan": None,
            "plans_tried": [],
            "failures": [],
            "model": "",
            "replies": [_thought(answer)],
        }
        assert decide(view)["intent"]["kind"] in ("GiveUp", "Act", "Finish")


def test_without_a_model_the_refusal_names_what_would_help(make_view: Any) -> None:
    """A thing that the goal lacks, or a capability that nobody has."""
    lacking = decide(make_view("show it to me"))
    foreign = decide(make_view("book a flight"))

    assert lacking["intent"]["unserved"]
    assert "name what read_file needs in the goal" in lacking["intent"]["needs"]
    assert "a capability that serves these words" in foreign["intent"]["needs"]


def test_after_every_way_was_tried_it_is_a_failure_not_a_refusal(make_view: Any) -> None:
    """Something was done for this goal."""
    failure = {"error_class": "X", "message": "m", "where": "", "traceback": ""}
    view = make_view("show b.txt", plans_tried=["read_file"], failures=[failure])

    answer = decide(view)

    assert answer["intent"]["kind"] == "GiveUp"
    assert not answer["intent"]["unserved"]


@given(text=st.text(max_size=60))
def test_a_template_without_slots_binds_to_any_goal(text: str) -> None:
    """And one with a slot only where the goal fills it."""
    literals = read_goal(text)["literals"]
    plain = {"signature": "s", "template": [{"name": "a", "capability": "a", "inputs": {"x": 1}}]}
    open_ = {"signature": "s", "template": [READ]}

    assert bind(plain, literals, source="known") is not None
    bound = bind(open_, literals, source="known")
    assert (bound is not None) is any(each["type"] == "path" for each in literals)


def _thought(text: str) -> JsonObject:
    return {
        "intent": {"kind": "Think", "purpose": "plan"},
        "result": {"ok": True, "value": {"text": text}},
    }
