"""From a goal to a plan: a proven one, one composed by types, or one that a model writes."""

from __future__ import annotations

from .composing import compose, does_what_is_asked
from .conversing import converse
from .improving import improvement_plans
from .model_plans import ask_for_plan, is_open, may_ask, planned_by_model, why_no_plan
from .reading import Literal, Reading, read_goal
from .stepping import next_intent
from .views import JsonObject, Reply, View, capability, reply

_SIMILAR = 0.5
_PROVEN = 0.3


def plan(view: View) -> Reply:
    """The next plan and its first step, a question to the model, or an honest no."""
    found = next_plan(view)
    if found is None:
        return ask_for_plan(view, why="no known plan fits") if may_ask(view) else _cannot(view)
    return begin(view, found, why=f"a {found['source']} plan: {found['signature']}")


def begin(view: View, found: JsonObject, *, why: str) -> Reply:
    """Adopt a plan and do its first step; legal from PLANNING."""
    fresh: View = {
        **view,
        "plan": found,
        "results": {},
        "tries": {},
        "transcript": [],
        "done_result": None,
    }
    if is_open(found):
        return {
            "path": ["EXECUTING"],
            "plan": found,
            "intent": converse(fresh)["intent"],
            "why": why,
        }
    return {"path": ["EXECUTING"], "plan": found, "intent": next_intent(fresh), "why": why}


def next_plan(view: View) -> JsonObject | None:
    """The best plan that was not given up already, or None."""
    given_up = set(view["plans_tried"])
    if view["plan"]:
        given_up.add(view["plan"]["signature"])
    if view["run"]["kind"] == "improvement":
        ways = improvement_plans(view)
        return next((each for each in ways if each["signature"] not in given_up), None)
    reading = read_goal(view["run"]["text"])
    plans = compose(view["capabilities"], reading)
    options: list[JsonObject | None] = [*_proven(view, reading, plans), *_from_model(view, reading)]
    if not may_ask(view):
        options += [bind(each, reading["literals"], source="composed") for each in plans]
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
    """The steps that the model named, with slots so that they fit other goals; then open work."""
    found = planned_by_model(view)
    if found is None:
        return []
    steps, opened = found
    if not steps:
        return [opened]
    template = [{**step, "inputs": _slotted(step["inputs"], reading)} for step in steps]
    signature = "model:" + ">".join(step["capability"] for step in steps)
    fixed = {"signature": signature, "source": "model", "steps": steps, "template": template}
    return [fixed | {"done": {}}, opened]


def _slotted(inputs: JsonObject, reading: Reading) -> JsonObject:
    """The inputs with a slot for each thing of the goal, so that the plan fits other goals."""
    values = [each["value"] for each in reading["literals"]]
    return {
        name: _slot(reading["literals"], values.index(value)) if value in values else value
        for name, value in inputs.items()
    }


def _cannot(view: View) -> Reply:
    if view["plan"] is None and (in_vain := why_no_plan(view)):
        reason, needs = in_vain
        intent: JsonObject = {"kind": "GiveUp", "reason": reason, "needs": needs}
        return reply(intent, path=("ERROR", "RECOVERING"), why=reason)
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
    if view["run"].get("facts", {}).get("comments"):
        return "a language model: only one can heed what the person said to the last draft"
    if not unserved:
        return "a hint in the goal, a larger budget, or a language model"
    reading = read_goal(view["run"]["text"])
    serving = [c["name"] for c in view["capabilities"] if set(c["serves"]) & set(reading["words"])]
    if serving:
        return f"name what {serving[0]} needs in the goal (a file, a “quoted” text, a `command`)"
    return "a language model, or a capability that serves these words (`autoclave capability list`)"
