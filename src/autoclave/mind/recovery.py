"""What to do about a failure: retry, another way, degrade, ask, give up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .conversing import converse
from .model_plans import is_open
from .planning import begin, next_plan, plan
from .stepping import act, failed_step
from .views import JsonObject, Reply, View, reply

_PASSING = frozenset(
    {"Busy", "OutOfResources", "ModelUnavailable", "Unreachable", "Stale", "Transient"}
)
"""Failures that may go away by themselves."""

_MOST_TRIES = 3
_FIRST_WAIT_SECONDS = 1.0
_ORDER = ("retry", "ask", "other way", "degrade", "give up")


def recover(view: View, failure: JsonObject, *, step: JsonObject | None) -> Reply:
    """The first remedy that applies; what helped with this kind of error before goes first."""
    for name in _ranked(view):
        answer = _REMEDIES[name](view, failure, step)
        if answer is not None:
            answer["remedy"] = name
            return answer
    raise AssertionError("giving up always applies")


def go_on(view: View) -> Reply:
    """After the wait of a retry, or a person's yes: do the failed step again.

    Without a plan there was nothing to fail: a crash came before the refusal was written down.
    """
    last = view["replies"][-1] if view["replies"] else None
    if last and last["intent"]["kind"] == "Ask" and last["result"]["value"]["answer"] != "yes":
        intent = {"kind": "GiveUp", "reason": "a person said not to go on"}
        return reply(intent, why="the answer was no")
    if view["plan"] is None:
        answer = plan(view)
        answer["path"] = ["IDLE", "PLANNING", *answer["path"]]
        return answer
    if is_open(view["plan"]):
        answer = converse(view)
        ends = answer["intent"]["kind"] == "GiveUp"
        answer["path"] = [] if ends else ["IDLE", "PLANNING", "EXECUTING", *answer["path"]]
        return answer
    failed = failed_step(view)
    if failed is not None:
        return reply(act(failed), path=("IDLE", "PLANNING", "EXECUTING"), why="try again")
    finish = {"kind": "Finish", "summary": "try the done-test again"}
    return reply(finish, path=("IDLE", "PLANNING", "EXECUTING"), why="try again")


def _ranked(view: View) -> list[str]:
    """The usual order, unless experience with this error says otherwise."""
    learned = {
        name: stats["lower_bound"]
        for each in (view["recalled"] or {}).get("errors", [])
        for name, stats in each.get("remedies", {}).items()
        if name in _ORDER and stats["lower_bound"] > 0.5
    }
    first = [each for each in _ORDER if each != "give up"]
    return [*sorted(first, key=lambda name: -learned.get(name, 0.0)), "give up"]


def _retry(view: View, failure: JsonObject, step: JsonObject | None) -> Reply | None:
    tries = view["tries"].get(step["name"], 0) if step else _MOST_TRIES
    if failure["error_class"] not in _PASSING or tries >= _MOST_TRIES:
        return None
    # The seed spreads the waits of runs that failed together.
    jitter = (view["seed"] % 1000) / 1000
    seconds = _FIRST_WAIT_SECONDS * 2 ** (tries - 1) * (1 + jitter)
    reason = f"{failure['error_class']}: try again (try {tries + 1} of {_MOST_TRIES})"
    intent = {"kind": "Wait", "seconds": seconds, "reason": reason}
    return reply(intent, path=("ERROR", "RECOVERING"), why=reason)


def _ask(view: View, failure: JsonObject, step: JsonObject | None) -> Reply | None:
    asked = any(each["intent"]["kind"] == "Ask" for each in view["replies"])
    if failure["error_class"] != "Stale" or asked or step is None:
        return None
    question = f"The files that “{step['name']}” wants to write keep changing. Try once more?"
    intent = {"kind": "Ask", "question": question, "choices": ["yes", "no"]}
    return reply(intent, path=("ERROR", "RECOVERING"), why="it keeps happening")


def _other_way(view: View, failure: JsonObject, step: JsonObject | None) -> Reply | None:
    if failure["error_class"] == "NotAllowed":
        return None
    found = next_plan(view)
    if found is None:
        return None
    answer = begin(view, found, why=f"another way: {found['signature']}")
    answer["path"] = ["PLANNING", *answer["path"]]
    return answer


def _degrade(view: View, failure: JsonObject, step: JsonObject | None) -> Reply | None:
    """Go on without a step that the plan calls optional."""
    plan = view["plan"]
    if step is None or plan is None or not step.get("optional"):
        return None
    rest = [each for each in plan["steps"] if each["name"] != step["name"]]
    smaller = {**plan, "steps": rest, "signature": f"{plan['signature']} without {step['name']}"}
    answer = begin(view, smaller, why=f"go on without {step['name']}")
    answer["path"] = ["PLANNING", *answer["path"]]
    return answer


def _give_up(view: View, failure: JsonObject, step: JsonObject | None) -> Reply:
    what = f"step “{step['name']}”" if step else "the done-test"
    reason = f"{what} failed: {failure['error_class']}: {failure['message']}"
    intent = {"kind": "GiveUp", "reason": reason, "needs": _needs(failure)}
    return reply(intent, path=("ERROR", "RECOVERING"), why="no remedy is left")


def _needs(failure: JsonObject) -> str:
    return failure.get("needs") or "a person to look at it, or a language model"


_REMEDIES: Mapping[str, Callable[[View, JsonObject, JsonObject | None], Reply | None]] = {
    "retry": _retry,
    "ask": _ask,
    "other way": _other_way,
    "degrade": _degrade,
    "give up": _give_up,
}
