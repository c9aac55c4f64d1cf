"""When refusals pile up, or a secret was touched: the run pauses and a person looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .policy import EscalationLimits

CANARY = "canary"
"""Stands among the denials of a run in which a canary token came to light."""


def escalation(denied: Sequence[str], limits: EscalationLimits) -> str:
    """Why a run with these denials has to pause, or an empty string when it may go on.

    `denied` are kinds of actions since a person last looked, a person's own no among them.
    """
    if CANARY in denied:
        return "a canary token came to light: something read what it may never read"
    if len(denied) >= limits.per_run:
        return f"{len(denied)} actions of this run were denied"
    kind, times = max(Counter(denied).items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))
    if denied and times >= limits.same_kind:
        return f"{kind} was denied {times} times in this run"
    return ""
