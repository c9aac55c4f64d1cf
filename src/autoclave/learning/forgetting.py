"""What may be forgotten: details of old experiences that nothing leans on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ..domain.knowledge import Outcome, PatternState, VerifiedBy
from .tables import experiences, pattern_evidence, patterns

KEEP_SECONDS = 30 * 86_400.0
KEEP_NEWEST = 20
KEEP_BEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What forgetting has to know about one experience."""

    id: str
    family_id: int
    success: str
    verified_by: str
    seconds: float
    at: float
    is_evidence: bool
    """Of an active pattern."""


def plan_forgetting(rows: Iterable[Remembered], *, now: float) -> list[str]:
    """Ids whose details may go: old, and not among those that are always kept.

    Kept are the newest 20 and the best 5 of each family, evidence of active patterns, what a
    person judged, and failures of families that have not succeeded since.
    """
    of_family: defaultdict[int, list[Remembered]] = defaultdict(list)
    for row in rows:
        of_family[row.family_id].append(row)
    dropped: list[str] = []
    for family in of_family.values():
        family.sort(key=lambda row: (row.at, row.id))
        kept = _always_kept(family)
        dropped += [row.id for row in family if row.id not in kept and now - row.at > KEEP_SECONDS]
    return sorted(dropped)


def forget(connection: Connection, *, now: float) -> int:
    """Drop the details of what may be forgotten; goal, outcome and statistics stay. How many."""
    ids = plan_forgetting(_remembered(connection), now=now)
    dropped = 0
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        dropped += connection.execute(
            update(experiences)
            .where(experiences.c.id.in_(some), experiences.c.tier == "hot")
            .values(context=None, actions=None, outcome=None, tier="warm")
        ).rowcount
    return dropped


def _always_kept(family: list[Remembered]) -> set[str]:
    newest = family[-KEEP_NEWEST:]
    successes = [row for row in family if row.success == Outcome.OK]
    best = sorted(successes, key=lambda row: (row.verified_by != VerifiedBy.CHECK, row.seconds))
    last_success = max((row.at for row in successes), default=float("-inf"))
    unresolved = [row for row in family if row.success == Outcome.FAILED and row.at > last_success]
    leaned_on = [row for row in family if row.is_evidence or row.verified_by == VerifiedBy.PERSON]
    return {row.id for row in (*newest, *best[:KEEP_BEST], *unresolved, *leaned_on)}


def _remembered(connection: Connection) -> list[Remembered]:
    evidence = (
        select(pattern_evidence.c.event_id)
        .join(patterns, patterns.c.id == pattern_evidence.c.pattern_id)
        .where(patterns.c.state == PatternState.ACTIVE.value)
    )
    leaned_on = set(connection.execute(evidence).scalars())
    # Warm ones come along: they count among the newest and the best of their family.
    query = select(
        experiences.c.id,
        experiences.c.family_id,
        experiences.c.success,
        experiences.c.verified_by,
        experiences.c.seconds,
        experiences.c.timestamp,
        experiences.c.event_id,
    )
    return [
        Remembered(
            id=row.id,
            family_id=row.family_id,
            success=row.success,
            verified_by=row.verified_by,
            seconds=row.seconds,
            at=row.timestamp,
            is_evidence=row.event_id in leaned_on,
        )
        for row in connection.execute(query)
    ]
