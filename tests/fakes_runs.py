"""Random lives of a run: events as the kernel and people may write them, in any legal order."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import Event, EventKind
from autoclave.domain.folding import fold
from autoclave.domain.run import Run, RunStatus
from autoclave.domain.state import NEXT, State

ANYBODY = (
    EventKind.GOAL_PAUSED,
    EventKind.GOAL_RESUMED,
    EventKind.GOAL_CANCELLED,
    EventKind.GOAL_RETRIED,
    EventKind.ANSWER_GIVEN,
    EventKind.RUN_TAKEN,
    EventKind.GOAL_PARKED,
    EventKind.BUDGET_ADDED,
)
"""What may come at any moment: people, and a kernel that has not heard of them yet."""
KERNEL = (
    EventKind.STATE_CHANGED,
    EventKind.PLAN_MADE,
    EventKind.INTENT_RECORDED,
    EventKind.RESULT_RECORDED,
    EventKind.CHANGES_PREPARED,
    EventKind.CHANGES_ROLLED_BACK,
    EventKind.QUESTION_ASKED,
    EventKind.TIMER_SET,
    EventKind.ERROR_MET,
    EventKind.GOAL_ENDED,
)
"""What only the activation that drives the run writes."""

CODES = ("", "resources", "budget")
names = st.sampled_from(["read", "make", "check"])
words = st.text(max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
failures = st.fixed_dictionaries(
    {"error_class": words, "message": words, "where": words, "traceback": st.just("")}
)


def event(kind: EventKind, payload: JsonObject, *, seq: int, actor: str = "kernel") -> Event:
    """One event of goal G-0001."""
    return Event(
        id=seq,
        stream="goal/G-0001",
        seq=seq,
        epoch=1,
        kind=kind,
        version=1,
        payload=payload,
        actor=actor,
        at=1_800_000_000.0 + seq,
    )


@st.composite
def lives(draw: st.DrawFn, *, most: int = 25) -> list[Event]:
    """A whole stream, beginning with the goal and legal at every step."""
    added = {
        "kind": draw(st.sampled_from(["goal", "improvement"])),
        "text": draw(words),
        "done": draw(st.lists(words, max_size=2)),
        "priority": draw(st.integers(-2, 2)),
        "allow_up_to": draw(st.integers(0, 2)),
        "facts": draw(st.dictionaries(words, json_values, max_size=2)),
    }
    made = [event(EventKind.GOAL_ADDED, added, seq=1, actor="person:a")]
    run = fold(Run(id="G-0001"), made[0])
    for _ in range(draw(st.integers(0, most))):
        kinds = KERNEL + ANYBODY if run.status is RunStatus.RUNNING else ANYBODY
        kind = draw(st.sampled_from(kinds))
        payload = draw_payload(draw, kind, run)
        if payload is None:
            continue
        actor = draw(st.sampled_from(["kernel", "person:a"]))
        made.append(event(kind, payload, seq=made[-1].seq + 1, actor=actor))
        run = fold(run, made[-1])
    return made


def draw_payload(draw: st.DrawFn, kind: EventKind, run: Run) -> JsonObject | None:
    """A payload that fits the kind and the run; None when the event is not legal now."""
    if kind is EventKind.STATE_CHANGED:
        return _transition(draw, run)
    if kind is EventKind.RESULT_RECORDED:
        return _result(draw, run)
    if kind is EventKind.GOAL_RETRIED and not run.is_ended:
        return None
    return _simple(draw, kind)


def _transition(draw: st.DrawFn, run: Run) -> JsonObject | None:
    legal = {run.paused_from, State.ERROR} if run.state is State.PAUSED else NEXT[run.state]
    if not legal:
        return None
    to = draw(st.sampled_from(sorted(str(each) for each in legal)))
    payload: JsonObject = {"from": str(run.state), "to": to}
    if draw(st.booleans()):
        payload["remedy"] = "retry"
    return payload


def _result(draw: st.DrawFn, run: Run) -> JsonObject:
    intent: JsonObject = draw(
        st.one_of(
            st.builds(_act, names),
            st.just({"kind": "Recall", "query": "x"}),
            st.just({"kind": "Finish", "summary": "x"}),
            st.just({"kind": "Think", "purpose": "plan"}),
            st.just({"kind": "Remember", "lesson": "x worked"}),
        )
    )
    result: JsonObject = {"ok": draw(st.booleans())}
    if result["ok"]:
        result |= {"outputs": draw(st.dictionaries(words, json_values, max_size=2))}
        if draw(st.booleans()):
            result["applied"] = {"key": "k", "paths": ["a"], "digest": "d", "diff": ""}
    else:
        result["failure"] = draw(failures)
    spend = {"steps": draw(st.integers(0, 3)), "seconds": draw(st.floats(0, 10))}
    return {"key": "k", "intent": intent, "result": result, "spend": spend}


def _act(step: str) -> JsonObject:
    return {"kind": "Act", "step": step, "capability": step, "inputs": {}}


def _simple(draw: st.DrawFn, kind: EventKind) -> JsonObject:
    steps = [{"name": "read", "capability": "read", "inputs": {}, "after": []}]
    plan = {"signature": draw(words), "source": "composed", "steps": steps, "template": steps}
    request = draw(st.sampled_from(["r-1", "r-2"]))
    payloads: dict[EventKind, Any] = {
        EventKind.PLAN_MADE: {"plan": {**plan, "done": {}}},
        EventKind.INTENT_RECORDED: {"key": "k", "intent": _act("read"), "effect": "once"},
        EventKind.CHANGES_PREPARED: {"key": "k", "changes": {"files": []}, "result": {"ok": True}},
        EventKind.CHANGES_ROLLED_BACK: {"paths": [], "left": []},
        EventKind.QUESTION_ASKED: {
            "request": request,
            "question": draw(words),
            "shown": "",
            "digest": "d",
            "expires_at": 1.9e9,
        },
        EventKind.ANSWER_GIVEN: {"request": request, "digest": "d", "yes": draw(st.booleans())},
        EventKind.TIMER_SET: {"wake_at": draw(st.floats(1.8e9, 1.9e9)), "reason": draw(words)},
        EventKind.ERROR_MET: {"failure": draw(failures)},
        EventKind.GOAL_PARKED: {
            "reason": draw(words),
            "code": draw(st.sampled_from(["error", "budget", "escalation"])),
            "until": draw(st.sampled_from([None, 1.9e9])),
        },
        EventKind.GOAL_PAUSED: {"reason": draw(words), "code": draw(st.sampled_from(CODES))},
        EventKind.GOAL_RESUMED: {"reason": draw(words), "code": draw(st.sampled_from(CODES))},
        EventKind.BUDGET_ADDED: {"usd": 1.0, "steps": -3},
        EventKind.GOAL_ENDED: {
            "success": draw(st.sampled_from(["ok", "failed", "unknown"])),
            "reason": draw(words),
            "spend": {},
        },
        EventKind.RUN_TAKEN: {"mind": "tree"},
    }
    found: JsonObject = payloads.get(kind, {"reason": draw(words)})
    return found
