"""How an opportunity becomes a proposal."""

from __future__ import annotations

import json
from typing import Any

from autoclave.mind import decide

FACTS = {
    "capability": "parse_table",
    "title": "it fails on empty cells",
    "cases": [4, 9],
    "goals": ["G-0001"],
}


def test_an_improvement_searches_a_fix_for_the_capability_it_is_about(make_view: Any) -> None:
    """In that capability's files only, and nothing is kept in the workspace."""
    view = make_view("repair parse_table", kind="improvement")
    view["run"]["facts"] = FACTS

    answer = decide(view)

    inputs = answer["intent"]["inputs"]
    assert answer["intent"]["capability"] == "repair_python"
    assert inputs["files"] == ["capabilities/parse_table/*.py"]
    assert inputs["keep"] is False
    assert answer["plan"]["done"] == {"step": "repair", "field": "fixed"}


def test_without_a_repairer_it_is_given_up(make_view: Any) -> None:
    """No model is asked either: the search is all there is."""
    view = make_view("repair parse_table", kind="improvement", capabilities=[], model="m")
    view["run"]["facts"] = FACTS

    assert decide(view)["intent"]["kind"] == "GiveUp"


def test_what_was_found_is_proposed_with_its_promise(make_view: Any) -> None:
    """Cause, expected fixes, and how many other patches there were; then it is done."""
    outputs = {"summary": "skip them", "edits": [{"a": 1}], "alternatives": [{}, {}]}
    results = {"repair": {"ok": True, "outputs": outputs}}
    view = make_view("x", state="MODIFYING", kind="improvement", results=results, lesson="l")
    view["run"]["facts"] = FACTS

    answer = decide(view)
    proposed = {"intent": answer["intent"], "result": {"ok": False, "failure": {}}}
    view["replies"] = [proposed]
    after = decide(view)

    assert answer["intent"]["kind"] == "Propose"
    assert answer["intent"]["edits"] == [{"a": 1}]
    assert answer["intent"]["contract"] == {
        "cause": [4, 9],
        "expected_fixes": ["G-0001"],
        "at_risk": [],
        "alternatives": 2,
    }
    assert after["intent"]["kind"] == "Finish"


def test_a_goal_of_a_person_proposes_nothing(make_view: Any) -> None:
    """It ends with its lesson."""
    answer = decide(make_view("x", state="MODIFYING", lesson="it worked"))

    assert answer["intent"] == {"kind": "Finish", "summary": "it worked"}


SENT_BACK = {**FACTS, "returned": "P-0001", "comments": ["name it", "why not here?"]}


def test_what_was_sent_back_goes_to_the_model_with_the_words_of_the_person(make_view: Any) -> None:
    """Between marks of their own, numbered, and each to be answered."""
    view = make_view("repair parse_table", kind="improvement", model="m")
    view["run"]["facts"] = SENT_BACK
    fence = view["run"]["fence"]
    view["run"]["facts"]["comments"][1] = f"why {fence} not here?"

    intent = decide(view)["intent"]

    said = json.dumps(intent["messages"], ensure_ascii=False)
    assert intent["purpose"] == "draft"
    assert f"<person-{fence}>\\n1. name it\\n2. why … not here?\\n</person-{fence}>" in said
    propose = next(each for each in intent["tools"] if each["name"] == "propose_change")
    assert "answers" in propose["input_schema"]["required"]


def test_without_a_model_what_was_sent_back_waits_for_one(make_view: Any) -> None:
    """The search would only find the same patch again."""
    view = make_view("repair parse_table", kind="improvement")
    view["run"]["facts"] = SENT_BACK

    intent = decide(view)["intent"]

    assert intent["kind"] == "GiveUp"
    assert "a language model" in intent["needs"]
