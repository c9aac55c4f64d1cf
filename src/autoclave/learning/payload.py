"""Careful readers for event payloads: whatever is in there, they give the asked type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..domain.canonical import JsonObject

KEY_LENGTH = 200
"""Names and keys are cut here, so that any index can hold them."""
TEXT_LENGTH = 4_000


def clean(text: str, most: int = TEXT_LENGTH) -> str:
    """`text` as every database can hold it: no NUL, no lone surrogates, at most `most` long."""
    cut = text[:most].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode("utf-8")


def text_of(data: Mapping[str, Any], key: str, most: int = TEXT_LENGTH) -> str:
    value = data.get(key)
    return clean(value, most) if isinstance(value, str) else ""


def name_of(data: Mapping[str, Any], key: str) -> str:
    """A short text that may be part of an index."""
    return text_of(data, key, KEY_LENGTH)


def number_of(data: Mapping[str, Any], key: str) -> float:
    """A finite number from 0 to 1e15, 0 when there is none."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    if isinstance(value, float) and math.isnan(value):
        return 0.0
    return float(min(max(value, 0), 1e15))


def object_of(data: Mapping[str, Any], key: str) -> JsonObject:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def objects_of(data: Mapping[str, Any], key: str, most: int = 1_000) -> list[JsonObject]:
    value = data.get(key)
    items = value[:most] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def texts_of(data: Mapping[str, Any], key: str, most: int = 100) -> list[str]:
    value = data.get(key)
    items = value[:most] if isinstance(value, list) else []
    return [clean(item) for item in items if isinstance(item, str)]


def id_in(stream: str) -> str:
    """`G-0001` for `goal/G-0001`."""
    return clean(stream.partition("/")[2], KEY_LENGTH)
