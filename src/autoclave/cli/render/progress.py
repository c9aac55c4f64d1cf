"""Progress on standard error: one line for each thing that a person would want to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ...domain.canonical import JsonObject
from ...domain.events import EventKind
from ..output import Output
from .paint import clip, paint

SAID: Mapping[str, str] = MappingProxyType(
    {
        EventKind.GOAL_ADDED: "goal",
        EventKind.PLAN_MADE: "plan",
        EventKind.RESULT_RECORDED: "did",
        EventKind.QUESTION_ASKED: "asks",
        EventKind.TIMER_SET: "waits",
        EventKind.ERROR_MET: "error",
        EventKind.CHANGES_ROLLED_BACK: "rolled back",
        EventKind.GOAL_PARKED: "parked",
        EventKind.GOAL_PAUSED: "paused",
        EventKind.GOAL_RESUMED: "resumed",
        EventKind.AGENT_PAUSED: "paused",
        EventKind.AGENT_RESUMED: "resumed",
        EventKind.SHORTAGE_CHANGED: "machine",
        EventKind.GOAL_ENDED: "ended",
        EventKind.OPPORTUNITY_RAISED: "opportunity",
        EventKind.PROPOSAL_DRAFTED: "drafted",
        EventKind.GATES_JUDGED: "gates",
        EventKind.PROPOSAL_APPLIED: "applied",
    }
)
"""The kinds of events that are said, and the word for each."""


def progress_to(output: Output, *, quiet: bool) -> Callable[[JsonObject], None]:
    """A listener that says what happens; silent when it should be."""

    def listen(event: JsonObject) -> None:
        word = None if quiet or output.as_json else SAID.get(event["kind"])
        if word:
            name = event["stream"].partition("/")[2] or "agent"
            place = paint(name, "dim", color=output.note_color)
            output.note(f"{place}  {word:<11}  {clip(event['summary'], 120)}")

    return listen
