"""The launcher's report, read as if a stranger had written it: whole and well-formed, or none."""

from __future__ import annotations

import ast

from ..domain.canonical import JsonObject
from ..domain.sealed import Ended

_WHOLE = ("exit_code", "max_rss_bytes", "strays", "uid", "abi")
_SECONDS = ("wall_seconds", "cpu_seconds")


def read_report(output: bytes) -> tuple[JsonObject, list[bytes]] | None:
    """The facts and the streams after them; None when that is not what the bytes are."""
    line, _, rest = output.partition(b"\n")
    facts = _facts(line)
    if facts is None or sum(facts["lengths"]) != len(rest):
        return None
    streams = []
    for length in facts["lengths"]:
        streams.append(rest[:length])
        rest = rest[length:]
    return facts, streams


def _facts(line: bytes) -> JsonObject | None:
    try:
        facts = ast.literal_eval(line.decode())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if not isinstance(facts, dict) or not _are_counts(facts.get("lengths")):
        return None
    is_well_formed = _tells_an_end if "ended" in facts else _tells_a_step
    return facts if is_well_formed(facts) else None


def _tells_an_end(facts: JsonObject) -> bool:
    return (
        facts["ended"] in list(Ended)
        and len(facts["lengths"]) == 3
        and _are_counts(facts.get("lost"), many=3)
        and all(_is_number(facts.get(name), int) for name in _WHOLE if name in facts)
        and all(name in facts for name in ("exit_code", "max_rss_bytes", "strays"))
        and all(_is_number(facts.get(name), int | float) for name in _SECONDS)
    )


def _tells_a_step(facts: JsonObject) -> bool:
    return not facts["lengths"] and _is_number(facts.get("errno") or 0, int)


def _are_counts(value: object, *, many: int | None = None) -> bool:
    if not isinstance(value, list) or many not in (None, len(value)):
        return False
    return all(_is_number(each, int) and each >= 0 for each in value)


def _is_number(value: object, kind: type | object) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)  # type: ignore[arg-type]
