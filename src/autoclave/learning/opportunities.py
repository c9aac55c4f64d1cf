"""From a failure that keeps coming back to a chance to improve, and when that chance is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, select, update

from ..domain.canonical import JsonObject
from ..domain.events import Event
from ..domain.knowledge import Case, Opportunity, PatternKind, PatternState
from . import remedies, rows
from .payload import id_in, name_of, object_of, objects_of, texts_of
from .tables import cases, opportunities, pattern_evidence, patterns, proposals
from .template_store import learn

CONFIRMATIONS = 2
"""Distinct goals that must have met an error before it is a chance to improve."""
MOST_CASES = 8

Closed: TypeAlias = Literal["applied", "rejected", "expired", "undone", "abandoned"]
_DEAD = ("failed", "rejected", "expired", "undone")


def ready(connection: Connection, *, confirmations: int) -> list[Opportunity]:
    """Error patterns inside a capability that enough goals confirm and that nothing is open for."""
    query = (
        select(patterns)
        .where(
            patterns.c.type == PatternKind.ERROR.value,
            patterns.c.state != PatternState.RETIRED.value,
            patterns.c.goals >= confirmations,
        )
        .order_by(patterns.c.goals.desc(), patterns.c.created_at, patterns.c.id)
    )
    found = [_opportunity(connection, row) for row in connection.execute(query).mappings().all()]
    return [each for each in found if each and each.confirmations >= confirmations]


def cases_of(connection: Connection, opportunity: Opportunity) -> list[Case]:
    """Its recorded failures that can still be run again."""
    query = (
        select(cases.c.event_id, cases.c.goal_id, cases.c.payload)
        .where(cases.c.event_id.in_(opportunity.cases), cases.c.payload.is_not(None))
        .order_by(cases.c.event_id)
        .limit(MOST_CASES)
    )
    return [_case(*row) for row in connection.execute(query)]


def case_recorded(connection: Connection, event: Event) -> None:
    """Keep a failure that can be run again; the oldest of its kind give way."""
    capability = name_of(event.payload, "capability")
    failure = object_of(event.payload, "failure")
    error = learn(connection, capability, failure, at=event.at, seen=0)
    rows.put(
        connection,
        cases,
        {
            "event_id": event.id,
            "goal_id": id_in(event.stream),
            "capability": capability,
            "template_id": error.template_id,
            "is_counted": 0,
            "payload": event.payload,
        },
    )
    _let_old_cases_go(connection, error.template_id)


def raised(connection: Connection, event: Event) -> None:
    """An improvement run works on it."""
    key = name_of(event.payload, "key")
    known = rows.get(connection, opportunities, key=key)
    since = known["since"] if known else 0
    goal_id = name_of(event.payload, "goal_id")
    row = {"key": key, "state": "open", "since": since, "goal_id": goal_id}
    rows.put(connection, opportunities, row)


def improvement_ended(connection: Connection, event: Event) -> None:
    """A run that leaves no proposal behind has given up its opportunity."""
    opportunity = rows.get(connection, opportunities, goal_id=id_in(event.stream), state="open")
    if opportunity is None:
        return
    alive = select(proposals.c.id).where(
        proposals.c.goal_id == opportunity["goal_id"], proposals.c.state.not_in(_DEAD)
    )
    if connection.execute(alive).first() is None:
        _close(connection, opportunity["goal_id"], "abandoned", event)


def improvement_retried(connection: Connection, event: Event) -> None:
    connection.execute(
        update(opportunities)
        .where(opportunities.c.goal_id == id_in(event.stream), opportunities.c.state == "abandoned")
        .values(state="open")
    )


def proposal_drafted(connection: Connection, event: Event) -> None:
    row = {
        "id": id_in(event.stream),
        "opportunity_key": name_of(event.payload, "opportunity_key"),
        "goal_id": name_of(event.payload, "goal_id"),
        "operators": texts_of(event.payload, "operators"),
        "state": "alive",
    }
    rows.put(connection, proposals, row)


def gates_judged(connection: Connection, event: Event) -> None:
    gates = objects_of(event.payload, "gates")
    is_passed = bool(gates) and all(gate.get("verdict") == "pass" for gate in gates)
    _set_state(connection, id_in(event.stream), "alive" if is_passed else "failed")


def proposal_closed(connection: Connection, event: Event, how: Closed) -> None:
    """Applied, rejected, expired or undone: closed until as many new goals confirm the error."""
    proposal = rows.get(connection, proposals, id=id_in(event.stream))
    if proposal is None:
        return
    _set_state(connection, proposal["id"], how)
    _learn_operators(connection, proposal, how)
    _close(connection, proposal["goal_id"], how, event)


def _close(connection: Connection, goal_id: str, how: Closed, event: Event) -> None:
    """Close what this improvement run worked on; another run's opportunity stays open."""
    connection.execute(
        update(opportunities)
        .where(opportunities.c.goal_id == goal_id)
        .values(state=how, since=event.id)
    )


def _learn_operators(connection: Connection, proposal: Mapping[str, Any], how: Closed) -> None:
    """An applied repair speaks for its operators; a rejected or undone one against them."""
    operators, before = proposal["operators"], proposal["state"]
    template_id = proposal["opportunity_key"].rpartition(":")[2]
    if how == before or how in ("expired", "abandoned"):
        return
    # An undo takes the success back; the try was counted when it was applied.
    tried = 0 if before in ("applied", "undone") else 1
    succeeded = {"applied": 1, "undone": -1}.get(how, 0)
    remedies.add_to_prior(connection, operators, tried=tried, succeeded=succeeded)
    for operator in operators if template_id else ():
        remedies.add(
            connection, template_id, f"repair {operator}", tried=tried, succeeded=succeeded
        )


def _opportunity(connection: Connection, row: Mapping[Any, Any]) -> Opportunity | None:
    conditions = row["conditions"]
    capability, where = name_of(conditions, "capability"), name_of(conditions, "where")
    known = rows.get(connection, opportunities, key=row["key"])
    if not capability or not where or (known and known["state"] == "open"):
        return None
    since = known["since"] if known else 0
    goals = _goals_since(connection, row["id"], since)
    found = _cases_since(connection, name_of(conditions, "template_id"), since)
    if not goals or not found:
        return None
    return Opportunity(
        key=row["key"],
        title=f"{row['description']} ({len(goals)} goals)",
        capability=capability,
        pattern_id=row["id"],
        confirmations=len(goals),
        goals=goals,
        cases=found,
    )


def _goals_since(connection: Connection, pattern_id: str, since: int) -> tuple[str, ...]:
    query = (
        select(pattern_evidence.c.goal_id)
        .where(pattern_evidence.c.pattern_id == pattern_id, pattern_evidence.c.event_id > since)
        .order_by(pattern_evidence.c.event_id)
    )
    return tuple(connection.execute(query).scalars())


def _cases_since(connection: Connection, template_id: str, since: int) -> tuple[int, ...]:
    query = (
        select(cases.c.event_id)
        .where(
            cases.c.template_id == template_id,
            cases.c.event_id > since,
            cases.c.payload.is_not(None),
        )
        .order_by(cases.c.event_id)
    )
    return tuple(connection.execute(query).scalars())


def _let_old_cases_go(connection: Connection, template_id: str) -> None:
    kept = (
        select(cases.c.event_id)
        .where(cases.c.template_id == template_id, cases.c.payload.is_not(None))
        .order_by(cases.c.event_id.desc())
        .offset(MOST_CASES)
    )
    old = list(connection.execute(kept).scalars())
    if old:
        connection.execute(update(cases).where(cases.c.event_id.in_(old)).values(payload=None))


def _set_state(connection: Connection, proposal_id: str, state: str) -> None:
    connection.execute(update(proposals).where(proposals.c.id == proposal_id).values(state=state))


def _case(event_id: int, goal_id: str, payload: JsonObject) -> Case:
    files = object_of(payload, "files")
    return Case(
        event_id=event_id,
        goal_id=goal_id,
        capability=name_of(payload, "capability"),
        inputs=object_of(payload, "inputs"),
        files={path: body for path, body in files.items() if isinstance(body, str)},
        done=tuple(texts_of(payload, "done")),
        failure=object_of(payload, "failure"),
        chain=objects_of(payload, "chain"),
    )
