"""The states of a run and the only legal ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .errors import IllegalTransition


class State(StrEnum):
    """Where a run of a goal stands in the loop."""

    INITIALIZING = "INITIALIZING"
    IDLE = "IDLE"
    PLANNING = "PLANNING"
    EXECUTING = "EXECUTING"
    LEARNING = "LEARNING"
    MODIFYING = "MODIFYING"
    PAUSED = "PAUSED"
    ERROR = "ERROR"
    RECOVERING = "RECOVERING"
    SHUTDOWN = "SHUTDOWN"


WORKING = frozenset({State.PLANNING, State.EXECUTING, State.LEARNING, State.MODIFYING})

NEXT: Mapping[State, frozenset[State]] = {
    State.INITIALIZING: frozenset({State.IDLE, State.ERROR}),
    State.IDLE: frozenset({State.PLANNING, State.ERROR, State.SHUTDOWN}),
    State.PLANNING: frozenset({State.EXECUTING, State.PAUSED, State.ERROR}),
    State.EXECUTING: frozenset({State.PLANNING, State.LEARNING, State.PAUSED, State.ERROR}),
    State.LEARNING: frozenset({State.MODIFYING, State.PAUSED, State.ERROR}),
    State.MODIFYING: frozenset({State.IDLE, State.PAUSED, State.ERROR}),
    State.PAUSED: WORKING | {State.ERROR},
    State.ERROR: frozenset({State.RECOVERING, State.SHUTDOWN}),
    State.RECOVERING: frozenset({State.IDLE, State.SHUTDOWN, State.ERROR}),
    State.SHUTDOWN: frozenset(),
}
"""PAUSED may only lead back to the state it was entered from; `check_transition` holds that."""


def check_transition(before: State, after: State, *, paused_from: State | None = None) -> None:
    """Raise IllegalTransition unless the table has the arrow.

    `paused_from` is the state that a paused run left: the only working state it may return to.
    """
    allowed = NEXT[before]
    if before is State.PAUSED:
        allowed = frozenset({State.ERROR}) | (frozenset({paused_from}) if paused_from else set())
    if after not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing: it is final"
        raise IllegalTransition(f"{before} → {after} is not a legal transition (legal: {names})")
