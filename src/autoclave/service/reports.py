"""What `run` reports of one goal."""

from __future__ import annotations

from ..core.done_test import describe_done_test
from ..domain.canonical import JsonObject
from ..domain.run import Run, RunStatus
from .goals import goal_to_json

_EXITS = {
    RunStatus.DONE: "done",
    RunStatus.FAILED: "failed",
    RunStatus.AWAITING_HUMAN: "waiting",
    RunStatus.PAUSED: "waiting",
    RunStatus.CANCELLED: "failed",
    RunStatus.WAITING: "later",
}


def report_of(run: Run, *, parked_code: str = "") -> JsonObject:
    """The facts of the run, and in `exit` the word that the exit code follows from."""
    outcome = run.outcome or {}
    seen = goal_to_json(run)
    return {
        "id": run.id,
        "goal": run.text,
        "status": seen["status"],
        "done_test": describe_done_test(run),
        "plan": seen["plan"],
        "attempts": _attempts(run),
        "tried": _tried(run),
        "diff": seen["diff"] or (seen["question"] or {}).get("diff", ""),
        "files": seen["files"],
        "approval": _approval(run),
        "question": seen["question"],
        "spend": seen["spend"],
        "seconds": outcome.get("seconds", run.spend.seconds),
        "reason": outcome.get("reason") or run.reason,
        "goes_on_at": run.wake_at if run.status is RunStatus.WAITING else None,
        "needs": outcome.get("needs", ""),
        "lesson": run.lesson,
        "outputs": _last_outputs(run),
        "says": seen["says"],
        "exit": _exit(run, parked_code),
    }


def _attempts(run: Run) -> list[JsonObject]:
    return [
        {
            "step": name,
            "ok": result["ok"],
            "seconds": result.get("seconds", 0.0),
            "failure": result.get("failure"),
        }
        for name, result in run.results.items()
    ]


def _tried(run: Run) -> list[str]:
    """In words: what each step did and what came of it."""
    said = []
    called = {step["name"]: step["capability"] for step in run.steps}
    for step, result in run.results.items():
        name = called.get(step, step)
        if result["ok"]:
            outputs = result.get("outputs", {})
            told = outputs.get("summary") or outputs.get("reason") or outputs.get("why_not")
            said.append(f"{name}: {told}" if told else f"{name}: done")
        else:
            failure = result["failure"]
            said.append(f"{name}: {failure['error_class']}: {failure['message']}")
    if run.done_result is not None and not run.done_result["ok"]:
        said.append(f"done-test: {run.done_result['failure']['message']}")
    return said


def _approval(run: Run) -> JsonObject | None:
    if run.applied:
        last = run.applied[-1]
        return {"by": last["permission"]["by"], "digest": last["digest"]}
    return None


def _last_outputs(run: Run) -> JsonObject:
    plan = run.plan or {"steps": []}
    for step in reversed(plan["steps"]):
        result = run.results.get(step["name"])
        if result is not None and result["ok"]:
            outputs: JsonObject = result.get("outputs", {})
            return outputs
    return {}


def _exit(run: Run, parked_code: str) -> str:
    if run.status is RunStatus.PARKED:
        return parked_code if parked_code in ("budget", "model") else "failed"
    if (run.outcome or {}).get("unserved"):
        return "unserved"
    denied = run.failures and run.failures[-1].get("error_class") == "NotAllowed"
    if run.status is RunStatus.FAILED and denied:
        return "denied"
    return _EXITS.get(run.status, "waiting")
