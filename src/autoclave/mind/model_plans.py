"""Plans that a model makes: the question for one, and what of an answer can be used."""

from __future__ import annotations

import json
from typing import Any

from .prompting import think
from .views import JsonObject, Reply, View, capability, reply

PLAN_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["approach", "uses", "steps"],
    "additionalProperties": False,
    "properties": {
        "approach": {"type": "string"},
        "uses": {"type": "array", "items": {"type": "string"}},
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "capability", "inputs"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "capability": {"type": "string"},
                    "inputs": {"type": "string"},
                },
            },
        },
    },
}
"""What a model has to answer when it is asked for a plan.

Inputs are JSON inside of a text: where answers follow a schema, no object may be left open.
"""

_MOST_ASKED = 4
_MOST_UNUSABLE = 2
"""What is wrong is said once; after that another way has to be found."""
_MOST_AWAY = 20
_LONGEST_PROBLEM = 300
_AWAY = frozenset({"ModelUnavailable", "Interrupted", "CredentialMissing", "ConfigurationInvalid"})
"""The question never got through, or its answer did not: it says nothing about the plan."""


def open_plan(ordinal: int, uses: list[str], approach: str) -> JsonObject:
    """A plan that names what may be used and leaves the steps to the work."""
    return {
        "signature": f"model:open:{ordinal}:{'+'.join(uses)}",
        "source": "model",
        "steps": [],
        "template": [],
        "uses": uses,
        "approach": approach,
        "done": {},
    }


def is_open(plan: JsonObject | None) -> bool:
    """Whether a plan leaves its steps to a conversation."""
    return plan is not None and "uses" in plan


def planned_by_model(view: View) -> tuple[list[JsonObject], JsonObject] | None:
    """The model's newest plan: its steps if it named them, and the open plan; None without one."""
    usable = [each for each in _plan_answers(view) if not _problem(view, each)]
    if not usable:
        return None
    given = json.loads(usable[-1]["text"])
    steps = [_written(step) for step in given["steps"]]
    uses = sorted({*given.get("uses", []), *(step["capability"] for step in steps)})
    return steps, open_plan(len(usable), uses, str(given.get("approach", "")))


def _plan_answers(view: View) -> list[JsonObject]:
    """What the model answered when it was asked for a plan, oldest first."""
    return [
        each["result"]["value"]
        for each in view["replies"]
        if _is_about_plan(each) and each["result"]["ok"]
    ]


def _is_about_plan(reply: JsonObject) -> bool:
    intent = reply["intent"]
    return bool(intent["kind"] == "Think" and intent.get("purpose") == "plan")


def _problem(view: View, answer: JsonObject) -> str:
    """Why an answer is no plan, in words that help to make it one; empty when it is one."""
    stop = answer.get("stop", "end_turn")
    if stop != "end_turn":
        return f"the answer ended with {stop}"
    try:
        given = json.loads(answer["text"])
        steps = [_written(step) for step in given["steps"]]
        uses = [str(each) for each in given.get("uses", [])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"it has another form than asked for: {error}"
    named = [*uses, *(step["capability"] for step in steps)]
    unknown = sorted({each for each in named if capability(view, each) is None})
    if unknown:
        return f"there is no capability {', '.join(unknown)}"
    if not named:
        return "it names no capability"
    if len({step["name"] for step in steps}) < len(steps):
        return "two steps have the same name"
    return ""


def _written(step: JsonObject) -> JsonObject:
    """One step of a model's plan. Raises TypeError or AttributeError when it has another form."""
    name, asked, inputs = step["name"], step["capability"], step["inputs"]
    if isinstance(inputs, str):
        inputs = json.loads(inputs)
    if not (isinstance(name, str) and isinstance(asked, str) and name):
        raise TypeError("a step and its capability have names")
    return {"name": name, "capability": asked, "inputs": dict(inputs), "after": _after(inputs)}


def _after(inputs: JsonObject) -> list[str]:
    references = (value for value in inputs.values() if isinstance(value, dict))
    return sorted({each["$ref"].split(".")[0] for each in references if "$ref" in each})


def may_ask(view: View) -> bool:
    """Whether a model is there and has not had its chances."""
    about = [each for each in view["replies"] if _is_about_plan(each)]
    asked = sum(not _never_came(each) for each in about)
    away = all(map(_never_came, about[-_MOST_AWAY:])) and len(about) >= _MOST_AWAY
    unusable = sum(bool(_problem(view, each)) for each in _plan_answers(view))
    may = asked < _MOST_ASKED and unusable < _MOST_UNUSABLE and not away
    may = may and not any(map(_is_at_fault, about)) and not any(map(_is_refusal, about))
    return bool(view["model"]) and view["run"]["kind"] != "improvement" and may


def why_no_plan(view: View) -> tuple[str, str] | None:
    """Why asking the model was in vain, and what would help; None when it was not asked in vain."""
    about = [each for each in view["replies"] if _is_about_plan(each)]
    if not about or planned_by_model(view):
        return None
    result = about[-1]["result"]
    if _is_refusal(about[-1]):
        return declined(result["value"])
    if _is_at_fault(about[-1]):
        failure = result["failure"]
        said = f"the model can't be asked: {failure['error_class']}: {failure['message']}"
        return said, failure.get("needs", "")
    if not result["ok"]:
        return None
    problem = _problem(view, result["value"])[:_LONGEST_PROBLEM]
    return f"the model made no plan that can be used: {problem}", "another model, or a hint"


def declined(answer: JsonObject) -> tuple[str, str]:
    """That the model refused, and what would help."""
    category = f" ({answer['refusal']})" if answer.get("refusal") else ""
    return f"the model declined{category}", "another wording of the goal, or another model"


def _is_refusal(reply: JsonObject) -> bool:
    """An outcome: asking the same again is no use."""
    return bool(reply["result"]["ok"] and reply["result"]["value"].get("stop") == "refusal")


def _said_back(answer: JsonObject) -> Any:
    """What it said, without calls: nothing was called, and a call without a result is refused."""
    blocks = answer.get("blocks") or []
    if any(block["type"] == "tool_use" for block in blocks):
        blocks = []
    return blocks or answer["text"] or "…"


def _never_came(reply: JsonObject) -> bool:
    result = reply["result"]
    return not result["ok"] and result["failure"]["error_class"] in _AWAY


def _is_at_fault(reply: JsonObject) -> bool:
    """The question itself was refused: asking it again would change nothing."""
    return not reply["result"]["ok"] and not _never_came(reply)


def ask_for_plan(view: View, *, why: str, path: tuple[str, ...] = ()) -> Reply:
    """Ask the model how to go about the goal. It sees the goal and what can be called.

    Nothing that was read is shown: a plan from the goal alone may do what the goal's person may.
    """
    offered = [
        {key: each[key] for key in ("name", "purpose", "inputs", "outputs")}
        for each in view["capabilities"]
    ]
    question: JsonObject = {"goal": view["run"]["text"], "capabilities": offered}
    question["workspace"] = view["run"]["has_workspace"]
    if view["plans_tried"] or view["plan"]:
        tried = [*view["plans_tried"], *([view["plan"]["signature"]] if view["plan"] else [])]
        question["tried_without_success"] = tried
    said = [{"role": "user", "content": json.dumps(question, sort_keys=True)}]
    for answer in _plan_answers(view)[-1:]:
        if problem := _problem(view, answer):
            said.append({"role": "assistant", "content": _said_back(answer)})
            said.append(
                {"role": "user", "content": f"That can't be used: {problem}. Answer again."}
            )
    return reply(think(view, "plan", said, schema=PLAN_SCHEMA), path=path, why=why)
