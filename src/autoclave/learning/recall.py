"""Recall: what was lived through, proven and noticed that bears on a goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ..domain.canonical import JsonObject
from ..domain.knowledge import Outcome, PatternKind, PatternState
from . import families, text_index
from .families import Match, Vocabulary
from .plan_store import evidence_elsewhere
from .ranking import Memory, choose
from .remedies import remedies_of
from .statistics import Beta, shared_prior
from .tables import experiences, lessons, patterns, plans, repair_priors
from .template_store import recorded
from .words import rarest, words

LEAST_ALIKE = 0.4
"""Below this, silence: a memory that does not fit does harm."""
_PER_FAMILY = 20
_FROM_TEXT = 60


def recall(connection: Connection, query: str, *, limit: int, now: float) -> JsonObject:
    """All that bears on `query`, best first in each list."""
    said = words(query)
    near = families.matches(connection, said, least=LEAST_ALIKE)[:5]
    known_plans = _plans(connection, [m for m in near if m.similarity >= families.SAME_FAMILY])
    found = _experiences(connection, said, near, known_plans, limit=limit, now=now)
    templates = [name for each in found for name in each["templates"]]
    family_ids = [each.family_id for each in near]
    return {
        "experiences": found,
        "plans": known_plans[:limit],
        "patterns": _patterns(connection, family_ids, templates, limit=limit),
        "priors": priors(connection),
        "errors": _errors(connection, list(dict.fromkeys(templates))[:limit]),
    }


def priors(connection: Connection) -> dict[str, list[int]]:
    """By `family:node`: how often a repair operator was tried and how often it was right."""
    query = select(repair_priors).order_by(repair_priors.c.operator)
    return {row.operator: [row.tried, max(0, row.succeeded)] for row in connection.execute(query)}


def _plans(connection: Connection, near: Sequence[Match]) -> list[JsonObject]:
    """Plans of the matched families; a plan of several counts where it is the most alike."""
    alike = {match.family_id: match.similarity for match in near}
    query = select(plans).where(plans.c.family_id.in_(list(alike)))
    found = [
        _plan(connection, row, alike[row["family_id"]])
        for row in connection.execute(query).mappings().all()
    ]
    found.sort(key=lambda p: (-p["similarity"] * p["lower_bound"], p["signature"], p["family"]))
    first: dict[str, JsonObject] = {}
    for plan in found:
        first.setdefault(plan["signature"], plan)
    return list(first.values())


def _plan(connection: Connection, row: Mapping[Any, Any], alike: float) -> JsonObject:
    own = Beta(wins=row["alpha"], losses=row["beta"])
    elsewhere = evidence_elsewhere(connection, row["signature"], row["family_id"])
    prior = shared_prior(elsewhere)
    return {
        "signature": row["signature"],
        "steps": row["steps"],
        "source": row["source"],
        "source_goal": row["source_goal"],
        "trusted": row["trusted"],
        "by_model": row["by_model"],
        "family": row["family_id"],
        "wins": row["wins"],
        "uses": row["uses"],
        "success_rate": round(own.mean(prior), 4),
        "lower_bound": round(own.lower_bound(prior), 4),
        "similarity": round(alike, 4),
    }


def _experiences(
    connection: Connection,
    said: tuple[str, ...],
    near: Sequence[Match],
    known_plans: Sequence[JsonObject],
    *,
    limit: int,
    now: float,
) -> list[JsonObject]:
    known = families.vocabulary(connection, said)
    rows = _candidates(connection, said, near, known)
    proven = {(plan["signature"], plan["family"]): plan["success_rate"] for plan in known_plans}
    memories = [_memory(row, proven, now) for row in rows]
    missing = {word for memory in memories for word in memory.words} - set(said)
    more = families.vocabulary(connection, sorted(missing))
    everything = Vocabulary(counts={**known.counts, **more.counts}, total=known.total)
    weight = everything.weights(said, sorted(missing))
    return choose(memories, said, weight, limit=limit, least_alike=LEAST_ALIKE)


def _candidates(
    connection: Connection, said: tuple[str, ...], near: Sequence[Match], known: Vocabulary
) -> list[Mapping[Any, Any]]:
    """The newest of each matched family, and what the text index finds by the rarest words."""
    event_ids: set[int] = set()
    for match in near:
        query = select(experiences.c.event_id).where(
            experiences.c.family_id == match.family_id,
            experiences.c.success != Outcome.UNKNOWN.value,
        )
        newest = query.order_by(experiences.c.event_id.desc()).limit(_PER_FAMILY)
        event_ids.update(connection.execute(newest).scalars())
    event_ids.update(text_index.search(connection, rarest(said, known.counts), most=_FROM_TEXT))
    query_all = select(experiences).where(experiences.c.event_id.in_(sorted(event_ids)))
    return list(connection.execute(query_all.order_by(experiences.c.event_id)).mappings())


def _memory(row: Mapping[Any, Any], proven: Mapping[tuple[str, int], float], now: float) -> Memory:
    outcome = row["outcome"] or {}
    return Memory(
        id=row["id"],
        words=tuple(row["words"].split()),
        success=row["success"],
        verified_by=row["verified_by"],
        family_id=row["family_id"],
        proven=proven.get((row["plan_signature"], row["family_id"]), 0.5),
        age_seconds=now - row["timestamp"],
        shown={
            "id": row["id"],
            "goal_id": row["goal_id"],
            "goal": row["goal"],
            "success": row["success"],
            "verified_by": row["verified_by"],
            "plan": row["plan_signature"],
            "lesson": row["lesson"],
            "reason": outcome.get("reason", ""),
            "templates": outcome.get("templates", []),
            "seconds": row["seconds"],
            "at": row["timestamp"],
        },
    )


def _patterns(
    connection: Connection, family_ids: Sequence[int], templates: Sequence[str], *, limit: int
) -> list[JsonObject]:
    """Active patterns about the matched families and the errors that they met."""
    written = patterns.outerjoin(lessons, lessons.c.pattern_id == patterns.c.id)
    query = (
        select(patterns, lessons.c.lesson, lessons.c.model)
        .select_from(written)
        .where(
            patterns.c.state == PatternState.ACTIVE.value,
            patterns.c.type.in_([PatternKind.SUCCESS.value, PatternKind.ERROR.value]),
            patterns.c.key.in_(_keys(connection, family_ids, templates)),
        )
    )
    ranked = query.order_by(patterns.c.lower_bound.desc(), patterns.c.id).limit(limit)
    return [
        {
            "id": row.id,
            "kind": row.type,
            "description": row.description,
            "success_rate": round(row.success_rate, 4),
            "lower_bound": round(row.lower_bound, 4),
            "uses": row.usage_count,
            "lesson": row.lesson or "",
            "lesson_by": row.model or "",
        }
        for row in connection.execute(ranked)
    ]


def _keys(connection: Connection, family_ids: Sequence[int], templates: Sequence[str]) -> list[str]:
    query = select(plans.c.family_id, plans.c.signature).where(plans.c.family_id.in_(family_ids))
    of_plans = [f"plan:{family}:{signature}" for family, signature in connection.execute(query)]
    known = (recorded(connection, each) for each in dict.fromkeys(templates))
    of_errors = [f"error:{each.capability}:{each.template_id}" for each in known if each]
    return [*of_plans, *of_errors]


def _errors(connection: Connection, templates: Sequence[str]) -> list[JsonObject]:
    known = (recorded(connection, each) for each in templates)
    return [
        {
            "template": each.template,
            "capability": each.capability,
            "remedies": remedies_of(connection, each.template_id),
        }
        for each in known
        if each
    ]
