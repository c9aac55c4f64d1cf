"""What the mind may ask for: a closed set, each with a JSON form."""

from __future__ import annotations

import types
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeAlias, get_args

from .canonical import JsonObject, canonical
from .errors import InvalidInput


class Effect(StrEnum):
    """What happens when a thing is done twice; decides how an interrupted intent is resumed."""

    PURE = "pure"
    """Nothing outside changes: run it again, no intent record needed."""
    IDEMPOTENT = "idempotent"
    """Repeat it with the same key."""
    VERIFIABLE = "verifiable"
    """Ask reality first, then record or redo."""
    ONCE = "once"
    """When in doubt, stop and ask a person."""


class IntentKind(StrEnum):
    """The names of the intents, as the mind writes them."""

    THINK = "Think"
    ACT = "Act"
    RECALL = "Recall"
    REMEMBER = "Remember"
    SEARCH = "Search"
    FETCH = "Fetch"
    ASK = "Ask"
    PROPOSE = "Propose"
    FINISH = "Finish"
    GIVE_UP = "GiveUp"
    WAIT = "Wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Think:
    """Ask a language model."""

    purpose: str
    messages: list[JsonObject]
    schema: JsonObject = field(default_factory=dict)
    """JSON Schema that the answer has to satisfy; empty for free text."""
    most_tokens: int = 4096
    system: str = ""
    tools: list[JsonObject] = field(default_factory=list)
    """What the model may call: `{"name", "description", "input_schema"}`."""
    effort: str = ""
    notice: str = ""
    """Added to the end of this one question and to none after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Run a capability as one step of the plan."""

    step: str
    capability: str
    inputs: JsonObject
    """Literals, or `{"$ref": "step.output"}` for what an earlier step gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Look up similar experiences, proven plans and patterns."""

    query: str
    limit: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember:
    """Keep a lesson of this episode."""

    lesson: str
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Search for knowledge outside the goal's workspace."""

    query: str
    limit: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Read one page that a search found."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask a person; the run waits as a row until the answer comes."""

    question: str
    choices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Propose a change to a capability or to the mind."""

    title: str
    reason: str
    edits: list[JsonObject]
    """Edit operations, see `domain.proposal.Edit`."""
    contract: JsonObject
    """Cause (event ids), expected fixes (goal ids), tasks at risk, how to undo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Claim that the goal is reached; the kernel checks the done-test."""

    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Say that the goal can't be reached, what was tried and what would help."""

    reason: str
    needs: str = ""
    unserved: bool = False
    """True when nothing here serves this kind of goal at all, so nothing was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Come back later."""

    seconds: float
    reason: str


Intent: TypeAlias = (
    Think | Act | Recall | Remember | Search | Fetch | Ask | Propose | Finish | GiveUp | Wait
)

_CLASSES: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(Intent)}
_PLAIN: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "JsonObject": dict,
    "list[str]": list,
    "list[JsonObject]": list,
}


def to_json(intent: Intent) -> JsonObject:
    """The intent as a JSON object with its `kind`."""
    return {"kind": type(intent).__name__, **asdict(intent)}


def parse(data: object) -> Intent:
    """The intent that a mind's JSON stands for. Raises InvalidInput naming what is wrong."""
    if not isinstance(data, dict):
        raise InvalidInput(f"an intent is an object, not {type(data).__name__}")
    _check_json(data)
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in _CLASSES:
        raise InvalidInput(f"{kind!r} is not an intent; the kinds are {', '.join(_CLASSES)}")
    cls = _CLASSES[kind]
    given = {key: value for key, value in data.items() if key != "kind"}
    known = {f.name: f for f in fields(cls)}
    if unknown := sorted(given.keys() - known.keys()):
        raise InvalidInput(f"{cls.__name__} has no field {unknown[0]!r}")
    for name, value in given.items():
        _check_type(cls.__name__, name, value, str(known[name].type))
    try:
        intent: Intent = cls(**given)
    except TypeError as error:
        raise InvalidInput(f"{cls.__name__}: {error}") from error
    return intent


def _check_json(data: JsonObject) -> None:
    """Whatever is written down has to be JSON: no NaN, no endless nesting, names for keys."""
    try:
        canonical(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"an intent is a JSON value: {error}") from error
    if not all(isinstance(key, str) for key in data):
        raise InvalidInput("the fields of an intent have names")


def _check_type(owner: str, name: str, value: object, annotation: str) -> None:
    wanted = _PLAIN[annotation]
    wrong_bool = isinstance(value, bool) and annotation != "bool"
    if wrong_bool or not isinstance(value, wanted):
        raise InvalidInput(f"{owner}.{name} must be {annotation}, not {type(value).__name__}")
    if annotation.startswith("list[") and isinstance(value, list):
        inner = str if annotation == "list[str]" else dict
        if not all(isinstance(item, inner) for item in value):
            raise InvalidInput(f"{owner}.{name} must be {annotation}")


kind_of: types.MappingProxyType[type[Any], IntentKind] = types.MappingProxyType(
    {cls: IntentKind(name) for name, cls in _CLASSES.items()}
)
