"""Reads JSON that nobody trusts: one meaning or none."""

from __future__ import annotations

import json
from typing import Any

from .canonical import JsonObject, canonical
from .errors import InvalidInput

_DEEPEST = 100
"""Far less than Python follows, so that nobody who takes the value on runs into that limit."""


def read_object(data: bytes, *, what: str, half_characters: bool = False) -> JsonObject:
    """A JSON object without duplicate keys, NaN or broken text. Raises InvalidInput, only.

    `half_characters` lets lone surrogates through, for text that the journal takes as it is.
    """
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
        _check_depth(value)
        # A lone surrogate is valid JSON and can be stored nowhere.
        canonical(value).encode("utf-8", "surrogatepass" if half_characters else "strict")
    except RecursionError as error:
        raise InvalidInput(f"{what} is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} holds half a character (a lone surrogate)") from error
    except ValueError as error:
        raise InvalidInput(f"{what} is not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{what} is a {type(value).__name__}, not an object")
    return value


def _check_depth(value: object) -> None:
    layer = [value]
    for _ in range(_DEEPEST):
        layer = [inner for each in layer for inner in _inside(each)]
        if not layer:
            return
    raise RecursionError


def _inside(value: object) -> list[object]:
    inner = value.values() if isinstance(value, dict) else value
    return list(inner) if isinstance(inner, list | type({}.values())) else []


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key twice in one object")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
