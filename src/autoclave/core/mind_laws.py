"""Runs inside the sandbox: a mind driven to the end of a run with made-up results.

Standard library only. Every law says what becomes of the intents; whatever the law, a run has to
come to its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MOST_DECISIONS = 80

LAWS: tuple[dict[str, Any], ...] = (
    {"name": "everything works"},
    {"name": "every step fails", "step": "ValueError"},
    {"name": "every step is busy", "step": "Busy"},
    {"name": "files keep changing and a person says yes", "step": "Stale", "says": "yes"},
    {"name": "files keep changing and a person says no", "step": "Stale", "says": "no"},
    {"name": "nothing is allowed", "step": "NotAllowed"},
    {"name": "the done-test fails", "done": "DoneTestFailed"},
)


def live(decide: Callable[[Any], Any], start: Any, law: dict[str, Any]) -> dict[str, Any]:
    """The answers of one run in order with the state each was given in, and what went wrong."""
    view, seen = start, []
    for _ in range(MOST_DECISIONS):
        state = view["run"]["state"]
        try:
            answer = json.loads(json.dumps(decide(json.loads(json.dumps(view))), allow_nan=False))
            state_after = ([state, *answer["path"]])[-1]
            seen.append({"state": state, "answer": answer})
            kind = answer["intent"]["kind"]
            if kind == "GiveUp" or (kind == "Finish" and state_after == "MODIFYING"):
                return {"seen": seen, "end": kind, "problem": ""}
            view = follow(view, state_after, answer, law)
        except Exception as error:  # noqa: BLE001  whatever a mind does is a finding
            return {"seen": seen, "end": "", "problem": f"{type(error).__name__}: {error}"[:500]}
    problem = f"it comes to no end in {MOST_DECISIONS} decisions"
    return {"seen": seen, "end": "", "problem": problem}


def follow(view: Any, state: str, answer: Any, law: dict[str, Any]) -> Any:
    """The view after the answer's intent, with the result that the law gives it."""
    after = {**view, "run": {**view["run"], "state": state}}
    if answer.get("plan"):
        tried = [view["plan"]["signature"]] if view["plan"] else []
        after |= {"plan": answer["plan"], "plans_tried": [*view["plans_tried"], *tried]}
        after |= {"results": {}, "tries": {}, "done_result": None}
    intent = answer["intent"]
    kind = intent["kind"]
    error = law.get({"Act": "step", "Finish": "done"}.get(kind, ""), "")
    result = _result(after, intent, error)
    if error:
        step = intent.get("step", kind)
        after["failures"] = [*after["failures"], {"step": step, **result["failure"]}]
    if kind == "Act":
        step = intent["step"]
        after["results"] = {**after["results"], step: result}
        after["tries"] = {**after["tries"], step: after["tries"].get(step, 0) + 1}
    elif kind == "Recall":
        after["recalled"] = {"experiences": [], "plans": [], "patterns": [], "priors": {}}
    elif kind == "Finish":
        after["done_result"] = result
    elif kind == "Remember":
        after["lesson"] = intent["lesson"]
    else:
        value = {"text": "{}", "answer": law.get("says", "yes"), "reason": "", "passages": []}
        reply = {"intent": intent, "result": {"ok": True, "value": value}}
        after["replies"] = [*after["replies"], reply]
    return after


def _result(view: Any, intent: Any, error: str) -> dict[str, Any]:
    if error:
        failure = {"error_class": error, "message": "made up", "where": "", "traceback": ""}
        return {"ok": False, "failure": failure}
    named = (e for e in view["capabilities"] if e["name"] == intent.get("capability"))
    capability: Any = next(named, {"outputs": {}})
    names = capability["outputs"].get("properties", {})
    return {"ok": True, "outputs": dict.fromkeys(names, True)}
