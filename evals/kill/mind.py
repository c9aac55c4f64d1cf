"""A mind that walks through the steps that the goal names, and gives up where one fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autoclave.domain.canonical import JsonObject


def decide(view: Any) -> JsonObject:
    return _BY_STATE[view["run"]["state"]](view)


def _begin(view: Any) -> JsonObject:
    facts = view["run"]["facts"]
    steps = [_step(view, name, capability) for name, capability in facts["steps"]]
    done = [name for name, capability in facts["steps"] if capability not in ("write", "fail")]
    inputs = {"goal": facts["goal"], "steps": done}
    plan = {
        "signature": "walk",
        "source": "composed",
        "steps": steps,
        "template": steps,
        "done": {"capability": "check", "inputs": inputs, "field": "all"},
    }
    return {"path": ["PLANNING", "EXECUTING"], "plan": plan, "intent": _act(steps[0])}


def _step(view: Any, name: str, capability: str) -> JsonObject:
    inputs = {"goal": view["run"]["facts"]["goal"], "step": name}
    return {"name": name, "capability": capability, "inputs": inputs, "after": []}


def _act(step: JsonObject) -> JsonObject:
    return {"kind": "Act", **{k: step[k] for k in ("capability", "inputs")}, "step": step["name"]}


def _walk(view: Any) -> JsonObject:
    done = view["done_result"]
    if done is not None and done["ok"]:
        return {"path": ["LEARNING", "MODIFYING"], "intent": _FINISH}
    failed = [each for each in view["failures"] if "not to run it again" not in each["message"]]
    if failed:
        return {"path": ["ERROR", "RECOVERING"], "intent": _give_up(failed)}
    left = [step for step in view["plan"]["steps"] if step["name"] not in view["results"]]
    return {"path": [], "intent": _act(left[0]) if left else _FINISH}


def _give_up(failed: list[JsonObject]) -> JsonObject:
    return {"kind": "GiveUp", "reason": failed[-1]["message"]}


_FINISH = {"kind": "Finish", "summary": "walked"}

_BY_STATE: Mapping[str, Callable[[Any], JsonObject]] = {
    "IDLE": _begin,
    "EXECUTING": _walk,
    "RECOVERING": lambda view: {"path": [], "intent": _give_up(view["failures"])},
    "LEARNING": lambda view: {"path": ["MODIFYING"], "intent": _FINISH},
    "MODIFYING": lambda view: {"path": [], "intent": _FINISH},
}
