"""Goals as people give them, list them and look at them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..core.done_test import describe_done_test
from ..core.signed_answers import is_to_sign, quorum_of, yeses_of
from ..domain.approval import Approval
from ..domain.canonical import JsonObject, digest
from ..domain.errors import InvalidInput, NotAllowed, NotFound
from ..domain.ports import Gatekeeper
from ..domain.risk import Action, ActionKind, Origin, Risk, Verdict
from ..domain.run import Run, RunStatus
from ..domain.usage import Budget
from .another_yes import another_yes
from .home import owners_folder

_LONGEST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalSpec:
    """A goal as a person gives it."""

    text: str
    workspace: Path | None = None
    done: tuple[str, ...] = ()
    priority: int = 0
    budget_usd: float | None = None
    budget_seconds: float | None = None
    allow_up_to: Risk = Risk.R0
    model: str = "auto"
    key: str = ""
    """Whoever repeats it with the same goal within a day gets the goal that is there."""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise InvalidInput("the goal is empty", hint="say what should be true afterwards")
        if len(self.text) > _LONGEST:
            raise InvalidInput(f"the goal is longer than {_LONGEST:,} characters")
        if "\0" in self.text:
            raise InvalidInput("the goal holds a NUL character")
        if self.done and (not self.done[0] or any("\0" in word for word in self.done)):
            raise InvalidInput("the done-test is no command", hint="name a program and its words")
        for name in ("budget_usd", "budget_seconds"):
            most = getattr(self, name)
            if most is not None and not 0 <= most < math.inf:
                raise InvalidInput(f"{name} is {most}, and a budget is a number from 0 on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person says to a question of a goal."""

    yes: bool
    by: str
    reason: str = ""
    signed: Approval | None = None
    """By an owner; has to be there for a yes from R4 on."""


def check_workspace(folder: Path | None) -> str:
    """The absolute path of an existing folder. Raises NotFound, InvalidInput."""
    if folder is None:
        return ""
    folder = folder.expanduser().absolute()
    if not folder.exists():
        raise NotFound(f"the workspace {folder} does not exist", hint="make it, or name another")
    if not folder.is_dir():
        raise InvalidInput(f"the workspace {folder} is not a folder", hint="name a folder")
    keys = owners_folder().resolve()
    if folder.resolve() in (keys, *keys.parents):
        # A sealed run gets a copy of the workspace, and must not get that.
        raise InvalidInput(
            f"the workspace {folder} holds the keys of owners, below {keys}",
            hint="name the folder of one project",
        )
    return str(folder.resolve())


def goal_payload(spec: GoalSpec, *, budget: Budget) -> JsonObject:
    """What is written down when the goal is added."""
    payload = {
        "kind": "goal",
        "text": spec.text.strip(),
        "workspace": check_workspace(spec.workspace),
        "done": list(spec.done),
        "priority": spec.priority,
        "budget": budget.to_json(),
        "allow_up_to": int(spec.allow_up_to),
        "model": spec.model,
    }
    if spec.key:
        payload |= {"key": spec.key, "asked": digest(payload)}
    return payload


def judge_goal(gate: Gatekeeper, payload: JsonObject) -> None:
    """Raise NotAllowed when the rules refuse the goal."""
    action = Action(
        kind=ActionKind.GOAL_ADD,
        target=payload["text"][:200],
        attributes={"kind": payload["kind"], "workspace": payload["workspace"]},
        origins=frozenset({Origin.PERSON}),
    )
    ruling = gate.judge(action)
    if ruling.verdict is Verdict.DENY:
        raise NotAllowed(f"this goal is refused: {ruling.reason}", rules=ruling.rules)


def goal_to_json(run: Run) -> JsonObject:
    """Everything about one goal that a person may want to see."""
    plan = run.plan or {}
    steps = [
        {
            "name": step["name"],
            "capability": step["capability"],
            "status": _step_status(run, step["name"]),
        }
        for step in run.steps
    ]
    return {
        "id": run.id,
        "kind": str(run.kind),
        "text": run.text,
        "status": str(run.status),
        "state": str(run.state),
        "reason": run.reason,
        "goes_on_at": run.wake_at if run.status is RunStatus.WAITING else None,
        "model": run.model,
        "workspace": run.workspace,
        "done_test": describe_done_test(run),
        "priority": run.priority,
        "attempt": run.attempt,
        "plan": {
            "source": plan["source"],
            "signature": plan["signature"],
            "approach": plan.get("approach", ""),
            "steps": steps,
        }
        if plan
        else None,
        "failures": list(run.failures),
        "remedies": list(run.remedies),
        "question": question_to_json(run),
        "files": [path for applied in run.applied for path in applied["paths"]],
        "diff": "".join(applied["diff"] for applied in run.applied),
        "spend": run.spend.to_json(),
        "budget": run.budget.to_json(),
        "says": _says(run),
        "lesson": run.lesson,
        "outcome": run.outcome,
        "added_by": run.added_by,
        "added_at": run.added_at,
        "mind_epoch": run.epoch,
    }


def _says(run: Run) -> str:
    """What the model said when it called its work done; empty for a goal without one."""
    if run.status is not RunStatus.DONE:
        return ""
    ends = [each for each in run.transcript if each["intent"]["kind"] == "Finish"]
    return next((str(each["intent"]["summary"]) for each in reversed(ends)), "")


def question_to_json(run: Run) -> JsonObject | None:
    """What the goal asks now, or None."""
    asked = run.question
    if run.status is not RunStatus.AWAITING_HUMAN or asked is None:
        return None
    ruling = asked.get("ruling") or {}
    return {
        "request": asked["request"],
        "question": asked["question"],
        "diff": asked["shown"],
        "digest": asked["digest"],
        "risk": ruling.get("risk", ""),
        "rules": ruling.get("rules", []),
        "reason": ruling.get("reason", ""),
        "expires_at": asked["expires_at"],
        "must_sign": is_to_sign(asked),
        "people": quorum_of(asked).people,
        "signed_by": [each.granted_by for each in yeses_of(asked)],
        "waits_for": another_yes(quorum_of(asked), yeses_of(asked)),
    }


def _step_status(run: Run, name: str) -> str:
    result = run.results.get(name)
    if result is None:
        return "not needed" if run.is_ended else "to do"
    return "done" if result["ok"] else "failed"
