"""The fold: a run is what its events say, however one comes to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes_runs import event, lives

from autoclave.domain.errors import IllegalTransition
from autoclave.domain.events import Event, EventKind
from autoclave.domain.folding import fold, fold_all
from autoclave.domain.run import Run, RunStatus
from autoclave.domain.state import State

a_few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

FOREIGN = (EventKind.CASE_RECORDED, EventKind.CHECKPOINT_MADE, EventKind.PROPOSAL_DRAFTED)


@a_few
@given(life=lives(), cut=st.integers(0, 60))
def test_folding_in_two_goes_is_folding_at_once(life: list[Event], cut: int) -> None:
    """So a snapshot and the rest of the stream are as good as the whole stream."""
    run = fold_all("G-0001", life[:cut])
    for each in life[cut:]:
        run = fold(run, each)

    assert run == fold_all("G-0001", life)


@a_few
@given(life=lives(), kind=st.sampled_from(FOREIGN))
def test_a_kind_that_is_no_run_event_changes_nothing_but_the_position(
    life: list[Event], kind: EventKind
) -> None:
    """What the fold does not know it does not read."""
    run = fold_all("G-0001", life)

    after = fold(run, event(kind, {"any": "thing"}, seq=run.seq + 1))

    assert replace(after, seq=run.seq) == run
    assert after.seq == run.seq + 1


@a_few
@given(life=lives())
def test_the_fold_leaves_its_run_and_its_event_alone(life: list[Event]) -> None:
    """Values do not change under the reader's hands."""
    first = fold_all("G-0001", life)
    fold_all("G-0001", life)

    assert fold_all("G-0001", life) == first


@a_few
@given(life=lives())
def test_an_ended_goal_stays_ended_until_it_is_tried_again(life: list[Event]) -> None:
    """Whoever speaks too late, a person or a driver, changes nothing about that."""
    late = {
        EventKind.RUN_TAKEN,
        EventKind.GOAL_PAUSED,
        EventKind.GOAL_RESUMED,
        EventKind.GOAL_PARKED,
        EventKind.ANSWER_GIVEN,
        EventKind.GOAL_CANCELLED,
    }
    run = Run(id="G-0001")
    for each in life:
        after = fold(run, each)
        if run.is_ended and each.kind in late:
            assert after.status is run.status
        run = after


@a_few
@given(life=lives())
def test_only_a_run_that_may_run_is_taken_up(life: list[Event]) -> None:
    """A pause, a park or an open question holds against a driver that came too late."""
    run = fold_all("G-0001", life)

    taken = fold(run, event(EventKind.RUN_TAKEN, {"mind": "m"}, seq=run.seq + 1))

    may_run = run.status in (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)
    assert taken.status is (RunStatus.RUNNING if may_run else run.status)


def test_an_answer_during_a_pause_is_kept_and_the_pause_holds() -> None:
    """Resumed, the goal does not ask again."""
    asked = {"request": "r", "question": "May I?", "shown": "", "digest": "d", "expires_at": 1.0}
    run = _after(
        (EventKind.GOAL_ADDED, {"text": "x"}),
        (EventKind.RUN_TAKEN, {"mind": "m"}),
        (EventKind.QUESTION_ASKED, asked),
        (EventKind.GOAL_PAUSED, {"reason": "wait"}),
        (EventKind.ANSWER_GIVEN, {"request": "r", "digest": "d", "yes": True}),
    )
    assert run.status is RunStatus.PAUSED

    resumed = fold(run, event(EventKind.GOAL_RESUMED, {}, seq=run.seq + 1))

    assert resumed.status is RunStatus.QUEUED
    assert resumed.answers["r"]["yes"]


def test_an_illegal_transition_in_a_stream_is_refused() -> None:
    """The table holds in the fold as well."""
    with pytest.raises(IllegalTransition):
        _after(
            (EventKind.GOAL_ADDED, {"text": "x"}),
            (EventKind.STATE_CHANGED, {"from": "IDLE", "to": "MODIFYING"}),
        )


def test_a_pause_remembers_the_state_it_left() -> None:
    """And forgets it once it is over."""
    run = _after(
        (EventKind.GOAL_ADDED, {"text": "x"}),
        (EventKind.STATE_CHANGED, {"from": "IDLE", "to": "PLANNING"}),
        (EventKind.STATE_CHANGED, {"from": "PLANNING", "to": "PAUSED"}),
    )
    assert run.paused_from is State.PLANNING

    back = fold(
        run,
        event(EventKind.STATE_CHANGED, {"from": "PAUSED", "to": "PLANNING"}, seq=run.seq + 1),
    )

    assert (back.state, back.paused_from) == (State.PLANNING, None)


def test_another_try_begins_afresh_and_keeps_what_the_person_said() -> None:
    """The goal, its limits and its keys stay; what came of the first try is gone."""
    run = _after(
        (EventKind.GOAL_ADDED, {"text": "x", "done": ["true"], "allow_up_to": 1}),
        (EventKind.RUN_TAKEN, {"mind": "m"}),
        (EventKind.STATE_CHANGED, {"from": "IDLE", "to": "PLANNING"}),
        (EventKind.INTENT_RECORDED, {"key": "k", "intent": {"kind": "Recall"}, "effect": "pure"}),
        (EventKind.ERROR_MET, {"failure": {"error_class": "X", "message": "m"}}),
        (EventKind.GOAL_ENDED, {"success": "failed"}),
        (EventKind.GOAL_RETRIED, {"reason": "again"}),
    )

    assert (run.status, run.state, run.attempt) == (RunStatus.QUEUED, State.IDLE, 2)
    assert (run.text, run.done, int(run.allow_up_to), run.keys) == ("x", ("true",), 1, 1)
    assert (run.failures, run.open_intent, run.outcome) == ((), None, None)


def _after(*events: tuple[EventKind, dict[str, Any]]) -> Run:
    stream = [
        event(kind, payload, seq=n, actor="person:a") for n, (kind, payload) in enumerate(events, 1)
    ]
    return fold_all("G-0001", stream)
