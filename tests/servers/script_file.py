"""Scripts as people write them: JSON or YAML becomes turns, what is unknown is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from tests.servers.script import Script
from tests.servers.turns import FOREVER, AnyOrder, Expect, Fault, Item, Reply, ToolCall, Turn

_T = TypeVar("_T", Expect, Fault, Reply, ToolCall)
_OPTIONS = frozenset({"turns", "models", "limits", "batches", "cache"})
_TURN = frozenset({"name", "expect", "reply", "fault", "repeat"})
_ONLY_IN_PYTHON = frozenset({"check"})
_TUPLES = frozenset({"tools", "content", "user_contains", "anywhere", "system_contains"})


class ScriptError(ValueError):
    """A script that cannot be played."""


def load_script(path: Path) -> Script:
    """The script in a file: a list of turns, or a mapping with `turns` and options."""
    return parse_script(_read(path), where=path.name)


def parse_script(value: Any, *, where: str = "script") -> Script:
    if isinstance(value, list):
        value = {"turns": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("turns"), list):
        message = f"{where}: a script is a list of turns, or a mapping with a list under 'turns'"
        raise ScriptError(message)
    _only(value, _OPTIONS, where)
    items = [_item(item, f"{where}: turn {n}") for n, item in enumerate(value["turns"], 1)]
    return Script(items=tuple(items), options={key: value[key] for key in value if key != "turns"})


def _read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    import yaml

    return yaml.safe_load(text)


def _item(value: Any, where: str) -> Item:
    if isinstance(value, Mapping) and "any_order" in value:
        _only(value, {"any_order"}, where)
        inner = value["any_order"]
        return AnyOrder(turns=tuple(_turn(t, f"{where}.{n}") for n, t in enumerate(inner, 1)))
    return _turn(value, where)


def _turn(value: Any, where: str) -> Turn:
    if not isinstance(value, Mapping):
        message = f"{where}: a turn is a mapping, not {type(value).__name__}"
        raise ScriptError(message)
    _only(value, _TURN, where)
    if "reply" not in value and "fault" not in value:
        message = f"{where}: needs a 'reply' or a 'fault'"
        raise ScriptError(message)
    fault = value.get("fault")
    return Turn(
        name=str(value.get("name", "")),
        expect=_made(Expect, value.get("expect", {}), f"{where}: expect"),
        reply=_reply(value.get("reply", {"text": "ok"}), f"{where}: reply"),
        fault=None if fault is None else _made(Fault, fault, f"{where}: fault"),
        repeat=_repeat(value.get("repeat", 1), where),
    )


def _repeat(value: Any, where: str) -> Any:
    if value == FOREVER or (type(value) is int and value > 0):
        return value
    message = f"{where}: repeat is a number of times or '{FOREVER}', not {value!r}"
    raise ScriptError(message)


def _reply(value: Any, where: str) -> Reply:
    if isinstance(value, str):
        return Reply(text=value)
    if not isinstance(value, Mapping):
        message = f"{where}: a text or a mapping, not {type(value).__name__}"
        raise ScriptError(message)
    reply = dict(value)
    calls = reply.pop("tools", [])
    reply["tools"] = [_made(ToolCall, call, f"{where}: tools.{n}") for n, call in enumerate(calls)]
    return _made(Reply, reply, where)


def _made(kind: type[_T], value: Mapping[str, Any], where: str) -> _T:
    known = {field.name for field in fields(kind)} - _ONLY_IN_PYTHON
    _only(value, known, where)
    given: dict[str, Any] = {
        key: tuple(item) if key in _TUPLES and isinstance(item, list) else item
        for key, item in value.items()
    }
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        message = f"{where}: {error}"
        raise ScriptError(message) from error


def _only(value: Any, known: frozenset[str] | set[str], where: str) -> None:
    if not isinstance(value, Mapping):
        message = f"{where}: wants a mapping, not {type(value).__name__}"
        raise ScriptError(message)
    unknown = sorted(set(map(str, value)) - known)
    if unknown:
        message = f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        raise ScriptError(message)
