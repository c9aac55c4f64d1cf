"""One spelling for every JSON value, so that a digest names exactly one thing."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object as `json.loads` gives it. Events, intents and views are made of these."""


def canonical(value: object) -> str:
    """The one JSON text of `value`: sorted keys, no spaces, no NaN (ValueError)."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: object) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def digest_bytes(data: bytes) -> str:
    """SHA-256 of raw bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
