"""JSON Schema: whether a schema is one that we accept, and whether a value fits it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..domain.canonical import JsonObject, canonical
from ..domain.errors import InvalidInput
from ..domain.provenance import TRUSTED, Origin

_LONGEST_PATTERN = 200
_QUANTIFIED_GROUP = re.compile(r"\)[*+{]")
_LABELS = {
    "x-role": frozenset({"target", "content"}),
    "x-origin": frozenset(Origin) - TRUSTED,
    "x-trust": frozenset({"trusted", "inputs", "untrusted"}),
}
"""What a property may say of itself; nothing but people and their goals has their origins."""
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d*,\}")


def check_schema(schema: JsonObject) -> None:
    """Raise InvalidInput unless this is a JSON Schema (2020-12) of an object, safe to evaluate."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if schema.get("type") != "object":
        raise InvalidInput('the schema must have type = "object"')
    try:
        canonical(schema)
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path)) or "the schema"
        raise InvalidInput(f"{place}: {error.message}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the schema is not JSON: {error}") from error
    for key, value in _keywords(schema):
        _check_keyword(key, value)


def misfit(schema: JsonObject, value: object) -> str:
    """Why `value` does not fit, as `field: reason`; empty when it does."""
    import referencing
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    # An empty registry: a reference can never make us fetch something.
    validator = Draft202012Validator(schema, registry=referencing.Registry())
    error = best_match(validator.iter_errors(value))
    if error is None:
        return ""
    place = ".".join(map(str, error.absolute_path))
    message = error.message if len(error.message) <= 300 else f"{error.message[:300]}…"
    return f"{place}: {message}" if place else message


def semantic_types(schema: JsonObject) -> tuple[str, ...]:
    """The semantic types of all properties (`x-type`: one or a list), sorted."""
    found = [p.get("x-type", []) for p in schema.get("properties", {}).values()]
    return tuple(sorted({name for given in found for name in _as_list(given)}))


def _as_list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield key, value
            yield from _keywords(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _keywords(item)


def _check_keyword(key: str, value: object) -> None:
    if key in ("$ref", "$dynamicRef") and not str(value).startswith("#"):
        raise InvalidInput(f"{key} {value!r} leads out of the schema")
    if key == "pattern" and isinstance(value, str):
        _check_pattern(value)
    if key == "patternProperties" and isinstance(value, dict):
        for pattern in value:
            _check_pattern(pattern)
    if key in _LABELS and not (isinstance(value, str) and value in _LABELS[key]):
        raise InvalidInput(f"{key} {value!r} is none of {', '.join(sorted(_LABELS[key]))}")
    if key == "x-type":
        for name in _as_list(value):
            if not (isinstance(name, str) and re.fullmatch(r"[a-z][a-z-]*", name)):
                raise InvalidInput(f"x-type {name!r} is not a lower-case word")


def _check_pattern(pattern: str) -> None:
    """Only patterns that are matched in linear time: the kernel itself evaluates them."""
    costly = _QUANTIFIED_GROUP.search(pattern) or len(_UNBOUNDED.findall(pattern)) > 1
    if len(pattern) > _LONGEST_PATTERN or costly or not pattern.startswith("^"):
        raise InvalidInput(
            f"the pattern {pattern[:60]!r} may be slow to match",
            hint="start it with ^, repeat at most once without a limit, and repeat no group",
        )
