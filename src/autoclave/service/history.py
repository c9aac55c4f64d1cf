"""Events in words, for the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ..domain.canonical import JsonObject
from ..domain.events import Event, EventKind


def event_to_json(event: Event) -> JsonObject:
    """One event with a summary that a person can read."""
    return {
        "id": event.id,
        "stream": event.stream,
        "seq": event.seq,
        "kind": str(event.kind),
        "actor": event.actor,
        "at": event.at,
        "summary": summarise(event),
        "payload": event.payload,
    }


def summarise(event: Event) -> str:
    """What happened, in one line. Untrusted text in it is not made safe here."""
    said = _SAID.get(event.kind)
    return said(event.payload) if said else ""


def _result(given: JsonObject) -> str:
    intent, result = given["intent"], given["result"]
    # The calls of an open plan have numbers for names.
    name = intent.get("capability") or intent.get("step") or intent["kind"]
    if not result["ok"]:
        failure = result["failure"]
        if intent["kind"] == "Think":
            return f"no answer of the model: {failure['message']}"
        return f"{name} failed: {failure['error_class']}: {failure['message']}"
    if intent["kind"] in _DONE:
        return _DONE[intent["kind"]](intent, result)
    outputs = result.get("outputs") or {}
    told = outputs.get("summary") if isinstance(outputs, dict) else ""
    return f"{name}: {told}" if told else f"{name}: done"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _intended(given: JsonObject) -> str:
    intent = given["intent"]
    if intent["kind"] == "Think" and given.get("model"):
        most = f", for ${given.get('price', 0.0):.4f} at most"
        return f"asks {given['model']} to {intent['purpose']}{most}"
    return intent.get("step") or str(intent["kind"])


def _checked(intent: JsonObject, result: JsonObject) -> str:
    by = result["value"]["verified_by"]
    return f"the done-test passes ({result['value']['test']})" if by == "check" else "no done-test"


_DONE: Mapping[str, Callable[[JsonObject, JsonObject], str]] = {
    "Recall": lambda intent, result: _recalled(result["value"]),
    "Finish": _checked,
    "Remember": lambda intent, result: f"kept: {intent['lesson']}",
    "Think": lambda intent, result: _thought(intent, result["value"]),
    "Wait": lambda intent, result: f"waits {intent['seconds']:.1f} s",
    "Ask": lambda intent, result: f"{result['value']['by']} said {result['value']['answer']}",
    "Propose": lambda intent, result: f"proposed {result['value']['proposal']}",
    "Fetch": lambda intent, result: _read(result["value"]),
}


def _planned(plan: JsonObject) -> str:
    if "uses" in plan:
        how = plan.get("approach") or "step by step"
        return f"{plan['source']}: {how} [may use {', '.join(plan['uses'])}]"
    return f"{plan['source']}: {plan['signature']}"


def _thought(intent: JsonObject, answer: JsonObject) -> str:
    """What the model said, or what it was asked for; and what that cost."""
    lines = [line for line in str(answer.get("text", "")).splitlines() if line.strip()]
    calls = [each["name"] for each in answer.get("blocks", ()) if each["type"] == "tool_use"]
    is_talk = lines and not lines[0].lstrip().startswith("{")
    said = lines[0].strip() if is_talk else ", ".join(calls) or intent["purpose"]
    return f"the model, for ${answer.get('usd', 0.0):.4f}: {said}"


def _read(page: JsonObject) -> str:
    """The page that answered, and from which one it was pointed to."""
    start = f", by way of {page['redirects'][0]}" if page["redirects"] else ""
    return f"read {page['url']} ({len(page['text']):,} characters{start})"


def _recalled(found: JsonObject) -> str:
    plans, seen = len(found.get("plans", ())), len(found.get("experiences", ()))
    if not plans and not seen:
        return "nothing is known about goals like this"
    return f"recalled {seen} experiences and {plans} plans"


def _call(call: JsonObject) -> str:
    """What a running capability asks for."""
    if "url" in call:
        return f"{call['method']} {call['url']}"
    return f"{call['call']}: {call['query']}" if "query" in call else str(call["call"])


def _answered(given: JsonObject) -> str:
    refused = given["answer"].get("refused")
    return f"{refused['error_class']}: {refused['message']}" if refused else "served"


def _gates(given: JsonObject) -> str:
    verdicts = [f"{gate['name']} {gate['verdict']}" for gate in given["gates"]]
    return ", ".join(verdicts)


def _approved(given: JsonObject) -> str:
    by, after = given["approval"]["granted_by"], given.get("looked_seconds")
    lines = given.get("lines", 0)
    speed = (
        f"{lines} lines, never shown" if after is None else f"after {after:.0f} s for {lines} lines"
    )
    return f"by {by}, {speed}"


def _incident(given: JsonObject) -> str:
    if given["kind"] == "interrupted":
        said = f"{given['what']} ({given['effect']}) was cut off without a result"
        return f"{said}; it is {given['done']}"
    return f"{given['kind']}: {given.get('reason', '')}"


_SAID: Mapping[EventKind, Callable[[JsonObject], str]] = {
    EventKind.AGENT_STARTED: lambda p: f"{p['doing']} started",
    EventKind.AGENT_STOPPED: lambda p: f"{p['doing']} stopped",
    EventKind.SANDBOX_TESTED: lambda p: f"tier {p['tier']}: {'holds' if p['ok'] else 'LEAKS'}",
    EventKind.CAPABILITY_ENROLLED: lambda p: f"{p['name']} {p['version']} by {p['by']}",
    EventKind.PATTERN_RETIRED: lambda p: f"{p['pattern_id']}: {p['reason']}",
    EventKind.OWNER_ENROLLED: lambda p: f"{p['name']} {p['key'][:12]}",
    EventKind.OWNER_REMOVED: lambda p: f"{p['name']} {p['key'][:12]}",
    EventKind.OWNER_CHANGE_SIGNED: lambda p: f"{p['change']} {p['name']}; one more is needed",
    EventKind.DEED_SIGNED: lambda p: (
        f"{p['subject']} by {p['approval']['granted_by']}; one more is needed"
    ),
    EventKind.DEED_ALLOWED: lambda p: (
        f"{p['subject']} by {', '.join(each['granted_by'] for each in p['approvals'])}"
    ),
    EventKind.CHECKPOINT_MADE: lambda p: f"{p['checkpoint']} {p['note']}".strip(),
    EventKind.CHECKPOINT_RESTORED: lambda p: f"back to {p['checkpoint']}",
    EventKind.INCIDENT_RECORDED: _incident,
    EventKind.OPPORTUNITY_RAISED: lambda p: p["title"],
    EventKind.GOAL_ADDED: lambda p: p["text"],
    EventKind.STATE_CHANGED: lambda p: f"{p['from']} → {p['to']} {p.get('reason', '')}".strip(),
    EventKind.PLAN_MADE: lambda p: _planned(p["plan"]),
    EventKind.INTENT_RECORDED: _intended,
    EventKind.RESULT_RECORDED: _result,
    EventKind.BROKER_CALLED: lambda p: _call(p["call"]),
    EventKind.BROKER_ANSWERED: _answered,
    EventKind.CHANGES_PREPARED: lambda p: f"{len(p['changes']['files'])} files to write",
    EventKind.CHANGES_ROLLED_BACK: lambda p: ", ".join(p["paths"]),
    EventKind.QUESTION_ASKED: lambda p: p["question"],
    EventKind.ANSWER_SIGNED: lambda p: f"by {p['approval']['granted_by']}; one more is needed",
    EventKind.ANSWER_GIVEN: lambda p: "yes" if p["yes"] else f"no: {p.get('reason', '')}",
    EventKind.TIMER_SET: lambda p: f"until {_moment(p['wake_at'])}: {p['reason']}",
    EventKind.CASE_RECORDED: lambda p: f"{p['capability']}: {p['failure']['error_class']}",
    EventKind.AGENT_PAUSED: lambda p: f"{p['code']}: {p['reason']}",
    EventKind.AGENT_RESUMED: lambda p: p.get("reason", ""),
    EventKind.SHORTAGE_CHANGED: lambda p: f"{p['level']} {p['reason']}".strip(),
    EventKind.GOAL_PAUSED: lambda p: p.get("reason", ""),
    EventKind.GOAL_RESUMED: lambda p: p.get("reason", ""),
    EventKind.BUDGET_ADDED: lambda p: ", ".join(f"{n:g} {what}" for what, n in p.items()),
    EventKind.GOAL_PARKED: lambda p: p["reason"],
    EventKind.GOAL_RETRIED: lambda p: p["reason"],
    EventKind.GOAL_ENDED: lambda p: f"{p['success']} {p.get('reason', '')}".strip(),
    EventKind.BATCH_SUBMITTED: lambda p: (
        f"{len(p['questions'])} questions to {p['model']}, {p['purpose']}"
    ),
    EventKind.BATCH_ACCEPTED: lambda p: f"arrived as {p['provider_id']}",
    EventKind.BATCH_COLLECTED: lambda p: f"{len(p['answers'])} answers, ${p['spend']['usd']:.4f}",
    EventKind.BATCH_FAILED: lambda p: p["reason"],
    EventKind.LESSON_WRITTEN: lambda p: f"{p['pattern_id']} by {p['model']}: {p['lesson']}",
    EventKind.PROPOSAL_DRAFTED: lambda p: p["title"],
    EventKind.GATES_JUDGED: _gates,
    EventKind.PROPOSAL_SHOWN: lambda p: f"{p['digest'][:12]}, {p['lines']} lines, to a {p['to']}",
    EventKind.PROPOSAL_SIGNED: lambda p: f"by {p['approval']['granted_by']}; one more is needed",
    EventKind.PROPOSAL_APPROVED: _approved,
    EventKind.PROPOSAL_REJECTED: lambda p: p["reason"],
    EventKind.PROPOSAL_RETURNED: lambda p: p["reason"],
    EventKind.PROPOSAL_EXPIRED: lambda p: p["reason"],
    EventKind.PROPOSAL_APPLIED: lambda p: f"commit {p['commit'][:12]}",
    EventKind.PROPOSAL_UNDONE: lambda p: f"commit {p['commit'][:12]}",
    EventKind.PROPOSAL_REDONE: lambda p: f"commit {p['commit'][:12]}",
}
