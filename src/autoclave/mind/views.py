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
    fence: str
    """Marks the ends of data that is shown to a model; no text that was read can know it."""


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
    transcript: list[JsonObject]
    """Under an open plan: every intent and its result, oldest first."""
    model: str
    """Name of the language model that may be asked; empty for none."""
    model_limits: JsonObject
    """`window` and `output`, in tokens."""
    prompts: dict[str, str]
    """The instructions for a model, by purpose: the files in `prompts/`."""
    budget_used: float
    """Share of the goal's budget that is gone, of whichever part has least left."""
    tools: list[str]
    """Names of what a model may call under the present plan; `converse` sets it."""
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
