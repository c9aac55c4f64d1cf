"""An intent without a result is an incident: that it was left so is written down, once."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.canonical import JsonObject
from ..domain.errors import NotFound
from ..domain.events import Event, EventKind, NewEvent
from ..domain.intents import Effect
from ..domain.run import Run
from .parts import Parts

INTERRUPTED = "interrupted"
AUDIT_GAP = "audit gap"

_AT_REST = frozenset(
    {
        EventKind.QUESTION_ASKED,
        EventKind.GOAL_PARKED,
        EventKind.GOAL_PAUSED,
        EventKind.TIMER_SET,
    }
)
"""With one of these an activation lays a run down; a person's words after it change nothing."""
_AT_WORK = frozenset(
    {
        EventKind.RUN_TAKEN,
        EventKind.INTENT_RECORDED,
        EventKind.CHANGES_PREPARED,
        EventKind.INCIDENT_RECORDED,
    }
)


async def note_interruption(parts: Parts, run: Run) -> Run:
    """Record that the activation before this one was cut off in the middle of an intent."""
    if run.open_intent is None:
        return run
    events = await parts.ledger.events(run.stream)
    if not was_cut_off(events, run.open_intent["key"]):
        return run
    intent = run.open_intent["intent"]
    payload: JsonObject = {
        "kind": INTERRUPTED,
        "key": run.open_intent["key"],
        "what": intent.get("step") or intent["kind"],
        "effect": run.open_intent["effect"],
        "done": _done_about(parts, run),
    }
    return await parts.ledger.insist(
        run, NewEvent(kind=EventKind.INCIDENT_RECORDED, payload=payload)
    )


async def note_cut_application(parts: Parts, stream: str) -> None:
    """Record that a proposal was begun to be applied and that nothing says what became of it.

    To be called under the lock of the body, while the proposal still waits to be applied: then
    nobody else is applying it.
    """
    events = await parts.ledger.events(stream)
    begun = [each.payload["nonce"] for each in events if each.kind is EventKind.APPLY_BEGUN]
    if not begun or any(each.kind is EventKind.INCIDENT_RECORDED for each in events):
        return
    payload: JsonObject = {
        "kind": INTERRUPTED,
        "key": begun[0],
        "what": "apply the change",
        "effect": str(Effect.IDEMPOTENT),
        "done": "repeated",
    }
    event = NewEvent(kind=EventKind.INCIDENT_RECORDED, payload=payload)
    await parts.ledger.post(stream, event, actor="kernel")


def was_cut_off(events: Sequence[Event], key: str) -> bool:
    """Whether the intent was left at work, and this was not said of it yet.

    The last time that the run was taken up is the present one.
    """
    taken = [n for n, event in enumerate(events) if event.kind is EventKind.RUN_TAKEN]
    before = events[: taken[-1]] if taken else events
    said = (e.payload for e in events if e.kind is EventKind.INCIDENT_RECORDED)
    if any(each.get("key") == key for each in said):
        return False
    last = (e.kind for e in reversed(before) if e.kind in _AT_REST | _AT_WORK)
    return next(last, EventKind.QUESTION_ASKED) in _AT_WORK


def _done_about(parts: Parts, run: Run) -> str:
    """How the loop goes on with it; the same choice as `Performer.resume` makes."""
    opened = run.open_intent or {}
    if run.open_changes is not None:
        return "finished"
    match opened["intent"]["kind"]:
        case "Act":
            return _done_about_act(parts, opened)
        case "Propose":
            return "repeated"
        case "Ask":
            return "asked"
        case _:
            return "given up"


def _done_about_act(parts: Parts, opened: JsonObject) -> str:
    try:
        manifest = parts.toolbox.manifest(opened["intent"]["capability"])
    except NotFound:
        return "given up"
    if manifest.needs.workspace == "write":
        return "repeated"
    ways = {Effect.VERIFIABLE: "verified", Effect.ONCE: "asked"}
    return ways.get(Effect(opened["effect"]), "repeated")
