"""From a goal to a plan: a proven one, one composed by types, or one that a model writes."""

from __future__ import annotations

import json

from .composing import compose, does_what_is_asked
from .improving import improvement_plan
from .reading import Literal, Reading, read_goal
from .stepping import next_intent
from .views import JsonObject, Reply, View, capability, reply

_SIMILAR = 0.5
_PROVEN = 0.3

PLAN_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["steps"],
    "additionalProperties": False,
    "properties": {
        "steps": {
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": {
                "type": "object",
                "required": ["name", "capability", "inputs"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
                    "capability": {"type": "string"},
                    "inputs": {"type": "object"},
                },
            },
        }
    },
}
"""What a model has to answer when it is asked for a plan."""


def plan(view: View) -> Reply:
    """The next plan and its first step, a question to the model, or an honest no."""
    found = next_plan(view)
    if found is None:
        return _ask_model(view) or _cannot(view)
    return begin(view, found, why=f"a {found['source']} plan: {found['signature']}")


def begin(view: View, found: JsonObject, *, why: str) -> Reply:
    """Adopt a plan and do its first step; legal from PLANNING."""
    fresh: View = {**view, "plan": found, "results": {}, "tries": {}, "done_result": None}
    return {"path": ["EXECUTING"], "plan": found, "intent": next_intent(fresh), "why": why}


def next_plan(view: View) -> JsonObject | None:
    """The best plan that was not given up already, or None."""
    given_up = set(view["plans_tried"])
    if view["plan"]:
        given_up.add(view["plan"]["signature"])
    if view["run"]["kind"] == "improvement":
        found = improvement_plan(view)
        return found if found and found["signature"] not in given_up else None
    reading = read_goal(view["run"]["text"])
    plans = compose(view["capabilities"], reading)
    composed = [bind(each, reading["literals"], source="composed") for each in plans]
    options = [*_proven(view, reading, plans), *composed, *_from_model(view, reading)]
    return next((each for each in options if each and each["signature"] not in given_up), None)


def _proven(view: View, reading: Reading, plans: list[JsonObject]) -> list[JsonObject]:
    """Plans that worked for goals like this one, do what it asks, and whose slots it can fill."""
    known = [each for each in (view["recalled"] or {}).get("plans", []) if _is_proven(each)]
    found = []
    for each in known:
        steps = each["steps"]
        if any(capability(view, step["capability"]) is None for step in steps):
            continue
        if not does_what_is_asked(steps, plans, view["capabilities"], reading):
            continue
        if each["source"] == "model" and not _uses_everything(steps, reading):
            continue
        done = plans[0]["done"] if plans else {}
        template = {"signature": each["signature"], "template": steps, "done": done}
        found.append(bind(template, reading["literals"], source="known"))
    return [each for each in found if each is not None]


def _is_proven(known: JsonObject) -> bool:
    is_like = known["similarity"] >= _SIMILAR and known["lower_bound"] >= _PROVEN
    return is_like and not known["signature"].startswith("improve:")


def _uses_everything(steps: list[JsonObject], reading: Reading) -> bool:
    """A model's plan may hold things of the goal it was made for; those must all be slots."""
    values = [value for step in steps for value in step["inputs"].values()]
    return all(_slot(reading["literals"], i) in values for i in range(len(reading["literals"])))


def _slot(literals: list[Literal], index: int) -> JsonObject:
    """How a template names the literal at `index`: the n-th of its type."""
    kind = literals[index]["type"]
    return {"$slot": kind, "index": sum(each["type"] == kind for each in literals[:index])}


def bind(template: JsonObject, literals: list[Literal], *, source: str) -> JsonObject | None:
    """The template with every `$slot` filled from the goal's literals; None if one is missing."""
    try:
        steps = [
            {**step, "inputs": _filled(step["inputs"], literals)} for step in template["template"]
        ]
        done = dict(template.get("done", {}))
        if "inputs" in done:
            done["inputs"] = _filled(done["inputs"], literals)
    except IndexError:
        return None
    return {
        "signature": template["signature"],
        "source": source,
        "steps": steps,
        "template": template["template"],
        "done": done,
    }


def _filled(inputs: JsonObject, literals: list[Literal]) -> JsonObject:
    """The inputs with a thing of the goal in each slot. IndexError when the goal names too few."""
    filled = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, dict) and "$slot" in value:
            fitting = [each["value"] for each in literals if each["type"] == value["$slot"]]
            filled[name] = fitting[value["index"]]
    return filled


def _from_model(view: View, reading: Reading) -> list[JsonObject]:
    """The plan that the model wrote, if it holds only steps that exist."""
    answers = [r for r in view["replies"] if r["intent"]["kind"] == "Think" and r["result"]["ok"]]
    if not answers:
        return []
    try:
        given = json.loads(answers[-1]["result"]["value"]["text"])["steps"]
        steps = [_written(step) for step in given]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    names = {step["name"] for step in steps}
    exist = all(capability(view, step["capability"]) for step in steps)
    if not steps or not exist or len(names) < len(steps):
        return []
    template = [{**step, "inputs": _slotted(step["inputs"], reading)} for step in steps]
    signature = "model:" + ">".join(step["capability"] for step in steps)
    return [
        {"signature": signature, "source": "model", "steps": steps, "template": template}
        | {"done": {}}
    ]


def _written(step: JsonObject) -> JsonObject:
    """One step of a model's plan. Raises TypeError or AttributeError when it has another form."""
    name, asked, inputs = step["name"], step["capability"], step["inputs"]
    if not (isinstance(name, str) and isinstance(asked, str) and name):
        raise TypeError("a step and its capability have names")
    return {"name": name, "capability": asked, "inputs": dict(inputs), "after": _after(inputs)}


def _slotted(inputs: JsonObject, reading: Reading) -> JsonObject:
    """The inputs with a slot for each thing of the goal, so that the plan fits other goals."""
    values = [each["value"] for each in reading["literals"]]
    return {
        name: _slot(reading["literals"], values.index(value)) if value in values else value
        for name, value in inputs.items()
    }


def _after(inputs: JsonObject) -> list[str]:
    references = (value for value in inputs.values() if isinstance(value, dict))
    return sorted({each["$ref"].split(".")[0] for each in references if "$ref" in each})


def _ask_model(view: View) -> Reply | None:
    asked = sum(each["intent"]["kind"] == "Think" for each in view["replies"])
    if not view["model"] or asked >= 2 or view["run"]["kind"] == "improvement":
        return None
    offered = [
        {key: each[key] for key in ("name", "purpose", "inputs", "outputs")}
        for each in view["capabilities"]
    ]
    question = {
        "goal": view["run"]["text"],
        "capabilities": offered,
        "form": 'JSON: {"steps": [{"name", "capability", "inputs"}]}; an input is a value or '
        '{"$ref": "step.output"}',
        "failures": view["failures"][-3:],
    }
    intent = {
        "kind": "Think",
        "purpose": "plan",
        "messages": [{"role": "user", "content": json.dumps(question, sort_keys=True)}],
        "schema": PLAN_SCHEMA,
    }
    return reply(intent, why="no known plan fits and the capabilities do not chain by type")


def _cannot(view: View) -> Reply:
    if view["plan"] or view["failures"]:
        reason, unserved = "every way that is known here was tried", False
    else:
        reason, unserved = "nothing here serves a goal like this", True
    intent = {
        "kind": "GiveUp",
        "reason": reason,
        "needs": _what_would_help(view, unserved=unserved),
        "unserved": unserved,
    }
    return reply(intent, path=("ERROR", "RECOVERING"), why=reason)


def _what_would_help(view: View, *, unserved: bool) -> str:
    if not unserved:
        return "a hint in the goal, a larger budget, or a language model"
    reading = read_goal(view["run"]["text"])
    serving = [c["name"] for c in view["capabilities"] if set(c["serves"]) & set(reading["words"])]
    if serving:
        return f"name what {serving[0]} needs in the goal (a file, a “quoted” text, a `command`)"
    return "a language model, or a capability that serves these words (`autoclave capability list`)"
