"""Counts what language models were asked, what that cost, and when a kept prefix was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..domain.canonical import JsonObject
from ..domain.events import Event, EventKind
from .counted import Counted
from .tally_state import Tally

BY_CAPABILITIES = "capability"
"""The purpose of what running capabilities ask of a model."""

_LEAST_LOST_TOKENS = 2_000
_LEAST_LOST_PART = 0.05


def settle_model_call(tally: Tally, event: Event) -> None:
    """Count one answer, or that there was none."""
    given = event.payload
    unknown: JsonObject = {"stream": event.stream, "model": "", "asked": {}}
    begun = tally.waits.calls.pop(given["key"], unknown)
    answer = given["result"].get("value") or {}
    model = begun["model"] or answer.get("model", "")
    purpose = given["intent"].get("purpose", "")
    outcome = _outcome(given["result"])
    tally.counted.add("model_calls_total", model=model, purpose=purpose, outcome=outcome)
    spend = given.get("spend") or {}
    _cost(tally, event, spend, model=model, purpose=purpose)
    if given["result"]["ok"]:
        _tokens(tally.counted, model, answer["tokens"])
        tally.counted.observe("model_call_seconds", answer.get("seconds", 0.0), model=model)
        _watch_cache(tally, begun, model, answer)
    elif spend.get("tokens"):
        _unsplit(tally.counted, model, spend)


def _outcome(result: JsonObject) -> str:
    if result["ok"]:
        stops = {
            "refusal": "refused",
            "max_tokens": "truncated",
            "model_context_window_exceeded": "full",
        }
        return stops.get(result["value"].get("stop", ""), "ok")
    failed = {"ModelUnavailable": "unavailable", "Interrupted": "interrupted", "TooLong": "full"}
    return failed.get((result.get("failure") or {}).get("error_class", ""), "error")


def _tokens(counted: Counted, model: str, tokens: JsonObject) -> None:
    for kind in ("input", "cache_read", "cache_write", "output"):
        counted.add("model_tokens_total", tokens.get(kind, 0), model=model, kind=kind)
    counted.add("model_reasoning_tokens_total", tokens.get("reasoning", 0), model=model)


def _unsplit(counted: Counted, model: str, spend: JsonObject) -> None:
    counted.add("model_tokens_total", spend.get("tokens", 0), model=model, kind="unsplit")


def _cost(tally: Tally, event: Event, spend: JsonObject, *, model: str, purpose: str) -> None:
    usd = spend.get("usd", 0.0)
    tally.counted.add("model_cost_dollars_total", usd, model=model, purpose=purpose)
    tally.spend(event.at, usd)


def _watch_cache(tally: Tally, begun: JsonObject, model: str, answer: JsonObject) -> None:
    """Hold what was read from the cache against the call before, if its words were the same."""
    read = answer["tokens"].get("cache_read", 0)
    before = tally.waits.cached.get(begun["stream"], {"model": "", "read": 0})
    asked = begun["asked"]
    is_same = before["model"] == model and asked.get("after", 0) > 0 and asked.get("same_frame")
    if is_same and is_collapse(before["read"], read):
        reason = answer.get("cache_miss") or "not told"
        tally.counted.add("model_cache_collapses_total", model=model, reason=reason)
    tally.waits.put(tally.waits.cached, begun["stream"], {"model": model, "read": read})


def is_collapse(before: int, now: int) -> bool:
    """Whether so much less was read that it can't be the edge of a block."""
    lost = before - now
    return lost > _LEAST_LOST_TOKENS and lost > _LEAST_LOST_PART * before


def _broker_called(tally: Tally, event: Event) -> None:
    given = event.payload
    tally.waits.put(tally.waits.broker, _name(given), given["call"].get("call", ""))
    if given.get("spend"):  # begun anew: the one before is lost, and counts
        _broker_spent(tally, event, "interrupted")


def _broker_answered(tally: Tally, event: Event) -> None:
    given = event.payload
    kind = tally.waits.broker.pop(_name(given), "")
    outcome = "ok" if "ok" in given["answer"] else "refused"
    tally.counted.add("broker_calls_total", kind=kind, outcome=outcome)
    if denied := given.get("denied"):
        tally.counted.add("denials_total", action=denied)
    if (given.get("spend") or {}).get("model_calls"):
        _broker_spent(tally, event, "ok")


def _broker_spent(tally: Tally, event: Event, outcome: str) -> None:
    spend = event.payload["spend"]
    told = event.payload.get("answer", {}).get("ok", {})
    model = told.get("model") or "of the goal"
    labels = {"model": model, "purpose": BY_CAPABILITIES}
    tally.counted.add("model_calls_total", outcome=outcome, **labels)
    _cost(tally, event, spend, **labels)
    _unsplit(tally.counted, model, spend)


def _name(given: JsonObject) -> str:
    return f"{given['key']} {given['ordinal']}"


def _batch_submitted(tally: Tally, event: Event) -> None:
    given = event.payload
    tally.counted.add("batches_total", state="submitted")
    known = {"model": given["model"], "purpose": given["purpose"]}
    tally.waits.put(tally.waits.batches, event.stream, known)


def _batch_ended(state: str) -> Callable[[Tally, Event], None]:
    def count(tally: Tally, event: Event) -> None:
        tally.counted.add("batches_total", state=state)
        known = tally.waits.batches.pop(event.stream, {"model": "", "purpose": ""})
        spend = event.payload.get("spend") or {}
        _cost(tally, event, spend, **known)
        _unsplit(tally.counted, known["model"], spend)
        if calls := spend.get("model_calls"):
            tally.counted.add("model_calls_total", calls, outcome="ok", **known)

    return count


MODEL_COUNTS: Mapping[EventKind, Callable[[Tally, Event], None]] = {
    EventKind.BROKER_CALLED: _broker_called,
    EventKind.BROKER_ANSWERED: _broker_answered,
    EventKind.BATCH_SUBMITTED: _batch_submitted,
    EventKind.BATCH_COLLECTED: _batch_ended("collected"),
    EventKind.BATCH_FAILED: _batch_ended("failed"),
}
