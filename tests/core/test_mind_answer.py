"""A mind may be changed code: nothing that it answers breaks the kernel or spoils a stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeCapability, FakeToolbox, open_loop
from tests.fakes_runs import json_values

from autoclave.core.driver import Driver
from autoclave.core.mind_answer import read_answer
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import InvalidInput
from autoclave.domain.run import RunStatus

STEP: JsonObject = {"name": "greet", "capability": "greet", "inputs": {}, "after": []}
PLAN: JsonObject = {"signature": "s", "source": "x", "steps": [STEP], "template": [STEP]}
FINISH: JsonObject = {"kind": "Finish", "summary": ""}
GOOD: JsonObject = {"path": ["PLANNING", "EXECUTING"], "plan": {**PLAN, "done": {}}}


async def greet(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"text": "hello"}


GREET = FakeCapability(greet, serves=("greet",))


def test_an_answer_is_read_as_a_value() -> None:
    """With all that it may have."""
    answer = read_answer({**GOOD, "intent": FINISH, "why": "because", "remedy": "retry"})

    assert [str(state) for state in answer.path] == GOOD["path"]
    assert answer.plan == GOOD["plan"]
    assert (answer.why, answer.remedy) == ("because", "retry")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"path": "PLANNING"},
        {"path": ["NOWHERE"]},
        {"path": [{}]},
        {"path": [None]},
        {"plan": []},
        {"plan": "plan"},
        {"plan": {**PLAN, "signature": ""}},
        {"plan": {**PLAN, "source": None}},
        {"plan": {**PLAN, "steps": []}},
        {"plan": {**PLAN, "steps": ["greet"]}},
        {"plan": {**PLAN, "steps": [STEP, STEP]}},
        {"plan": {**PLAN, "steps": [{**STEP, "inputs": []}]}},
        {"plan": {**PLAN, "steps": [{**STEP, "after": "x"}]}},
        {"plan": {**PLAN, "steps": [{**STEP, "unless": {"step": 1}}]}},
        {"plan": {**PLAN, "template": None}},
        {"plan": {**PLAN, "done": {"capability": "x"}}},
        {"plan": {**PLAN, "done": {"capability": "x", "field": "y"}}},
        {"plan": {**PLAN, "done": {"step": "x"}}},
        {"plan": {**PLAN, "done": []}},
        {"intent": None},
        {"intent": {"kind": "Act", "step": "", "capability": "greet", "inputs": {}}},
    ],
)
async def test_each_of_these_parks_the_run_with_the_reason(
    fast_tmp_path: Path, spoilt: JsonObject
) -> None:
    """Nothing of the answer counts, and the stream still folds."""

    def decide(view: Any) -> Any:
        return {**GOOD, "intent": FINISH, **spoilt}

    loop = open_loop(fast_tmp_path, FakeToolbox(greet=GREET), decide=decide)
    goal = await loop.add("greet")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert run.reason
    assert (run.state, run.plan) == ("IDLE", None)
    assert await loop.parts.ledger.load(goal) == run
    loop.close()


@given(
    path=st.lists(json_values, max_size=2) | json_values,
    plan=json_values,
    intent=json_values,
    why=json_values,
)
def test_any_answer_is_read_or_refused(path: Any, plan: Any, intent: Any, why: Any) -> None:
    """No other error reaches the loop."""
    for data in (
        {"path": path, "plan": plan, "intent": intent, "why": why},
        {"path": path, "plan": None, "intent": FINISH, "why": why, "remedy": why},
        {"plan": {**PLAN, "steps": plan, "done": intent}, "intent": FINISH},
        {"plan": {**PLAN, "steps": [plan], "done": intent}, "intent": FINISH},
    ):
        try:
            read_answer(data)
        except InvalidInput:
            continue


@pytest.mark.parametrize(
    "answer",
    [
        {"intent": {"kind": "GiveUp", "reason": "no"}},
        {"path": ["PLANNING"], "intent": {"kind": "GiveUp", "reason": "no"}},
    ],
)
async def test_ending_where_no_arrow_leads_to_the_end_spoils_nothing(
    fast_tmp_path: Path, answer: JsonObject
) -> None:
    """The table is asked before anything is appended: the run can be loaded and resumed."""
    loop = open_loop(fast_tmp_path, FakeToolbox(), decide=lambda view: answer)
    goal = await loop.add("greet")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert "not a legal transition" in run.reason
    assert await loop.parts.ledger.load(goal) == run
    loop.close()


@pytest.mark.parametrize(
    "intent",
    [
        {"kind": "Recall", "query": "x"},
        {"kind": "Remember", "lesson": "x"},
        {"kind": "Search", "query": "x"},
        FINISH,
        {"kind": "Act", "step": "s", "capability": "greet", "inputs": {}},
    ],
)
async def test_a_mind_that_asks_for_ever_is_stopped_by_the_budget(
    fast_tmp_path: Path, intent: JsonObject
) -> None:
    """Every intent is a step, also one that only looks."""
    loop = open_loop(
        fast_tmp_path, FakeToolbox(greet=GREET), decide=lambda view: {"intent": intent}
    )
    goal = await loop.add("greet", budget={"steps": 5})

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert "5 steps" in run.reason
    loop.close()
