"""The facts that the kernel states about each kind of action, and how rules read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

from ..domain.risk import Action, ActionKind, Origin, Risk


class CannotTell(ValueError):
    """A fact is missing or has the wrong form, so that a condition has no answer."""


class Form(StrEnum):
    """What an attribute is."""

    TEXT = "text"
    TEXTS = "list of texts"
    NUMBER = "number"
    TRUTH = "true or false"


_FILES = {"paths": Form.TEXTS, "files": Form.NUMBER, "bytes": Form.NUMBER}

ATTRIBUTES: Mapping[ActionKind, Mapping[str, Form]] = {
    ActionKind.CAPABILITY_RUN: {
        "effect": Form.TEXT,
        "workspace": Form.TEXT,
        "network": Form.TEXTS,
        "commands": Form.TEXTS,
        "argv": Form.TEXTS,
        "shell": Form.TRUTH,
        "model": Form.TRUTH,
        "knowledge": Form.TRUTH,
        "secrets": Form.TEXTS,
        "tree": Form.TEXT,
        "trusted": Form.TRUTH,
        "sealed": Form.TRUTH,
    },
    ActionKind.COMMAND_RUN: {"argv": Form.TEXTS, "shell": Form.TRUTH, "sealed": Form.TRUTH},
    ActionKind.WORKSPACE_READ: _FILES,
    ActionKind.WORKSPACE_WRITE: {**_FILES, "deletes": Form.NUMBER},
    ActionKind.NETWORK_REQUEST: {
        "host": Form.TEXT,
        "scheme": Form.TEXT,
        "port": Form.NUMBER,
        "purpose": Form.TEXT,
        "method": Form.TEXT,
        "bytes": Form.NUMBER,
        "reads_only": Form.TRUTH,
        "secret": Form.TRUTH,
    },
    ActionKind.MODEL_CALL: {"model": Form.TEXT, "usd": Form.NUMBER},
    ActionKind.KNOWLEDGE_READ: {"query_bytes": Form.NUMBER, "limit": Form.NUMBER},
    ActionKind.KNOWLEDGE_WRITE: {"lesson_bytes": Form.NUMBER},
    ActionKind.CAPABILITY_ENROL: {"tree": Form.TEXT, "findings": Form.TEXTS},
    ActionKind.SELF_MODIFICATION: {
        "touches": Form.TEXTS,
        "paths": Form.TEXTS,
        "lines": Form.NUMBER,
        "files": Form.NUMBER,
        "new_imports": Form.TEXTS,
    },
    ActionKind.GOAL_ADD: {"kind": Form.TEXT, "workspace": Form.TEXT},
    ActionKind.CHECKPOINT_RESTORE: {},
}
"""By kind. `labels` (list of texts) may be stated about every kind."""

LEAST_RISK: Mapping[ActionKind, Risk] = {
    ActionKind.KNOWLEDGE_READ: Risk.R0,
    ActionKind.WORKSPACE_READ: Risk.R0,
    ActionKind.GOAL_ADD: Risk.R1,
    ActionKind.KNOWLEDGE_WRITE: Risk.R1,
    ActionKind.WORKSPACE_WRITE: Risk.R1,
    ActionKind.CAPABILITY_RUN: Risk.R2,
    ActionKind.COMMAND_RUN: Risk.R2,
    ActionKind.MODEL_CALL: Risk.R3,
    ActionKind.NETWORK_REQUEST: Risk.R3,
    ActionKind.CAPABILITY_ENROL: Risk.R4,
    ActionKind.CHECKPOINT_RESTORE: Risk.R4,
    ActionKind.SELF_MODIFICATION: Risk.R4,
}
"""A rule may call an action more dangerous than this, never less."""

_FOLDERS = frozenset({ActionKind.WORKSPACE_READ, ActionKind.WORKSPACE_WRITE})


def least_risk(kind: str) -> Risk:
    """What nobody knows is as dangerous as can be."""
    return LEAST_RISK[ActionKind(kind)] if kind in frozenset(ActionKind) else Risk.R5


def read_texts(action: Action, name: str) -> tuple[str, ...]:
    value = _read(action, name)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise CannotTell(f"`{name}` is not a list of texts")


def read_argv(action: Action) -> tuple[str, ...]:
    """The words of the command that is run; empty for a capability that is given none."""
    if action.kind is ActionKind.CAPABILITY_RUN and "argv" not in action.attributes:
        return ()
    argv = read_texts(action, "argv")
    if not argv or not argv[0]:
        raise CannotTell("`argv` names no program")
    return argv


def read_text(action: Action, name: str) -> str:
    value = _read(action, name)
    if isinstance(value, str):
        return value
    raise CannotTell(f"`{name}` is not a text")


def read_number(action: Action, name: str) -> float:
    value = _read(action, name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise CannotTell(f"`{name}` is not a number")


def read_truth(action: Action, name: str) -> bool:
    value = _read(action, name)
    if isinstance(value, bool):
        return value
    raise CannotTell(f"`{name}` is neither true nor false")


def read_paths(action: Action) -> tuple[str, ...]:
    """Every path that the action names: its `paths`, and its target where that is a path."""
    named = read_texts(action, "paths") if "paths" in action.attributes else ()
    is_path = action.kind in _FOLDERS and action.target
    # `.` is the root itself and says nothing more than the paths below it do.
    target = (action.target,) if is_path and not (named and action.target == ".") else ()
    if not named and not target:
        raise CannotTell("no path is named")
    return (*named, *target)


def read_origins(action: Action) -> frozenset[Origin]:
    if not action.origins:
        raise CannotTell("nothing says where this comes from")
    return frozenset(Origin(origin) for origin in action.origins)


def _read(action: Action, name: str) -> object:
    if name not in action.attributes:
        raise CannotTell(f"`{name}` is not stated")
    value: object = action.attributes[name]
    return value
