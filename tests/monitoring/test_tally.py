"""What events come to in numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import Event, EventKind
from autoclave.monitoring.tally import count
from autoclave.monitoring.tally_models import is_collapse
from autoclave.monitoring.tally_state import Tally

DAY = 86_400


class Story:
    """Events in order, counted as they come."""

    def __init__(self) -> None:
        self.tally = Tally()

    def happens(
        self,
        kind: EventKind,
        payload: JsonObject,
        *,
        stream: str = "goal/G-0001",
        at: float = 1000.0,
        actor: str = "kernel",
    ) -> None:
        number = self.tally.last_id + 1
        event = Event(
            id=number,
            stream=stream,
            seq=number,
            epoch=1,
            kind=kind,
            version=1,
            payload=payload,
            actor=actor,
            at=at,
        )
        count(self.tally, event)

    def thinks(
        self,
        key: str,
        *,
        cache_read: int,
        after: int = 1,
        same_frame: bool = True,
        miss: str = "",
        at: float = 1000.0,
    ) -> None:
        asked = {"messages": 2, "after": after, "same_frame": same_frame}
        intent = {"kind": "Think", "purpose": "work"}
        begun = {"key": key, "intent": intent, "model": "m", "price": 1.0, "asked": asked}
        self.happens(EventKind.INTENT_RECORDED, begun, at=at)
        tokens = {"input": 10, "cache_read": cache_read, "cache_write": 5, "output": 3}
        answer = {"tokens": tokens, "stop": "end_turn", "seconds": 1.5, "cache_miss": miss}
        result = {"ok": True, "value": answer}
        done = {"key": key, "intent": intent, "result": result, "spend": {"usd": 0.25}}
        self.happens(EventKind.RESULT_RECORDED, done, at=at)

    def value(self, name: str, **labels: str) -> float:
        return self.tally.counted.value(name, **labels)


def test_tokens_are_counted_by_kind_and_money_by_purpose() -> None:
    """The kinds of one call add up to its tokens, and none is counted twice."""
    story = Story()

    story.thinks("k1", cache_read=100)

    kinds = {
        kind: story.value("model_tokens_total", model="m", kind=kind)
        for kind in ("input", "cache_read", "cache_write", "output", "unsplit")
    }
    assert kinds == {"input": 10, "cache_read": 100, "cache_write": 5, "output": 3, "unsplit": 0}
    assert story.value("model_cost_dollars_total", model="m", purpose="work") == 0.25
    assert story.value("model_calls_total", model="m", purpose="work", outcome="ok") == 1


def test_a_prefix_that_was_lost_for_no_reason_of_ours_is_counted() -> None:
    """The words were the same, and much less of them came from the cache."""
    story = Story()

    story.thinks("k1", cache_read=50_000)
    story.thinks("k2", cache_read=1_000, miss="previous_message_not_found")

    reason = "previous_message_not_found"
    assert story.value("model_cache_collapses_total", model="m", reason=reason) == 1


@pytest.mark.parametrize(
    "how",
    [{"after": 0}, {"same_frame": False}, {"cache_read": 49_000}],
    ids=["other words", "other tools", "a block less"],
)
def test_what_explains_itself_is_no_collapse(how: dict[str, Any]) -> None:
    """New words, new tools, or the edge of a block."""
    story = Story()

    story.thinks("k1", cache_read=50_000)
    story.thinks("k2", **{"cache_read": 1_000, **how})

    assert not story.tally.counted.items("model_cache_collapses_total")


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_a_collapse_is_more_than_a_twentieth_and_two_thousand_tokens(before: int, now: int) -> None:
    """Both, and never when more was read than before."""
    lost = before - now

    assert is_collapse(before, now) == (lost > 2_000 and lost * 20 > before)


def test_a_call_that_was_cut_off_counts_with_what_it_can_have_cost() -> None:
    """How its tokens split is not known."""
    story = Story()
    intent = {"kind": "Think", "purpose": "plan"}
    story.happens(EventKind.INTENT_RECORDED, {"key": "k", "intent": intent, "model": "m"})

    failure = {"error_class": "Interrupted", "message": "cut off"}
    done = {"key": "k", "intent": intent, "result": {"ok": False, "failure": failure}}
    story.happens(EventKind.RESULT_RECORDED, {**done, "spend": {"usd": 1.0, "tokens": 9_000}})

    assert story.value("model_calls_total", model="m", purpose="plan", outcome="interrupted") == 1
    assert story.value("model_tokens_total", model="m", kind="unsplit") == 9_000
    assert story.value("errors_total", error="Interrupted") == 1


def test_what_was_spent_today_starts_anew_at_midnight() -> None:
    """Days are those of UTC."""
    story = Story()

    story.thinks("k1", cache_read=0, at=DAY - 1)
    story.thinks("k2", cache_read=0, at=DAY + 1)

    assert story.tally.spent_today(DAY + 2) == 0.25
    assert story.tally.spent_today(2 * DAY) == 0.0


def test_a_change_that_nobody_approved_is_told_from_one_that_was() -> None:
    """It is the first thing to be alarmed about."""
    story = Story()
    approval = {"looked_seconds": 12.0, "lines": 6}

    for number, is_approved in ((1, True), (2, False)):
        stream = f"proposal/P-{number}"
        story.happens(EventKind.PROPOSAL_DRAFTED, {"draft": {"risk": 4}}, stream=stream)
        story.happens(EventKind.GATES_JUDGED, {"gates": []}, stream=stream, at=1000)
        if is_approved:
            story.happens(EventKind.PROPOSAL_APPROVED, approval, stream=stream, at=1090)
        story.happens(EventKind.PROPOSAL_APPLIED, {"commit": "c"}, stream=stream)

    assert story.value("proposals_applied_total", how="approved") == 1
    assert story.value("proposals_applied_total", how="unapproved") == 1
    assert story.value("proposals_decided_total", risk="R4", decision="approved") == 1
    families = {each.metric.name: each for each in story.tally.counted.families()}
    (viewed,) = families["autoclave_proposal_viewed_seconds"].samples
    assert viewed.sum == 12.0  # type: ignore[union-attr]


def test_gates_and_questions_are_timed() -> None:
    """From being asked to being answered; each gate by its own word."""
    story = Story()
    gates = [{"name": "parse", "verdict": "pass", "seconds": 0.1}]

    story.happens(EventKind.GATES_JUDGED, {"gates": gates}, stream="proposal/P-1")
    story.happens(EventKind.QUESTION_ASKED, {"request": "r"}, at=1000)
    story.happens(EventKind.ANSWER_GIVEN, {"request": "r", "yes": True}, at=1030)

    assert story.value("gate_runs_total", gate="parse", verdict="pass") == 1
    families = {each.metric.name: each for each in story.tally.counted.families()}
    assert families["autoclave_answer_wait_seconds"].samples[0].sum == 30.0  # type: ignore[union-attr]
    assert not story.tally.waits.questions


@given(st.sampled_from(list(EventKind)), st.dictionaries(st.text(max_size=9), st.integers()))
def test_no_event_breaks_the_count(kind: EventKind, payload: JsonObject) -> None:
    """What has not the form of its kind is counted as that, and the next one is counted again."""
    story = Story()

    story.happens(kind, payload)
    story.thinks("k", cache_read=1)

    assert story.value("events_total", kind=kind) >= 1
    assert story.value("steps_total", kind="Think", outcome="ok") == 1


def test_a_tally_survives_being_kept() -> None:
    """What had begun when it was kept ends as it would have."""
    story, other = Story(), Story()
    story.thinks("k1", cache_read=50_000)

    other.tally = Tally.from_json(story.tally.to_json())
    for each in (story, other):
        each.thinks("k2", cache_read=0)

    assert other.tally.to_json() == story.tally.to_json()
    assert other.value("model_cache_collapses_total", model="m", reason="not told") == 1
