"""The forms in which results of intents are written down."""

from __future__ import annotations

from typing import Any

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, NotAllowed
from ..domain.events import EventKind, NewEvent


def good(**facts: Any) -> JsonObject:
    return {"ok": True, **facts}


def bad(failure: JsonObject, **facts: Any) -> JsonObject:
    return {"ok": False, "failure": failure, **facts}


def came_out() -> NotAllowed:
    """Why nothing is used of what a sealed run said: a break-out alone could have read it."""
    return NotAllowed("a secret that nothing may ever read came out of it", denied="canary")


def failure_of(error: AutoclaveError) -> JsonObject:
    """One of our errors as a failure that the mind can plan around."""
    failure: JsonObject = {
        "error_class": type(error).__name__,
        "message": error.message,
        "where": "",
        "traceback": "",
        "needs": error.hint,
    }
    denied = error.denied if isinstance(error, NotAllowed) else ""
    return failure | ({"denied": denied} if denied else {})


def result_event(
    key: str, intent: JsonObject, result: JsonObject, *, spend: JsonObject | None = None
) -> NewEvent:
    payload = {"key": key, "intent": intent, "result": result, "spend": spend or {}}
    return NewEvent(kind=EventKind.RESULT_RECORDED, payload=payload)


def resolve(inputs: JsonObject, results: dict[str, JsonObject]) -> JsonObject:
    """The inputs with every `{"$ref": "step.output"}` replaced. KeyError for a missing one."""
    return {name: _resolve_one(value, results) for name, value in inputs.items()}


def is_needless(step: JsonObject, results: dict[str, JsonObject]) -> bool:
    """Whether an earlier verdict says that a step is not needed, or it hangs on a skipped one.

    `results` holds what ran, in the order of the plan.
    """
    unless = step.get("unless")
    if unless:
        outputs = results.get(unless["step"], {}).get("outputs", {})
        if outputs.get(unless["field"]):
            return True
    return any(name not in results for name in step.get("after", ()))


def _resolve_one(value: Any, results: dict[str, JsonObject]) -> Any:
    if isinstance(value, dict) and set(value) == {"$ref"}:
        step, _, field = value["$ref"].partition(".")
        return results[step]["outputs"][field]
    return value
