"""The fold that makes a run from its events: the only code that changes one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeAlias

from .canonical import JsonObject
from .events import Event, EventKind
from .provenance import TRUSTED
from .risk import Risk
from .run import ESCALATED, RESUMABLE, RUNNABLE, SPENT, TAKEABLE, Run, RunKind, RunStatus
from .state import State, check_transition
from .usage import Budget, Spend

Changes: TypeAlias = dict[str, Any]
"""Fields of a run and their new values."""


def change(**values: Any) -> Changes:
    return values


def fold(run: Run, event: Event) -> Run:
    """The run that follows from one more event. The only code that changes a run."""
    reducer = _REDUCERS.get(event.kind)
    changes = reducer(run, event) if reducer else {}
    return replace(run, seq=event.seq, epoch=max(run.epoch, event.epoch), **changes)


def fold_all(run_id: str, events: Iterable[Event]) -> Run:
    """The run that a whole stream stands for."""
    run = Run(id=run_id)
    for event in events:
        run = fold(run, event)
    return run


def _added(run: Run, event: Event) -> Changes:
    given = event.payload
    from_person = _is_from_person(event)
    return change(
        kind=RunKind(given.get("kind", "goal")),
        text=given["text"],
        workspace=given.get("workspace", ""),
        done=tuple(given.get("done", ())),
        priority=given.get("priority", 0),
        budget=Budget(**given.get("budget", {})),
        allow_up_to=Risk(given.get("allow_up_to", 0)) if from_person else Risk.R0,
        model=given.get("model", "auto"),
        facts=given.get("facts", {}),
        added_by=event.actor,
        added_at=event.at,
        depth=given.get("depth", 0),
        from_person=from_person,
    )


def _is_from_person(event: Event) -> bool:
    """By who added it, and by where its text says that it comes from."""
    origins = event.payload.get("origins", ["person"])
    return event.actor.startswith("person:") and TRUSTED.issuperset(origins)


def _taken(run: Run, event: Event) -> Changes:
    """A person's word that came in between holds: what was cancelled or paused does not run."""
    return change(
        status=RunStatus.RUNNING if run.status in TAKEABLE else run.status,
        idle_activations=run.idle_activations + 1,
        wake_at=None if run.status in TAKEABLE else run.wake_at,
    )


def _state_changed(run: Run, event: Event) -> Changes:
    after = State(event.payload["to"])
    check_transition(run.state, after, paused_from=run.paused_from)
    left = run.state if after is State.PAUSED else None
    remedies = run.remedies
    if remedy := event.payload.get("remedy"):
        failure = run.failures[-1] if run.failures else {}
        remedies = (*remedies, {"remedy": remedy, "failure": failure})
    return change(state=after, paused_from=left, remedies=remedies)


def _plan_made(run: Run, event: Event) -> Changes:
    tried = run.plans_tried
    if run.plan is not None:
        tried = (*tried, run.plan["signature"])
    return change(
        plan=event.payload["plan"],
        plan_trusted=event.payload.get("trusted") is True,
        plan_by_model=event.payload.get("by_model") is True,
        results={},
        tries={},
        transcript=(),
        plans_tried=tried,
        done_result=None,
    )


def _intent_recorded(run: Run, event: Event) -> Changes:
    asked = event.payload.get("asked", run.asked)
    return change(open_intent=event.payload, keys=run.keys + 1, asked=asked)


def _changes_prepared(run: Run, event: Event) -> Changes:
    return change(open_changes=event.payload)


def _rolled_back(run: Run, event: Event) -> Changes:
    return change(applied=())


def _result_recorded(run: Run, event: Event) -> Changes:
    given = event.payload
    intent, result = given["intent"], given["result"]
    changes = change(
        open_intent=None,
        open_changes=None,
        question=None,
        idle_activations=0,
        keys=run.keys if run.open_intent else run.keys + 1,
        spend=run.spend.plus(Spend(**given.get("spend", {}))),
        read_untrusted=run.read_untrusted or _brings_untrusted(intent["kind"], result),
    )
    if denied := result.get("failure", {}).get("denied"):
        changes["denials"] = (*run.denials, denied)
    if result.get("applied"):
        changes["applied"] = (*run.applied, result["applied"])
    if not result["ok"] and intent["kind"] in ("Act", "Finish", "Propose", "Think"):
        failure = {"step": intent.get("step", intent["kind"]), **result["failure"]}
        changes["failures"] = (*run.failures, failure)
    if run.plan is not None and "uses" in run.plan:
        changes["transcript"] = (*run.transcript, {"intent": intent, "result": result})
    return changes | _INTENT_RESULTS.get(intent["kind"], _keep_reply)(run, intent, result)


def _broker_called(run: Run, event: Event) -> Changes:
    """Begun anew, it counts what the one that was cut off can have cost."""
    return change(spend=run.spend.plus(Spend(**event.payload.get("spend", {}))))


def _broker_answered(run: Run, event: Event) -> Changes:
    denied = event.payload.get("denied")
    return change(
        spend=run.spend.plus(Spend(**event.payload.get("spend", {}))),
        denials=(*run.denials, denied) if denied else run.denials,
        idle_activations=0,
    )


def _brings_untrusted(kind: str, result: JsonObject) -> bool:
    """Whether a result holds text that no person wrote. What a person answered does not.

    What is remembered of other runs does not count here: it can choose among plans, and never
    what a plan acts on.
    """
    if kind == "Act" and result["ok"]:
        labels = result.get("labels", {})
        return any(not labels.get(name, {}).get("trusted") for name in result.get("outputs", {}))
    return kind in ("Search", "Fetch") or (not result["ok"] and kind not in ("Ask", "Think"))


def _act_result(run: Run, intent: JsonObject, result: JsonObject) -> Changes:
    step = intent["step"]
    tries = {**run.tries, step: run.tries.get(step, 0) + 1}
    return change(results={**run.results, step: result}, tries=tries)


def _recall_result(run: Run, intent: JsonObject, result: JsonObject) -> Changes:
    return change(recalled=result.get("value", {}))


def _finish_result(run: Run, intent: JsonObject, result: JsonObject) -> Changes:
    return change(done_result=result)


def _remember_result(run: Run, intent: JsonObject, result: JsonObject) -> Changes:
    return change(lesson=intent["lesson"])


def _keep_reply(run: Run, intent: JsonObject, result: JsonObject) -> Changes:
    reply: JsonObject = {"intent": intent, "result": result}
    if intent["kind"] == "Think" and result["ok"]:
        reply["clean"] = not run.read_untrusted
    return change(replies=(*run.replies, reply))


_INTENT_RESULTS: Mapping[str, Callable[[Run, JsonObject, JsonObject], Changes]] = {
    "Act": _act_result,
    "Recall": _recall_result,
    "Finish": _finish_result,
    "Remember": _remember_result,
}


def _question_asked(run: Run, event: Event) -> Changes:
    return change(
        status=RunStatus.AWAITING_HUMAN,
        question=event.payload,
        reason=event.payload["question"],
    )


def _answer_signed(run: Run, event: Event) -> Changes:
    """One owner's yes to the open question; another one is still missing."""
    asked, given = run.question, event.payload
    if asked is None or any(asked.get(name) != given[name] for name in ("request", "digest")):
        return change()
    return change(question={**asked, "approvals": given["approvals"]})


def _answer_given(run: Run, event: Event) -> Changes:
    """The question no longer holds the run up; a pause still does."""
    asked, given = run.question or {}, event.payload
    is_for_it = all(asked.get(name) == given.get(name) for name in ("request", "digest"))
    also = asked.get("also", []) if is_for_it else []
    answer = {**given, "by": event.actor, "also": also}
    answers = {**run.answers, given["request"]: answer}
    waited = run.status is RunStatus.AWAITING_HUMAN
    before = run.status_before_pause
    return change(
        answers=answers,
        status=RunStatus.QUEUED if waited else run.status,
        status_before_pause=RunStatus.QUEUED if before is RunStatus.AWAITING_HUMAN else before,
        reason="" if waited else run.reason,
    )


def _timer_set(run: Run, event: Event) -> Changes:
    return change(
        status=RunStatus.WAITING,
        wake_at=event.payload["wake_at"],
        reason=event.payload["reason"],
        idle_activations=0,
    )


def _error_met(run: Run, event: Event) -> Changes:
    return change(failures=(*run.failures, event.payload["failure"]))


def _paused(run: Run, event: Event) -> Changes:
    """What the kernel pauses, with a code, is what would run; a person's pause outlasts that."""
    code = event.payload.get("code", "")
    if run.is_ended or (code and run.status not in RUNNABLE):
        return {}
    is_paused = run.status is RunStatus.PAUSED
    return change(
        status=RunStatus.PAUSED,
        status_before_pause=run.status_before_pause if is_paused else run.status,
        reason=event.payload.get("reason", ""),
        parked_by=ESCALATED if run.parked_by == ESCALATED else code,
    )


def _resumed(run: Run, event: Event) -> Changes:
    if run.status not in RESUMABLE or not _may_resume(run, event):
        return {}
    waits = {RunStatus.AWAITING_HUMAN, RunStatus.WAITING}
    back = run.status_before_pause if run.status is RunStatus.PAUSED else RunStatus.QUEUED
    status = back if back in waits else RunStatus.QUEUED
    return change(
        status=status,
        reason="",
        parked_by="",
        denials=(),
        idle_activations=0,
        wake_at=run.wake_at if status is RunStatus.WAITING else None,
    )


def _may_resume(run: Run, event: Event) -> bool:
    """After an escalation only by a person who says why; by a code only what has that code."""
    if code := event.payload.get("code", ""):
        return bool(run.parked_by == code != ESCALATED)
    if run.parked_by != ESCALATED:
        return True
    return event.actor.startswith("person:") and bool(event.payload.get("reason", "").strip())


def _cancelled(run: Run, event: Event) -> Changes:
    if run.is_ended:
        return {}
    reason = event.payload.get("reason", "")
    return change(status=RunStatus.CANCELLED, reason=reason, outcome={"success": "unknown"})


def _parked(run: Run, event: Event) -> Changes:
    if run.is_ended:
        return {}
    code = event.payload.get("code", "")
    return change(
        status=RunStatus.PARKED,
        reason=event.payload["reason"],
        parked_by=code,
        wake_at=event.payload.get("until"),
    )


def _budget_added(run: Run, event: Event) -> Changes:
    """Only people give more. What waits for the next day goes on waiting."""
    if run.is_ended or not event.actor.startswith("person:"):
        return {}
    changes = change(budget=run.budget.plus(event.payload))
    is_for_this = run.parked_by == SPENT and run.wake_at is None
    if run.status is RunStatus.PARKED and is_for_this:
        changes |= change(status=RunStatus.QUEUED, reason="", parked_by="", idle_activations=0)
    return changes


def _retried(run: Run, event: Event) -> Changes:
    fresh = Run(id=run.id)
    changes = {f.name: getattr(fresh, f.name) for f in fields(Run) if f.name not in _KEPT_ON_RETRY}
    return changes | change(attempt=run.attempt + 1)


_KEPT_ON_RETRY = frozenset(
    {"id", "kind", "text", "workspace", "done", "priority", "budget", "allow_up_to", "model"}
    | {"facts", "added_by", "added_at", "depth", "from_person", "epoch", "seq", "keys", "answers"}
)


def _ended(run: Run, event: Event) -> Changes:
    ok = event.payload["success"] == "ok"
    return change(
        status=RunStatus.DONE if ok else RunStatus.FAILED,
        outcome=event.payload,
        reason=event.payload.get("reason", ""),
        open_intent=None,
    )


_REDUCERS: Mapping[EventKind, Callable[[Run, Event], Changes]] = {
    EventKind.GOAL_ADDED: _added,
    EventKind.RUN_TAKEN: _taken,
    EventKind.STATE_CHANGED: _state_changed,
    EventKind.PLAN_MADE: _plan_made,
    EventKind.INTENT_RECORDED: _intent_recorded,
    EventKind.CHANGES_PREPARED: _changes_prepared,
    EventKind.CHANGES_ROLLED_BACK: _rolled_back,
    EventKind.RESULT_RECORDED: _result_recorded,
    EventKind.BROKER_CALLED: _broker_called,
    EventKind.BROKER_ANSWERED: _broker_answered,
    EventKind.QUESTION_ASKED: _question_asked,
    EventKind.ANSWER_SIGNED: _answer_signed,
    EventKind.ANSWER_GIVEN: _answer_given,
    EventKind.TIMER_SET: _timer_set,
    EventKind.ERROR_MET: _error_met,
    EventKind.GOAL_PAUSED: _paused,
    EventKind.GOAL_RESUMED: _resumed,
    EventKind.GOAL_CANCELLED: _cancelled,
    EventKind.GOAL_PARKED: _parked,
    EventKind.BUDGET_ADDED: _budget_added,
    EventKind.GOAL_RETRIED: _retried,
    EventKind.GOAL_ENDED: _ended,
}
