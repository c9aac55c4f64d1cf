"""One goal's run as a value, and the fold that makes it from events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, TypeAlias

from .canonical import JsonObject
from .events import Event, EventKind
from .provenance import TRUSTED
from .risk import Risk
from .state import State, check_transition
from .usage import Budget, Spend


class RunStatus(StrEnum):
    """How a goal stands, as people see it."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """For a timer."""
    AWAITING_HUMAN = "awaiting human"
    PAUSED = "paused"
    PARKED = "parked"
    """Set aside by the kernel with a reason; resume it by hand."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED})
RUNNABLE = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})
TAKEABLE = RUNNABLE | {RunStatus.WAITING}
RESUMABLE = frozenset({RunStatus.PAUSED, RunStatus.PARKED})
ESCALATED = "escalation"
"""The code of a run that was parked because a person has to look."""


class RunKind(StrEnum):
    GOAL = "goal"
    IMPROVEMENT = "improvement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that must be remembered to be killed now and go on later."""

    id: str
    kind: RunKind = RunKind.GOAL
    text: str = ""
    workspace: str = ""
    done: tuple[str, ...] = ()
    """The done-test as an argument vector, run sealed on a copy of the workspace; may be empty."""
    priority: int = 0
    budget: Budget = Budget()
    allow_up_to: Risk = Risk.R0
    """A person said beforehand that questions up to this tier are answered with yes."""
    model: str = "auto"
    facts: JsonObject = field(default_factory=dict)
    """What an improvement run needs to know about its opportunity."""
    added_by: str = ""
    added_at: float = 0.0
    from_person: bool = False
    """A person wrote the goal. What comes from anybody else's text raises no privilege."""

    status: RunStatus = RunStatus.QUEUED
    state: State = State.IDLE
    paused_from: State | None = None
    status_before_pause: RunStatus = RunStatus.QUEUED
    reason: str = ""
    """Why it waits, is parked or has failed."""
    parked_by: str = ""
    """The code that it was parked with; empty when it is not parked."""
    epoch: int = 0
    seq: int = 0
    idle_activations: int = 0
    """Times it was taken up since something last came of it."""
    attempt: int = 1
    """Counts the times that the goal was tried from the start."""

    recalled: JsonObject | None = None
    plan: JsonObject | None = None
    plan_trusted: bool = False
    """The kernel found that the plan was made from nothing but what people wrote."""
    read_untrusted: bool = False
    """Text that no person wrote has reached the view in this attempt."""
    results: Mapping[str, JsonObject] = field(default_factory=dict)
    """By step name: the last result of each step of the current plan."""
    tries: Mapping[str, int] = field(default_factory=dict)
    """By step name: how often it was tried under the current plan."""
    failures: tuple[JsonObject, ...] = ()
    """Every failure of this attempt, oldest first."""
    remedies: tuple[JsonObject, ...] = ()
    """What was done about failures, oldest first: `remedy` and the `failure` it was for."""
    replies: tuple[JsonObject, ...] = ()
    """Results of intents that are not steps (Think, Search, Ask …), oldest first."""
    denials: tuple[str, ...] = ()
    """Kinds of the actions that were denied since a person last looked, oldest first."""
    plans_tried: tuple[str, ...] = ()
    """Signatures of plans that were given up."""
    keys: int = 0
    """How many intents were recorded; gives each its key."""

    open_intent: JsonObject | None = None
    open_changes: JsonObject | None = None
    question: JsonObject | None = None
    answers: Mapping[str, JsonObject] = field(default_factory=dict)
    """By request id."""
    wake_at: float | None = None
    spend: Spend = Spend()
    applied: tuple[JsonObject, ...] = ()
    """Change sets that were written to the workspace: `paths`, `digest`, `diff`."""
    done_result: JsonObject | None = None
    lesson: str = ""
    outcome: JsonObject | None = None

    @property
    def stream(self) -> str:
        return f"goal/{self.id}"

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED


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
        wake_at=None,
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
        results={},
        tries={},
        plans_tried=tried,
        done_result=None,
    )


def _intent_recorded(run: Run, event: Event) -> Changes:
    return change(open_intent=event.payload, keys=run.keys + 1)


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
    return changes | _INTENT_RESULTS.get(intent["kind"], _keep_reply)(run, intent, result)


def _brings_untrusted(kind: str, result: JsonObject) -> bool:
    """Whether a result holds text that no person wrote. What a person answered does not.

    What is remembered of other runs does not count here: it can choose among plans, and never
    what a plan acts on.
    """
    if kind == "Act" and result["ok"]:
        labels = result.get("labels", {})
        return any(not labels.get(name, {}).get("trusted") for name in result.get("outputs", {}))
    return kind in ("Search", "Fetch") or (not result["ok"] and kind != "Ask")


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
    return change(replies=(*run.replies, {"intent": intent, "result": result}))


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
    )


def _error_met(run: Run, event: Event) -> Changes:
    return change(failures=(*run.failures, event.payload["failure"]))


def _paused(run: Run, event: Event) -> Changes:
    if run.is_ended:
        return {}
    is_paused = run.status is RunStatus.PAUSED
    return change(
        status=RunStatus.PAUSED,
        status_before_pause=run.status_before_pause if is_paused else run.status,
        reason=event.payload.get("reason", ""),
    )


def _resumed(run: Run, event: Event) -> Changes:
    if run.status not in RESUMABLE or not _may_resume(run, event):
        return {}
    waits = {RunStatus.AWAITING_HUMAN, RunStatus.WAITING}
    back = run.status_before_pause if run.status is RunStatus.PAUSED else RunStatus.QUEUED
    status = back if back in waits else RunStatus.QUEUED
    return change(status=status, reason="", parked_by="", denials=(), idle_activations=0)


def _may_resume(run: Run, event: Event) -> bool:
    """After an escalation only by a person who says why."""
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
    return change(status=RunStatus.PARKED, reason=event.payload["reason"], parked_by=code)


def _retried(run: Run, event: Event) -> Changes:
    fresh = Run(id=run.id)
    changes = {f.name: getattr(fresh, f.name) for f in fields(Run) if f.name not in _KEPT_ON_RETRY}
    return changes | change(attempt=run.attempt + 1)


_KEPT_ON_RETRY = frozenset(
    {"id", "kind", "text", "workspace", "done", "priority", "budget", "allow_up_to", "model"}
    | {"facts", "added_by", "added_at", "from_person", "epoch", "seq", "keys", "answers"}
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
    EventKind.QUESTION_ASKED: _question_asked,
    EventKind.ANSWER_GIVEN: _answer_given,
    EventKind.TIMER_SET: _timer_set,
    EventKind.ERROR_MET: _error_met,
    EventKind.GOAL_PAUSED: _paused,
    EventKind.GOAL_RESUMED: _resumed,
    EventKind.GOAL_CANCELLED: _cancelled,
    EventKind.GOAL_PARKED: _parked,
    EventKind.GOAL_RETRIED: _retried,
    EventKind.GOAL_ENDED: _ended,
}
