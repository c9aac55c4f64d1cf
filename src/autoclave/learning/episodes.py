"""How a goal that has ended becomes one experience, and what is learnt from it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from ..domain.canonical import JsonObject
from ..domain.events import Event
from ..domain.knowledge import Experience, Outcome, VerifiedBy
from . import capability_counts, families, pattern_store, plan_store, remedies, rows, text_index
from .pattern_engine import Known, PatternEngine
from .payload import id_in, name_of, number_of, object_of, objects_of, text_of
from .statistics import Beta
from .tables import cases, experiences
from .template_store import KnownError, learn, recorded
from .words import words

WEIGHT: Mapping[VerifiedBy, float] = {
    VerifiedBy.CHECK: 1.0,
    VerifiedBy.PERSON: 1.0,
    VerifiedBy.SELF_REPORT: 0.3,
}
_REPLAY_EXPONENT = 0.7


def goal_ended(connection: Connection, event: Event, engine: PatternEngine) -> None:
    """Keep the experience; learn from it when its outcome is known."""
    origin = name_of(event.payload, "kind") or "goal"
    experience = _experience(event)
    plans = plan_store.take_plans(connection, experience.goal_id, event.payload)
    is_lesson = experience.success is not Outcome.UNKNOWN and origin == "goal"
    said = words(experience.goal)
    family_id, surprise = 0, 0.0
    if is_lesson:
        family_id = families.join(connection, said, label=experience.goal[:200], event_id=event.id)
        surprise = _count_outcome(connection, experience, family_id)
        families.count_words(connection, said)
        text_index.add(connection, event.id, " ".join(said))
        owners = _owners(experience, plans)
        errors = _learn_errors(connection, experience, event, owners)
        _count_remedies(connection, experience, event, owners)
        known = Known(
            family_id=family_id,
            errors=errors,
            plan=plans[-1] if plans else {},
            usual_seconds=capability_counts.usual_seconds(connection, experience.actions),
        )
        _learn(connection, experience, known, plans=plans, engine=engine, event=event)
        experience.outcome["templates"] = [error.template_id for error in errors]
    _settle_cases(connection, experience.goal_id)
    row = _row(experience, event, origin=origin, family_id=family_id, surprise=surprise)
    rows.new(connection, experiences, **row, words=" ".join(said))


def goal_dropped(connection: Connection, event: Event) -> None:
    """A cancelled goal teaches nothing."""
    goal_id = id_in(event.stream)
    plan_store.forget_plans(connection, goal_id)
    _settle_cases(connection, goal_id)


def weight_of(experience: Experience) -> float:
    return WEIGHT[experience.verified_by]


def _learn(
    connection: Connection,
    experience: Experience,
    known: Known,
    *,
    plans: list[JsonObject],
    engine: PatternEngine,
    event: Event,
) -> None:
    weight = weight_of(experience)
    plan_store.count(connection, experience, plans, family_id=known.family_id, weight=weight)
    for observation in engine.observe(experience, known):
        pattern_store.count(
            connection,
            observation,
            goal_id=experience.goal_id,
            weight=weight,
            event_id=event.id,
            at=event.at,
        )


def _experience(event: Event) -> Experience:
    given = event.payload
    success, verified_by = name_of(given, "success"), name_of(given, "verified_by")
    failures = [
        {key: text_of(each, key, 1_000) for key in ("step", "error_class", "message", "where")}
        | {"capability": name_of(each, "capability")}
        for each in objects_of(given, "failures")
    ]
    plan = object_of(given, "plan")
    return Experience(
        id=f"E-{event.id:06d}",
        goal_id=id_in(event.stream),
        goal=text_of(given, "text"),
        context=object_of(given, "context"),
        actions=objects_of(given, "actions"),
        outcome={
            "reason": text_of(given, "reason"),
            "failures": failures,
            "plan": name_of(plan, "signature"),
            "spend": object_of(given, "spend"),
        },
        success=Outcome(success) if success in set(Outcome) else Outcome.UNKNOWN,
        # Who checked is a claim in the experience's favour: unsaid is the weakest.
        verified_by=(
            VerifiedBy(verified_by) if verified_by in set(VerifiedBy) else VerifiedBy.SELF_REPORT
        ),
        seconds=number_of(given, "seconds"),
        at=event.at,
    )


def _row(
    experience: Experience, event: Event, *, origin: str, family_id: int, surprise: float
) -> dict[str, Any]:
    is_failed = experience.success is Outcome.FAILED
    priority = ((0.01 + surprise) * (1 + experience.seconds) * (1 + is_failed)) ** _REPLAY_EXPONENT
    return {
        "id": experience.id,
        "goal": experience.goal,
        "context": experience.context,
        "actions": experience.actions,
        "outcome": experience.outcome,
        "success": experience.success.value,
        "timestamp": experience.at,
        "event_id": event.id,
        "goal_id": experience.goal_id,
        "verified_by": experience.verified_by.value,
        "seconds": experience.seconds,
        "origin": origin,
        "family_id": family_id,
        "plan_signature": experience.outcome["plan"],
        "lesson": text_of(event.payload, "lesson"),
        "tier": "hot",
        "surprise": surprise,
        "priority": priority,
        "replay_key": -math.log(_lot(event.id)) / priority,
    }


def _lot(event_id: int) -> float:
    """A number in (0, 1) that depends on the id only, so that a rebuild draws the same."""
    drawn = hashlib.sha256(str(event_id).encode()).digest()[:8]
    return (int.from_bytes(drawn, "big") + 1) / (2**64 + 2)


def _count_outcome(connection: Connection, experience: Experience, family_id: int) -> float:
    """Count the outcome for its family; how much it surprises, 0 to 1."""
    before: Beta = families.evidence(connection, family_id)
    is_ok = experience.success is Outcome.OK
    after = before.observe(is_ok, weight_of(experience))
    families.count_outcome(connection, family_id, after)
    return abs(float(is_ok) - before.mean())


def _learn_errors(
    connection: Connection, experience: Experience, event: Event, owners: Mapping[str, str]
) -> tuple[KnownError, ...]:
    """The distinct errors of an experience: from its failures and from its recorded cases."""
    found: dict[str, KnownError] = {}
    for failure in objects_of(event.payload, "failures", 50):
        owner = _owner_of(failure, experience, owners)
        error = learn(connection, owner, failure, at=event.at, seen=1)
        found[error.template_id] = error
    query = select(cases.c.template_id).where(
        cases.c.goal_id == experience.goal_id, cases.c.is_counted == 0
    )
    for template_id in connection.execute(query.order_by(cases.c.event_id)).scalars().all():
        if template_id not in found and (known := recorded(connection, template_id)):
            found[template_id] = known
    return tuple(found.values())


def _count_remedies(
    connection: Connection, experience: Experience, event: Event, owners: Mapping[str, str]
) -> None:
    tried = []
    for each in objects_of(event.payload, "remedies", 50):
        failure = object_of(each, "failure")
        owner = _owner_of(failure, experience, owners)
        error = learn(connection, owner, failure, at=event.at, seen=0)
        tried.append((error.template_id, name_of(each, "remedy")))
    remedies.count_recoveries(connection, tried, is_ok=experience.success is Outcome.OK)


def _owners(experience: Experience, plans: list[JsonObject]) -> dict[str, str]:
    """Which capability each step ran, in any of the goal's plans."""
    steps = [step for plan in plans for step in plan["steps"]]
    of_plans = {name_of(step, "name"): name_of(step, "capability") for step in steps}
    ran = {name_of(each, "step"): name_of(each, "capability") for each in experience.actions}
    return {**of_plans, **ran}


def _owner_of(failure: JsonObject, experience: Experience, owners: Mapping[str, str]) -> str:
    """Which capability failed: what the failure says, else the owner of its step."""
    step = name_of(failure, "step")
    if step or name_of(failure, "capability"):
        return name_of(failure, "capability") or owners.get(step, "")
    error_class = name_of(failure, "error_class")
    same = [a for a in experience.actions if error_class and a.get("error_class") == error_class]
    return name_of(same[0], "capability") if same else ""


def _settle_cases(connection: Connection, goal_id: str) -> None:
    connection.execute(update(cases).where(cases.c.goal_id == goal_id).values(is_counted=1))
