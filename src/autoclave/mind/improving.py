"""Improving ourselves: how an opportunity becomes a proposal."""

from __future__ import annotations

from .conversing import converse
from .model_plans import is_open
from .views import JsonObject, Reply, View, reply

_REPAIRER = "repair_python"
_SECONDS = 25
_READERS = frozenset({"read_file", "inspect_python", "search_files", "list_files", "run_tests"})
"""What the model may use to look at a capability and at the cases that it has to pass."""


def improvement_plans(view: View) -> list[JsonObject]:
    """The ways to mend a capability: search first, which costs nothing; then ask the model."""
    there = {each["name"] for each in view["capabilities"]}
    if view["run"]["facts"].get("comments"):
        # A search would find the same patch again, and has no words for what a person said to it.
        there.discard(_REPAIRER)
    found = [_search_plan(view)] if _REPAIRER in there else []
    uses = sorted(there & _READERS)
    return [*found, _draft_plan(uses)] if view["model"] and uses else found


def _draft_plan(uses: list[str]) -> JsonObject:
    """The model reads the code and the cases, and drafts an edit."""
    plan = {"signature": "improve:model", "source": "model", "steps": [], "template": []}
    return {**plan, "uses": uses, "approach": "", "done": {}}


def _search_plan(view: View) -> JsonObject:
    """Search a fix for the capability that the opportunity names."""
    facts = view["run"]["facts"]
    inputs = {
        "files": [f"capabilities/{facts['capability']}/*.py"],
        "priors": (view["recalled"] or {}).get("priors", {}),
        "budget_seconds": _SECONDS,
        "keep": False,
    }
    step = {"name": "repair", "capability": _REPAIRER, "inputs": inputs, "after": []}
    return {
        "signature": f"improve:{_REPAIRER}",
        "source": "composed",
        "steps": [step],
        "template": [step],
        "done": {"step": "repair", "field": "fixed"},
    }


def modify(view: View) -> Reply:
    """Propose what an improvement found; any other run has nothing to modify."""
    proposed = [each for each in view["replies"] if each["intent"]["kind"] == "Propose"]
    if proposed and not proposed[-1]["result"]["ok"] and is_open(view["plan"]):
        return _hear_no(view)
    if view["run"]["kind"] != "improvement" or proposed:
        return reply({"kind": "Finish", "summary": view["lesson"]}, why="nothing is left to do")
    facts, found = view["run"]["facts"], view["results"]["repair"]["outputs"]
    intent = {
        "kind": "Propose",
        "title": f"{facts['capability']}: {found['summary']}",
        "reason": facts["title"],
        "edits": found["edits"],
        "contract": {
            "cause": facts["cases"],
            "expected_fixes": facts["goals"],
            "at_risk": [],
            "alternatives": len(found.get("alternatives", [])),
        },
    }
    return reply(intent, why="a fix was found for a failure that keeps coming back")


def _hear_no(view: View) -> Reply:
    """The draft could not be proposed: the model hears why and may try again."""
    answer = converse(view)
    if answer["intent"]["kind"] != "GiveUp":
        back = ["ERROR", "RECOVERING", "IDLE", "PLANNING", "EXECUTING"]
        answer["path"] = [*back, *answer["path"]]
    return answer
