"""Whose yes is still missing, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ..domain.approval import Approval, Quorum


def another_yes(quorum: Quorum, yeses: Sequence[Approval]) -> str:
    """What the yeses so far still lack; empty as long as there is none."""
    if not yeses or quorum.is_met(yeses):
        return ""
    alone_from = quorum.alone_from(yeses)
    if alone_from is None:
        return "a second person"
    first = min(yeses, key=lambda each: each.granted_at).granted_by.removeprefix("person:")
    at = datetime.fromtimestamp(alone_from, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"a second person, or {first} again from {at} on"
