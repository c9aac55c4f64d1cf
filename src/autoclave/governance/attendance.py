"""Questions while nobody is there: kept until somebody looks, or refused at once."""

from __future__ import annotations

from ..domain.errors import NotAllowed
from ..domain.risk import Ruling
from .policy import Policy


def check_may_ask(ruling: Ruling | None, policy: Policy, *, attended: bool) -> None:
    """Raise NotAllowed when nobody attends and the rule file says `headless_ask: deny`."""
    if attended or policy.approvals.headless == "queue":
        return
    why = f": {ruling.reason}" if ruling else ""
    raise NotAllowed(
        f"nobody is there to ask, and the rules say that this is a no{why}",
        rules=ruling.rules if ruling else (),
        hint="run it at a terminal, or set `defaults: {headless_ask: queue}` in safety_rules.yaml",
    )
