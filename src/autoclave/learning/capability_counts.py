"""How capabilities do: runs, successes and how long they take."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ..domain.canonical import JsonObject
from ..domain.events import Event
from . import remedies, rows
from .payload import name_of, number_of, object_of
from .statistics import Beta, add_to_sketch, quantile
from .tables import capability_stats

REPAIRER = "repair_python"
_USUAL_FROM = 8
"""Runs that it takes to speak of a usual time."""


def result_recorded(connection: Connection, event: Event) -> None:
    """Count one run of a capability; other results say nothing about capabilities."""
    intent, result = object_of(event.payload, "intent"), object_of(event.payload, "result")
    name = name_of(intent, "capability")
    if intent.get("kind") != "Act" or not name:
        return
    _count(connection, name, result, at=event.at)
    if name == REPAIRER:
        remedies.repair_ran(connection, object_of(result, "outputs"))


def statistics(connection: Connection) -> dict[str, JsonObject]:
    """By name: runs, successes, lower_bound, seconds_median, seconds_p95."""
    found = {}
    for row in connection.execute(select(capability_stats).order_by("name")).mappings():
        seen = Beta(wins=row["alpha"], losses=row["beta"])
        found[row["name"]] = {
            "runs": row["runs"],
            "successes": row["ok"],
            "success_rate": seen.mean(),
            "lower_bound": seen.lower_bound(),
            "seconds_median": quantile(row["sketch"], 0.5),
            "seconds_p95": quantile(row["sketch"], 0.95),
        }
    return found


def usual_seconds(connection: Connection, actions: Sequence[JsonObject]) -> dict[str, float]:
    """Median seconds of the capabilities in `actions` that ran often enough."""
    names = sorted({name_of(action, "capability") for action in actions})
    query = select(capability_stats.c.name, capability_stats.c.sketch).where(
        capability_stats.c.name.in_(names), capability_stats.c.runs >= _USUAL_FROM
    )
    return {name: quantile(sketch, 0.5) for name, sketch in connection.execute(query)}


def _count(connection: Connection, name: str, result: JsonObject, *, at: float) -> None:
    known = rows.get(connection, capability_stats, name=name)
    before = Beta(wins=known["alpha"], losses=known["beta"]) if known else Beta()
    tree = name_of(result, "capability_tree")
    if known and tree and known["tree"] not in ("", tree):
        before = before.shrink()  # other code: what its forerunner did says little
    is_ok = result.get("ok") is True
    after = before.observe(is_ok)
    rows.put(
        connection,
        capability_stats,
        {
            "name": name,
            "tree": tree or (known["tree"] if known else ""),
            "runs": (known["runs"] if known else 0) + 1,
            "ok": (known["ok"] if known else 0) + is_ok,
            "alpha": after.wins,
            "beta": after.losses,
            "sketch": add_to_sketch(known["sketch"] if known else {}, number_of(result, "seconds")),
            "last_at": at,
        },
    )
