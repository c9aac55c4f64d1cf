"""Places in a reply that are filled from the request it answers.

`{{last_tool_use_id}}`, `{{last_tool_result}}`, `{{last_user}}`, `{{model}}`, `{{system}}`,
`{{number}}`, `{{body:messages.0.role}}` (the value itself when it stands alone) and
`{{match:REGEX}}` (the first group, or all of it, of the last place where it fits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from tests.servers.seen import Seen
from tests.servers.turns import Reply, ToolCall

_PLACE = re.compile(r"\{\{((?:(?!\}\}(?!\})).)+)\}\}(?!\})")


class NothingToFill(LookupError):
    """A placeholder for which the request has no value."""


def fill(reply: Reply, seen: Seen) -> Reply:
    """The reply with every placeholder in it filled."""
    return replace(
        reply,
        **{
            field.name: _filled(getattr(reply, field.name), seen)
            for field in fields(reply)
            if field.name not in ("usage", "headers")
        },
    )


def _filled(value: Any, seen: Seen) -> Any:
    if isinstance(value, str):
        return _text(value, seen)
    if isinstance(value, ToolCall):
        return ToolCall(
            name=_filled(value.name, seen),
            input=_filled(value.input, seen),
            id=_filled(value.id, seen),
            input_text=_filled(value.input_text, seen),
        )
    if isinstance(value, Mapping):
        return {key: _filled(item, seen) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_filled(item, seen) for item in value)
    return value


def _text(text: str, seen: Seen) -> Any:
    alone = _PLACE.fullmatch(text)
    if alone:
        return _value(alone[1], seen)
    return _PLACE.sub(lambda place: str(_value(place[1], seen)), text)


def _value(name: str, seen: Seen) -> Any:
    kind, _, rest = name.partition(":")
    if kind == "body" and rest:
        return _at(rest, seen)
    if kind == "match" and rest:
        return _match(rest, seen)
    return _named(name.strip(), seen)


def _named(name: str, seen: Seen) -> Any:
    values: dict[str, Any] = {
        "last_tool_use_id": seen.tool_use_ids[-1] if seen.tool_use_ids else None,
        "last_tool_result": seen.tool_results[-1].text if seen.tool_results else None,
        "last_user": seen.user,
        "system": seen.system,
        "model": seen.model,
        "number": seen.number,
    }
    value = values.get(name)
    if value is None:
        message = f"placeholder {{{{{name}}}}}: the request has none; known: {', '.join(values)}"
        raise NothingToFill(message)
    return value


def _at(path: str, seen: Seen) -> Any:
    value: Any = seen.body
    for step in path.strip().split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (LookupError, TypeError, ValueError) as error:
            message = f"placeholder {{{{body:{path}}}}}: no {step!r} there"
            raise NothingToFill(message) from error
    return value


def _match(pattern: str, seen: Seen) -> str:
    found = list(re.finditer(pattern, seen.everything))
    if not found:
        message = f"placeholder {{{{match:{pattern}}}}}: nothing in the messages fits"
        raise NothingToFill(message)
    return found[-1][1] if found[-1].re.groups else found[-1][0]
