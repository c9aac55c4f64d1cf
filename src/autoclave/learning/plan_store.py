"""Plans in their table: which worked how often for which family of goals."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select

from ..domain.canonical import JsonObject
from ..domain.events import Event
from ..domain.knowledge import Experience, Outcome
from . import rows
from .payload import id_in, name_of, object_of, objects_of
from .statistics import Beta
from .tables import plans, plans_made


def plan_made(connection: Connection, event: Event) -> None:
    """Keep a plan until its goal ends."""
    plan = object_of(event.payload, "plan")
    if name_of(plan, "signature"):
        rows.put(
            connection,
            plans_made,
            {"event_id": event.id, "goal_id": id_in(event.stream), "plan": _made(event.payload)},
        )


def take_plans(connection: Connection, goal_id: str, ended: JsonObject) -> list[JsonObject]:
    """The plans of a goal that has ended, the last one last; they are no longer kept."""
    query = select(plans_made.c.plan).where(plans_made.c.goal_id == goal_id)
    made = list(connection.execute(query.order_by(plans_made.c.event_id)).scalars())
    forget_plans(connection, goal_id)
    last = object_of(ended, "plan")
    if name_of(last, "signature") and (
        not made or made[-1]["signature"] != name_of(last, "signature")
    ):
        made.append({**_kept(last), "trusted": False, "by_model": True})
    return made


def forget_plans(connection: Connection, goal_id: str) -> None:
    connection.execute(delete(plans_made).where(plans_made.c.goal_id == goal_id))


def count(
    connection: Connection,
    experience: Experience,
    made: list[JsonObject],
    *,
    family_id: int,
    weight: float,
) -> None:
    """The last plan shares the goal's outcome; those that were given up before it have failed."""
    is_ok = experience.success is Outcome.OK
    last = made[-1]["signature"] if made else ""
    for plan in {plan["signature"]: plan for plan in made}.values():
        won = is_ok and plan["signature"] == last
        _count(connection, experience, plan, family_id=family_id, won=won, weight=weight)


def evidence_elsewhere(connection: Connection, signature: str, family_id: int) -> Beta:
    """What the same plan came to in other families."""
    query = select(
        func.coalesce(func.sum(plans.c.alpha), 0.0), func.coalesce(func.sum(plans.c.beta), 0.0)
    ).where(plans.c.signature == signature, plans.c.family_id != family_id)
    wins, losses = connection.execute(query).one()
    return Beta(wins=wins, losses=losses)


def _count(
    connection: Connection,
    experience: Experience,
    plan: JsonObject,
    *,
    family_id: int,
    won: bool,
    weight: float,
) -> None:
    known = rows.get(connection, plans, signature=plan["signature"], family_id=family_id)
    belief = Beta(wins=known["alpha"], losses=known["beta"]) if known else Beta()
    after = belief.observe(won, weight)
    # The steps to show are those of the newest win; until one wins, of the first try.
    origin = known if known and not won else {**plan, "source_goal": experience.goal_id}
    # The very same steps stay what anybody's trusted words made them.
    before = known if known and known["steps"] == origin["steps"] else origin
    rows.put(
        connection,
        plans,
        {
            "signature": plan["signature"],
            "family_id": family_id,
            "steps": origin["steps"],
            "source": origin["source"],
            "source_goal": origin["source_goal"],
            "trusted": origin["trusted"] or before["trusted"],
            "by_model": origin["by_model"] and before["by_model"],
            "uses": (known["uses"] if known else 0) + 1,
            "wins": (known["wins"] if known else 0) + won,
            "alpha": after.wins,
            "beta": after.losses,
            "used_at": experience.at,
        },
    )


def _made(payload: JsonObject) -> JsonObject:
    """A plan and whose words chose it, as the kernel found out when it was made."""
    kept = _kept(object_of(payload, "plan"))
    by_model = payload.get("by_model", kept["signature"].startswith("model:"))
    return {**kept, "trusted": payload.get("trusted") is True, "by_model": by_model is not False}


def _kept(plan: JsonObject) -> JsonObject:
    """What is reused of a plan: its steps with open slots if it has them, else as they ran."""
    return {
        "signature": name_of(plan, "signature"),
        "source": name_of(plan, "source"),
        "steps": objects_of(plan, "template") or objects_of(plan, "steps"),
    }
