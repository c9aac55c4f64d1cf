"""The mind may only think: nothing from outside, nothing changed, the same answer every time."""

from __future__ import annotations

import ast
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autoclave.mind
from autoclave.domain.canonical import JsonObject, canonical
from autoclave.domain.intents import Finish, GiveUp, parse
from autoclave.domain.model import StopReason
from autoclave.domain.state import State, check_transition
from autoclave.mind import decide

MIND = sorted(Path(autoclave.mind.__file__).parent.glob("*.py"))
ALLOWED = {
    "__future__",
    "collections",
    "collections.abc",
    "dataclasses",
    "json",
    "re",
    "shlex",
    "typing",
}
FORBIDDEN = {"open", "exec", "eval", "compile", "__import__", "input", "print", "globals", "id"}
FORBIDDEN |= {"hash"}  # of a text it is another one in every process

TEXTS = [
    "make the failing tests pass",
    "show a.txt",
    "copy a.txt to b.txt",
    "outline the project into outline.md",
    "run `ls`",
    'search for "x" and write a report to r.md',
    "book a flight",
    "don't `",
]
ERRORS = ["Busy", "Stale", "NotAllowed", "ValueError", "DoneTestFailed", "InvalidInput"]


@pytest.mark.parametrize("path", MIND, ids=lambda path: path.stem)
def test_it_imports_only_itself_and_what_computes(path: Path) -> None:
    """No module that reads a file, a clock, a socket or another part of the program."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert {each.name.split(".")[0] for each in node.names} <= ALLOWED
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.level == 0 and node.module in ALLOWED)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            assert node.id not in FORBIDDEN
        elif isinstance(node, ast.Attribute):
            assert not node.attr.startswith("__")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_every_run_comes_to_its_end_in_legal_steps(
    data: st.DataObject, shipped: list[JsonObject]
) -> None:
    """Driven as the kernel does, with results of any kind: no exception, no change, no loop."""
    view: Any = _start(data.draw(st.sampled_from(TEXTS)), shipped)
    view["model"] = data.draw(st.sampled_from(["", "m"]))
    view["prompts"] = {"plan": "p", "work": "w", "draft": "d", "compact": "c"}
    view["capabilities"] = [each for each in shipped if data.draw(st.integers(0, 4))]
    for _ in range(400):
        before, frozen = canonical(view), copy.deepcopy(view)

        answer = decide(view)

        assert view == frozen
        assert canonical(view) == before
        assert canonical(decide(copy.deepcopy(frozen))) == canonical(answer)
        state = view["run"]["state"]
        for following in answer["path"]:
            check_transition(State(state), State(following))
            state = following
        if isinstance(intent := parse(answer["intent"]), GiveUp):
            return
        if isinstance(intent, Finish) and state == "MODIFYING":
            return
        view = _follow(view, state, dict(answer), data)
    raise AssertionError("the run has no end")


def _start(text: str, shipped: list[JsonObject]) -> JsonObject:
    run = {"id": "G-1", "kind": "goal", "text": text, "state": "IDLE", "attempt": 1}
    return {
        "run": {**run, "has_workspace": True, "done": [], "facts": {}, "fence": "f3nc3"},
        "capabilities": shipped,
        "recalled": None,
        "plan": None,
        "results": {},
        "tries": {},
        "failures": [],
        "plans_tried": [],
        "replies": [],
        "transcript": [],
        "done_result": None,
        "lesson": "",
        "model": "",
        "model_limits": {"window": 5_000, "output": 1_000},
        "budget_used": 0.75,
        "seed": 7,
        "origins": {},
    }


def _follow(view: JsonObject, state: str, answer: JsonObject, data: st.DataObject) -> JsonObject:
    """The view after the intent, with some result of it."""
    after = {**view, "run": {**view["run"], "state": state}}
    if "plan" in answer:
        tried = [view["plan"]["signature"]] if view["plan"] else []
        fresh: JsonObject = {"results": {}, "tries": {}, "transcript": [], "done_result": None}
        after |= {"plan": answer["plan"], "plans_tried": [*view["plans_tried"], *tried], **fresh}
    intent = answer["intent"]
    failure = {"error_class": data.draw(st.sampled_from(ERRORS)), "message": "m", "where": "w"}
    result: JsonObject = {"ok": data.draw(st.booleans())}
    if not result["ok"]:
        result["failure"] = failure
        after["failures"] = [*after["failures"], failure]
    match intent["kind"]:
        case "Act":
            result |= {"outputs": {"ok": data.draw(st.booleans())}} if result["ok"] else {}
            step = intent["step"]
            after["results"] = {**after["results"], step: result}
            after["tries"] = {**after["tries"], step: after["tries"].get(step, 0) + 1}
        case "Recall":
            after["recalled"] = {"plans": [], "errors": []}
        case "Finish":
            after["done_result"] = result
        case "Remember":
            after["lesson"] = intent["lesson"]
        case "Think":
            if result["ok"]:
                result["value"] = _thought(intent, data)
            after["replies"] = [*after["replies"], {"intent": intent, "result": result}]
        case _:
            answer = data.draw(st.sampled_from(["yes", "no"]))
            result = {"ok": True, "value": {"text": "{}", "answer": answer, "by": "person:ada"}}
            after["replies"] = [*after["replies"], {"intent": intent, "result": result}]
    if after["plan"] and "uses" in after["plan"]:
        after["transcript"] = [*after["transcript"], {"intent": intent, "result": result}]
    return after


def _thought(intent: JsonObject, data: st.DataObject) -> JsonObject:
    """Anything that a model may answer."""
    draw = data.draw
    plan = {"approach": "look", "uses": ["read_file", "run_tests"], "steps": []}
    text = draw(st.sampled_from(["{}", json.dumps(plan), "done"]))
    names = [tool["name"] for tool in intent.get("tools", [])]
    calls = [
        {
            "type": "tool_use",
            "id": f"c{number}",
            "name": draw(st.sampled_from([*names, "no_such_tool"])),
            "input": draw(st.sampled_from([{}, {"summary": "s", "question": 1, "edits": [{}]}])),
        }
        for number in range(draw(st.integers(0, 3)) if names else 0)
    ]
    stops = ["end_turn", *(each.value for each in StopReason)]
    tokens = {"input": draw(st.integers(0, 6_000)), "cache_read": 0, "cache_write": 0, "output": 9}
    return {
        "blocks": [{"type": "text", "text": text}, *calls],
        "text": text,
        "stop": "tool_use" if calls else draw(st.sampled_from(stops)),
        "tokens": {**tokens, "reasoning": 0},
        "refusal": "",
    }


@pytest.mark.parametrize("state", [each for each in State if each not in ("IDLE", "PLANNING")])
def test_a_state_in_which_nothing_is_to_be_decided_is_named_by_the_error(
    make_view: Any, state: State
) -> None:
    """The kernel never asks there; if it did, it would see which state it was."""
    if state in ("EXECUTING", "RECOVERING", "LEARNING", "MODIFYING"):
        return
    with pytest.raises(KeyError, match=state):
        decide(make_view("x", state=state))
