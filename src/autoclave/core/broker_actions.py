"""The calls of a capability as actions that rules judge, with where their parts come from."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.broker import NetworkCall, Place, RecallCall
from ..domain.canonical import JsonObject
from ..domain.capability import Manifest
from ..domain.intents import Act
from ..domain.provenance import Argument, Label, Origin, Provenance
from ..domain.risk import Action, ActionKind
from ..domain.run import Run
from .labels import chosen_by, is_planned, trusted_text

PURPOSE = "capability"
"""What the requests and model calls of capabilities are for, as rules and budgets name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The step whose capability asks."""

    manifest: Manifest
    intent: Act
    inputs: JsonObject
    """Resolved, as they may be written down."""
    key: str


def recall_action(run: Run, call: RecallCall) -> Action:
    attributes = {"query_bytes": len(call.query.encode("utf-8")), "limit": call.limit}
    return Action(
        kind=ActionKind.KNOWLEDGE_READ, target="recall", attributes=attributes, goal_id=run.id
    )


def model_action(run: Run, model: str, price: float) -> Action:
    attributes: JsonObject = {"model": model, "usd": price}
    return Action(kind=ActionKind.MODEL_CALL, target=model, attributes=attributes, goal_id=run.id)


def network_action(run: Run, step: Step, call: NetworkCall, *, url: str, place: Place) -> Action:
    """One request; `url` is the call's as it may be written down, `place` where it leads now.

    A page that points on is where people were sent by the one they chose: its host is judged, and
    who chose the target is asked of the first.
    """
    label = chosen_by(run, step.intent, step.inputs, url)
    own = Label(origin=Origin.CAPABILITY)
    came_from = Provenance(
        planned=is_planned(run, step.intent),
        is_effect=True,
        arguments=(
            Argument(name="url", value=url, label=label, is_target=True),
            Argument(name="body", value=call.body, label=own),
            Argument(name="headers", value=call.headers, label=own),
        ),
        trusted_text=trusted_text(run),
    )
    sent = len(call.url) + len(call.data) + sum(map(len, map(str, call.headers.values())))
    attributes: JsonObject = {
        "host": place.host,
        "scheme": place.scheme,
        "port": place.port,
        "purpose": PURPOSE,
        "method": call.method,
        "bytes": sent,
        "reads_only": call.reads_only,
        "secret": bool(call.secret),
    }
    return Action(
        kind=ActionKind.NETWORK_REQUEST,
        target=place.host,
        attributes=attributes,
        origins=came_from.origins(),
        goal_id=run.id,
        provenance=came_from,
    )
