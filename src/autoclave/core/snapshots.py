"""Runs as JSON, for the snapshot cache."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from ..domain.canonical import JsonObject
from ..domain.risk import Risk
from ..domain.run import Run, RunKind, RunStatus
from ..domain.state import State
from ..domain.usage import Budget, Spend

_TUPLES = (
    "done",
    "failures",
    "remedies",
    "replies",
    "plans_tried",
    "applied",
    "denials",
    "transcript",
)


def run_to_json(run: Run) -> JsonObject:
    """Every field; enums and tuples become what JSON has."""
    return {**asdict(run), "allow_up_to": int(run.allow_up_to)}


def run_from_json(data: JsonObject) -> Run:
    """The run back. Raises KeyError, TypeError or ValueError on a snapshot of another shape."""
    given: dict[str, Any] = {
        **data,
        **{name: tuple(data[name]) for name in _TUPLES},
        "kind": RunKind(data["kind"]),
        "status": RunStatus(data["status"]),
        "status_before_pause": RunStatus(data["status_before_pause"]),
        "state": State(data["state"]),
        "paused_from": State(data["paused_from"]) if data["paused_from"] else None,
        "allow_up_to": Risk(data["allow_up_to"]),
        "budget": Budget(**data["budget"]),
        "spend": Spend(**data["spend"]),
    }
    return replace(Run(id=data["id"]), **given)
