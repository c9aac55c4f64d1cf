"""When refusals pile up: the run pauses and a person looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..domain.risk import ActionKind
from .policy import EscalationLimits


def escalation(denied: Sequence[ActionKind], limits: EscalationLimits) -> str:
    """Why a run with these denials has to pause, or an empty string when it may go on."""
    if len(denied) >= limits.per_run:
        return f"{len(denied)} actions of this run were denied"
    kind, times = max(Counter(denied).items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))
    if denied and times >= limits.same_kind:
        return f"{kind} was denied {times} times in this run"
    return ""
