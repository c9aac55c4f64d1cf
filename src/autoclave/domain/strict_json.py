"""Reads JSON that nobody trusts: one meaning or none."""

from __future__ import annotations

import json
from typing import Any

from .canonical import JsonObject, canonical
from .errors import InvalidInput


def read_object(data: bytes, *, what: str) -> JsonObject:
    """A JSON object without duplicate keys, NaN or broken text. Raises InvalidInput, only."""
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
        # A lone surrogate is valid JSON and can be stored nowhere.
        canonical(value).encode("utf-8")
    except RecursionError as error:
        raise InvalidInput(f"{what} is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} holds half a character (a lone surrogate)") from error
    except ValueError as error:
        raise InvalidInput(f"{what} is not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{what} is a {type(value).__name__}, not an object")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key twice in one object")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
