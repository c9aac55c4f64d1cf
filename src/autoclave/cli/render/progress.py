"""Progress on standard error: one line for each thing that a person would want to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ...domain.events import Event, EventKind
from ...domain.ports import Listener
from ..output import Output
from .goals import plan
from .paint import clip, paint

_Said = Callable[[Mapping[str, Any]], str]


def progress_to(output: Output, *, quiet: bool) -> Listener:
    """A listener that says what happens; silent when it should be."""

    def listen(event: Event) -> None:
        said = None if quiet or output.as_json else progress(event)
        if said:
            name = paint(event.stream.partition("/")[2] or "agent", "dim", color=output.note_color)
            output.note(f"{name}  {said}")

    return listen


def progress(event: Event) -> str:
    """What to say about one event; empty when nothing."""
    said = _SAID.get(event.kind)
    return clip(said(event.payload), 160) if said else ""


def _step(payload: Mapping[str, Any]) -> str:
    intent = payload.get("intent") or {}
    if intent.get("kind") != "Act":
        return ""
    ok = (payload.get("result") or {}).get("ok")
    return f"{intent.get('capability')}: {'ok' if ok else 'failed'}"


_SAID: Mapping[EventKind, _Said] = MappingProxyType(
    {
        EventKind.GOAL_ADDED: lambda given: f"goal: {given.get('text', '')}",
        EventKind.PLAN_MADE: lambda given: f"plan: {plan(given.get('plan'))}",
        EventKind.RESULT_RECORDED: _step,
        EventKind.QUESTION_ASKED: lambda given: f"asks: {given.get('question', '')}",
        EventKind.ERROR_MET: lambda given: (
            "error: " + str((given.get("failure") or {}).get("message", ""))
        ),
        EventKind.GOAL_PARKED: lambda given: f"parked: {given.get('reason', '')}",
        EventKind.GOAL_ENDED: lambda given: f"ended: {given.get('success', '')}",
        EventKind.OPPORTUNITY_RAISED: lambda given: f"opportunity: {given.get('title', '')}",
        EventKind.PROPOSAL_DRAFTED: lambda given: f"drafted: {given.get('title', '')}",
        EventKind.GATES_JUDGED: lambda _: "the gates have judged it",
        EventKind.PROPOSAL_APPLIED: lambda _: "applied",
    }
)
