"""Counts events, one after the other, into a tally."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..domain.canonical import JsonObject
from ..domain.events import Event, EventKind
from .counted import Counted
from .tally_models import MODEL_COUNTS, settle_model_call
from .tally_state import Tally

_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


def count(tally: Tally, event: Event) -> None:
    """Count one more event; they have to come in order. Never fails: what has not the form of its
    kind is counted as that."""
    tally.last_id, tally.last_at = event.id, event.at
    tally.counted.add("events_total", kind=event.kind)
    if of_its_kind := _COUNTS.get(event.kind):
        try:
            of_its_kind(tally, event)
        except _UNREADABLE:
            tally.counted.add("events_unread_total")


def _agent_started(tally: Tally, event: Event) -> None:
    tally.mind = str(event.payload.get("mind", ""))[:12]
    tally.limit_usd = float((event.payload.get("per_day") or {}).get("usd") or 0.0)


def _sandbox_tested(tally: Tally, event: Event) -> None:
    tally.tier = event.payload["tier"]


def _agent_paused(tally: Tally, event: Event) -> None:
    if event.payload.get("code") == "escalated":
        tally.counted.add("escalations_total", scope="agent")


def _plus_one(name: str) -> Callable[[Tally, Event], None]:
    return lambda tally, event: tally.counted.add(name)


def _incident(tally: Tally, event: Event) -> None:
    tally.counted.add("incidents_total", kind=event.payload.get("kind", ""))


def _goal_added(tally: Tally, event: Event) -> None:
    by = "person" if event.actor.startswith("person:") else "agent"
    tally.counted.add("goals_added_total", by=by)


def _run_taken(tally: Tally, event: Event) -> None:
    tally.counted.add("activations_total")
    tally.mind = str(event.payload.get("mind", ""))[:12] or tally.mind


def _state_changed(tally: Tally, event: Event) -> None:
    given = event.payload
    tally.counted.add(
        "state_transitions_total", from_=given.get("from", ""), to=given.get("to", "")
    )


def _goal_ended(tally: Tally, event: Event) -> None:
    end = event.payload["success"]
    tally.counted.add("goals_ended_total", end=end)
    tally.counted.observe("goal_duration_seconds", event.payload.get("seconds", 0.0), end=end)
    tally.waits.cached.pop(event.stream, None)


def _goal_cancelled(tally: Tally, event: Event) -> None:
    tally.counted.add("goals_ended_total", end="cancelled")
    tally.waits.cached.pop(event.stream, None)


def _goal_parked(tally: Tally, event: Event) -> None:
    code = event.payload.get("code", "")
    tally.counted.add("goals_parked_total", code=code)
    if code == "escalation":
        tally.counted.add("escalations_total", scope="goal")


def _question_asked(tally: Tally, event: Event) -> None:
    tally.counted.add("questions_total")
    tally.waits.put(tally.waits.questions, _question(event), event.at)


def _answer_given(tally: Tally, event: Event) -> None:
    tally.counted.add("answers_total", answer="yes" if event.payload.get("yes") else "no")
    asked_at = tally.waits.questions.pop(_question(event), None)
    if asked_at is not None:
        tally.counted.observe("answer_wait_seconds", max(0.0, event.at - asked_at))


def _question(event: Event) -> str:
    return f"{event.stream} {event.payload['request']}"


def _intent_recorded(tally: Tally, event: Event) -> None:
    given = event.payload
    if given["intent"]["kind"] != "Think":
        return
    call = {
        "stream": event.stream,
        "model": given.get("model", ""),
        "purpose": given["intent"].get("purpose", ""),
        "asked": given.get("asked") or {},
    }
    tally.waits.put(tally.waits.calls, given["key"], call)


def _result_recorded(tally: Tally, event: Event) -> None:
    given = event.payload
    intent, result = given["intent"], given["result"]
    outcome = "ok" if result["ok"] else "failed"
    tally.progress_at = event.at
    tally.counted.add("steps_total", kind=intent["kind"], outcome=outcome)
    if not result["ok"]:
        _failed(tally, result.get("failure") or {})
    if intent["kind"] == "Act":
        _capability_ran(tally.counted, intent["capability"], result, outcome)
    elif intent["kind"] == "Search":
        tally.counted.add("searches_total", outcome=outcome)
    elif intent["kind"] == "Fetch":
        tally.counted.add("page_fetches_total", outcome=_fetched(result))
    elif intent["kind"] == "Think":
        settle_model_call(tally, event)


def _failed(tally: Tally, failure: JsonObject) -> None:
    tally.counted.add("errors_total", error=failure.get("error_class", "unknown"))
    if denied := failure.get("denied"):
        tally.counted.add("denials_total", action=denied)


def _error_met(tally: Tally, event: Event) -> None:
    _failed(tally, event.payload.get("failure") or {})


def _capability_ran(counted: Counted, name: str, result: JsonObject, outcome: str) -> None:
    counted.add("capability_runs_total", capability=name, outcome=outcome)
    if "seconds" in result:
        counted.observe("capability_run_seconds", result["seconds"], capability=name)


def _fetched(result: JsonObject) -> str:
    if result["ok"]:
        return "ok"
    ours = {"NotAllowed": "denied", "Unreachable": "unreachable", "InvalidInput": "invalid"}
    return ours.get((result.get("failure") or {}).get("error_class", ""), "error")


def _drafted(tally: Tally, event: Event) -> None:
    risk = f"R{event.payload['draft']['risk']}"
    tally.counted.add("proposals_drafted_total", risk=risk)
    known = {"risk": risk, "at": event.at, "approved": False}
    tally.waits.put(tally.waits.proposals, event.stream, known)


def _judged(tally: Tally, event: Event) -> None:
    _proposal(tally, event)["at"] = event.at
    for gate in event.payload["gates"]:
        tally.counted.add("gate_runs_total", gate=gate["name"], verdict=gate["verdict"])
        tally.counted.observe("gate_seconds", gate["seconds"], gate=gate["name"])


def _decided(decision: str) -> Callable[[Tally, Event], None]:
    def decide(tally: Tally, event: Event) -> None:
        known = _proposal(tally, event)
        tally.counted.add("proposals_decided_total", risk=known["risk"], decision=decision)
        took = max(0.0, event.at - known["at"])
        tally.counted.observe("proposal_decision_seconds", took, decision=decision)

    return decide


def _approved(tally: Tally, event: Event) -> None:
    _decided("approved")(tally, event)
    _proposal(tally, event)["approved"] = True
    looked, lines = event.payload.get("looked_seconds"), event.payload.get("lines", 0)
    if looked is None:
        tally.counted.add("approvals_unseen_total")
        return
    tally.counted.observe("proposal_viewed_seconds", looked)
    tally.counted.observe("review_seconds_per_line", looked / max(lines, 1))


def _applied(tally: Tally, event: Event) -> None:
    how = "approved" if _proposal(tally, event)["approved"] else "unapproved"
    tally.counted.add("proposals_applied_total", how=how)


def _redone(tally: Tally, event: Event) -> None:
    how = "again" if _proposal(tally, event)["approved"] else "unapproved"
    tally.counted.add("proposals_applied_total", how=how)


def _undone(tally: Tally, event: Event) -> None:
    by = "person" if event.actor.startswith("person:") else "kernel"
    tally.counted.add("rollbacks_total", by=by)


def _proposal(tally: Tally, event: Event) -> JsonObject:
    unknown: JsonObject = {"risk": "", "at": event.at, "approved": False}
    return tally.waits.proposals.setdefault(event.stream, unknown)


_COUNTS: Mapping[EventKind, Callable[[Tally, Event], None]] = {
    EventKind.AGENT_STARTED: _agent_started,
    EventKind.AGENT_PAUSED: _agent_paused,
    EventKind.SANDBOX_TESTED: _sandbox_tested,
    EventKind.OPPORTUNITY_RAISED: _plus_one("opportunities_total"),
    EventKind.CHECKPOINT_MADE: _plus_one("checkpoints_total"),
    EventKind.INCIDENT_RECORDED: _incident,
    EventKind.GOAL_ADDED: _goal_added,
    EventKind.RUN_TAKEN: _run_taken,
    EventKind.STATE_CHANGED: _state_changed,
    EventKind.GOAL_ENDED: _goal_ended,
    EventKind.GOAL_CANCELLED: _goal_cancelled,
    EventKind.GOAL_PARKED: _goal_parked,
    EventKind.QUESTION_ASKED: _question_asked,
    EventKind.ANSWER_GIVEN: _answer_given,
    EventKind.INTENT_RECORDED: _intent_recorded,
    EventKind.RESULT_RECORDED: _result_recorded,
    EventKind.ERROR_MET: _error_met,
    EventKind.PROPOSAL_DRAFTED: _drafted,
    EventKind.GATES_JUDGED: _judged,
    EventKind.PROPOSAL_APPROVED: _approved,
    EventKind.PROPOSAL_REJECTED: _decided("rejected"),
    EventKind.PROPOSAL_RETURNED: _decided("returned"),
    EventKind.PROPOSAL_EXPIRED: _decided("expired"),
    EventKind.PROPOSAL_APPLIED: _applied,
    EventKind.PROPOSAL_REDONE: _redone,
    EventKind.PROPOSAL_UNDONE: _undone,
    **MODEL_COUNTS,
}
