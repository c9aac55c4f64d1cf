"""Improving ourselves: how an opportunity becomes a proposal."""

from __future__ import annotations

from .views import JsonObject, Reply, View, reply

_REPAIRER = "repair_python"
_SECONDS = 25


def improvement_plan(view: View) -> JsonObject | None:
    """Search a fix for the capability that the opportunity names; None without a repairer."""
    if not any(each["name"] == _REPAIRER for each in view["capabilities"]):
        return None
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
    proposed = any(each["intent"]["kind"] == "Propose" for each in view["replies"])
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
