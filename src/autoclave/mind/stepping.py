"""Which step of a plan comes next."""

from __future__ import annotations

from .views import JsonObject, View


def next_intent(view: View) -> JsonObject:
    """Do the first step that is neither done nor needless; with none left, claim to be done."""
    plan = view["plan"] or {"steps": []}
    for step in plan["steps"]:
        if step["name"] not in view["results"] and not _is_needless(view, step):
            return act(step)
    return {"kind": "Finish", "summary": "every step of the plan is done"}


def failed_step(view: View) -> JsonObject | None:
    """The step whose last try failed, or None."""
    plan = view["plan"] or {"steps": []}
    for step in plan["steps"]:
        result = view["results"].get(step["name"])
        if result is not None and not result["ok"]:
            found: JsonObject = step
            return found
    return None


def act(step: JsonObject) -> JsonObject:
    """The intent to do one step."""
    return {
        "kind": "Act",
        "step": step["name"],
        "capability": step["capability"],
        "inputs": step["inputs"],
    }


def _is_needless(view: View, step: JsonObject) -> bool:
    """A step that an earlier verdict makes unnecessary, or that hangs on such a step."""
    unless = step.get("unless")
    if unless:
        earlier = view["results"].get(unless["step"])
        if earlier is not None and earlier["ok"] and earlier["outputs"].get(unless["field"]):
            return True
    plan = view["plan"] or {"steps": []}
    steps = {each["name"]: each for each in plan["steps"]}
    return any(
        name in steps and name not in view["results"] and _is_needless(view, steps[name])
        for name in step.get("after", ())
    )
