"""From a goal to a plan: a proven one, one composed by types, or one that a model writes."""

from __future__ import annotations

import json

from .composing import compose
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
    options = [*_proven(view, reading), *_composed(view, reading), *_from_model(view)]
    return next((each for each in options if each["signature"] not in given_up), None)


def _proven(view: View, reading: Reading) -> list[JsonObject]:
    """Plans that worked for goals like this one and whose slots this goal can fill."""
    plans = (view["recalled"] or {}).get("plans", [])
    found = []
    for known in plans:
        if known["similarity"] < _SIMILAR or known["lower_bound"] < _PROVEN:
            continue
        if any(capability(view, step["capability"]) is None for step in known["steps"]):
            continue
        template = {"signature": known["signature"], "template": known["steps"]}
        bound = bind(template, reading["literals"], source="known")
        if bound is not None:
            composed = next(iter(_composed(view, reading)), None)
            bound["done"] = composed["done"] if composed else {}
            found.append(bound)
    return found


def _composed(view: View, reading: Reading) -> list[JsonObject]:
    plans = compose(view["capabilities"], reading)
    bound = [bind(each, reading["literals"], source="composed") for each in plans]
    return [each for each in bound if each is not None]


def bind(template: JsonObject, literals: list[Literal], *, source: str) -> JsonObject | None:
    """The template with every `$slot` filled from the goal's literals; None if one is missing."""
    steps = []
    for step in template["template"]:
        inputs: JsonObject = {}
        for name, value in step["inputs"].items():
            if not (isinstance(value, dict) and "$slot" in value):
                inputs[name] = value
                continue
            fitting = [each["value"] for each in literals if each["type"] == value["$slot"]]
            if value["index"] >= len(fitting):
                return None
            inputs[name] = fitting[value["index"]]
        steps.append({**step, "inputs": inputs})
    return {
        "signature": template["signature"],
        "source": source,
        "steps": steps,
        "template": template["template"],
        "done": template.get("done", {}),
    }


def _from_model(view: View) -> list[JsonObject]:
    """The plan that the model wrote, if it holds only steps that exist."""
    answers = [r for r in view["replies"] if r["intent"]["kind"] == "Think" and r["result"]["ok"]]
    if not answers:
        return []
    try:
        steps = json.loads(answers[-1]["result"]["value"]["text"])["steps"]
        known = [{**step, "after": _after(step["inputs"])} for step in steps]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    if any(capability(view, step["capability"]) is None for step in known):
        return []
    signature = "model:" + ">".join(step["capability"] for step in known)
    return [
        {"signature": signature, "source": "model", "steps": known, "template": known, "done": {}}
    ]


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
