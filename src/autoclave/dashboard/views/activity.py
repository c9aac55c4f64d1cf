"""Events, and a run told again step by step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ...domain.canonical import JsonObject
from ..glyphs import Glyphs
from ..ink import Line, line, paragraph
from ..words import age, amount, dollars, moment
from .home import event_line

_MOST_LINES = 400


def fits(event: JsonObject, words: str) -> bool:
    """Whether every word of a filter occurs: in kind, stream, actor or summary."""
    said = " ".join((event["kind"], event["stream"], event["actor"], event["summary"])).lower()
    return all(word in said for word in words.lower().split())


def event_row(event: JsonObject, glyphs: Glyphs) -> tuple[Line, Line]:
    return event_line(event, glyphs), line((event["kind"], "dim"))


def event_lines(event: JsonObject) -> list[Line]:
    """Everything that one event says."""
    facts = {
        "event": f"{event['id']} of all, {event['seq']} of {event['stream']}",
        "kind": event["kind"],
        "when": moment(event["at"]),
        "who": event["actor"],
        "what": event["summary"],
    }
    lines = [line((f"{name:<6} ", "dim"), said) for name, said in facts.items() if said]
    payload = json.dumps(event["payload"], indent=2, ensure_ascii=False)
    return [*lines, line(""), *paragraph(payload, most_lines=_MOST_LINES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A run as it stood after some of its events."""

    state: str = "IDLE"
    status: str = "queued"
    steps: int = 0
    usd: float = 0.0
    tokens: int = 0


_STATUS = {
    "RunTaken": "running",
    "QuestionAsked": "awaiting human",
    "AnswerGiven": "queued",
    "GoalPaused": "paused",
    "GoalParked": "parked",
    "GoalResumed": "queued",
    "GoalCancelled": "cancelled",
    "TimerSet": "waiting",
}


def stood(events: Sequence[JsonObject]) -> Moment:
    """How the run stood after these, as far as people see it."""
    state, status, steps, usd, tokens = "IDLE", "queued", 0, 0.0, 0
    for event in events:
        given = event["payload"]
        status = _STATUS.get(event["kind"], status)
        if event["kind"] == "StateChanged":
            state = str(given.get("to", state))
        elif event["kind"] == "GoalEnded":
            status = "done" if given.get("success") == "ok" else "failed"
        elif event["kind"] == "ResultRecorded":
            spent = given.get("spend") or {}
            steps, usd = steps + 1, usd + float(spent.get("usd", 0.0))
            tokens += int(spent.get("tokens", 0))
    return Moment(state=state, status=status, steps=steps, usd=usd, tokens=tokens)


def replay_line(events: Sequence[JsonObject], place: int, *, plays: bool) -> Line:
    """Where in the run one is."""
    if not events:
        return line(("nothing is recorded", "dim"))
    here = stood(events[: place + 1])
    since = age(events[place]["at"] - events[0]["at"])
    how = "playing" if plays else "standing"
    return line(
        (f"step {place + 1} of {len(events)}", "strong"),
        f"  +{since}  {here.state.lower()}, {here.status}  ",
        (f"{here.steps} done, {dollars(here.usd)}, {amount(here.tokens)} tokens  ", "dim"),
        (how, "accent"),
    )
