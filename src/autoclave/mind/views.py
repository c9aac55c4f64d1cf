"""The form of what the mind sees and says; everything is a JSON value."""

from __future__ import annotations

from typing import Any, TypedDict

JsonObject = dict[str, Any]


class RunView(TypedDict):
    """The goal and where its run stands."""

    id: str
    kind: str
    text: str
    state: str
    attempt: int
    has_workspace: bool
    done: list[str]
    facts: JsonObject


class View(TypedDict):
    """Everything that a decision may depend on."""

    run: RunView
    capabilities: list[JsonObject]
    recalled: JsonObject | None
    plan: JsonObject | None
    results: dict[str, JsonObject]
    tries: dict[str, int]
    failures: list[JsonObject]
    plans_tried: list[str]
    replies: list[JsonObject]
    done_result: JsonObject | None
    lesson: str
    model: str
    """Name of the language model that may be asked; empty for none."""
    seed: int
    origins: dict[str, str]
    """Where each part of the view came from."""


class Reply(TypedDict, total=False):
    """What the mind answers."""

    path: list[str]
    """States to pass through before the intent; the last one is where the run then stands."""
    plan: JsonObject
    intent: JsonObject
    why: str
    remedy: str
    """Name of the recovery that was chosen, so that its success can be learned."""


def reply(intent: JsonObject, *, path: tuple[str, ...] = (), why: str = "") -> Reply:
    return {"path": list(path), "intent": intent, "why": why}


def capability(view: View, name: str) -> JsonObject | None:
    """The manifest of one capability, or None."""
    return next((each for each in view["capabilities"] if each["name"] == name), None)
