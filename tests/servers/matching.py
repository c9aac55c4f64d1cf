"""Whether a request is the one a turn expects, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.servers.seen import Seen
from tests.servers.turns import Expect

_SHOWN = 120


def differences(expect: Expect, seen: Seen) -> list[str]:
    """Every way in which the request is not what was expected; empty when it is."""
    return [
        *_plain(expect, seen),
        *_texts(expect, seen),
        *_tools(expect, seen),
        *_shape(expect, seen),
    ]


def subset(wanted: Any, came: Any, *, at: str) -> Iterator[str]:
    """Where `came` lacks what `wanted` has: mappings by key, lists by place, the rest by value."""
    if isinstance(wanted, Mapping) and isinstance(came, Mapping):
        for key, value in wanted.items():
            yield from subset(value, came.get(key), at=f"{at}.{key}")
    elif isinstance(wanted, list) and isinstance(came, list) and len(wanted) <= len(came):
        for place, value in enumerate(wanted):
            yield from subset(value, came[place], at=f"{at}.{place}")
    elif wanted != came:
        yield f"{at}: wanted {_short(wanted)}, came {_short(came)}"


def _plain(expect: Expect, seen: Seen) -> Iterator[str]:
    for name in ("model", "purpose", "stream"):
        wanted, came = getattr(expect, name), getattr(seen, name)
        if wanted is not None and wanted != came:
            yield f"{name}: wanted {_short(wanted)}, came {_short(came)}"


def _texts(expect: Expect, seen: Seen) -> Iterator[str]:
    places = (
        ("user_contains", expect.user_contains, seen.user),
        ("anywhere", expect.anywhere, seen.everything),
        ("system_contains", expect.system_contains, seen.system),
    )
    for name, wanted, came in places:
        for text in (wanted,) if isinstance(wanted, str) else wanted:
            if text not in came:
                yield f"{name}: wanted {_short(text)}, came {_short(came)}"


def _tools(expect: Expect, seen: Seen) -> Iterator[str]:
    missing = [name for name in expect.tools if name not in seen.tools]
    if missing:
        yield f"tools: wanted {missing}, offered {list(seen.tools)}"
    if expect.tool_result is None:
        return
    wanted = expect.tool_result
    asked = {"id": wanted} if isinstance(wanted, str) else dict(wanted)
    if not any(_is_result(asked, result) for result in seen.tool_results):
        yield f"tool_result: wanted {asked}, came {_short(list(seen.tool_results))}"


def _is_result(asked: Mapping[str, Any], result: Any) -> bool:
    return (
        asked.get("id", result.id) == result.id
        and asked.get("contains", "") in result.text
        and asked.get("is_error", result.is_error) == result.is_error
    )


def _shape(expect: Expect, seen: Seen) -> Iterator[str]:
    if isinstance(expect.schema, bool):
        if expect.schema != (seen.schema is not None):
            yield f"schema: wanted {expect.schema}, came {_short(seen.schema)}"
    elif expect.schema is not None:
        yield from subset(expect.schema, seen.schema, at="schema")
    if expect.cached is not None and not _cached_enough(expect.cached, seen.breakpoints):
        yield f"cached: wanted {expect.cached}, came {seen.breakpoints} breakpoints"
    yield from subset(expect.body, seen.body, at="body")
    headers = {name.lower(): value for name, value in expect.headers.items()}
    yield from subset(headers, seen.headers, at="headers")
    problem = expect.check(seen) if expect.check else None
    if problem:
        yield f"check: {problem}"


def _cached_enough(wanted: int | bool, came: int) -> bool:
    return wanted == (came > 0) if isinstance(wanted, bool) else came >= wanted


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 20]}… ({len(text)} characters)"
