"""Whether a run goes round in circles: seen from what it does, not from how long it takes."""

from __future__ import annotations

import json

from .views import JsonObject

_SAME_RESULT = 4
_SAME_ERROR = 3
_ALTERNATING = 6
_WINDOW = 10
_FEWEST_NEW = 0.4


def is_stuck(entries: list[JsonObject]) -> bool:
    """For results of calls, oldest first; the last ones decide.

    The same call with the same result four times or the same error three times, two calls that
    take turns, or hardly a new call among the last ten.
    """
    calls = [_call(each) for each in entries]
    done = [f"{call} {_result(each)}" for call, each in zip(calls, entries, strict=True)]
    return (
        _repeats(done, _SAME_RESULT)
        or (_repeats(done, _SAME_ERROR) and not entries[-1]["result"]["ok"])
        or _alternates(done)
        or _has_little_new(calls)
    )


def _repeats(done: list[str], times: int) -> bool:
    return len(done) >= times and len(set(done[-times:])) == 1


def _alternates(done: list[str]) -> bool:
    last = done[-_ALTERNATING:]
    if len(last) < _ALTERNATING or last[0] == last[1]:
        return False
    return len(set(last[::2])) == 1 and len(set(last[1::2])) == 1


def _has_little_new(calls: list[str]) -> bool:
    last = calls[-_WINDOW:]
    return len(last) == _WINDOW and len(set(last)) < _FEWEST_NEW * _WINDOW


def _call(entry: JsonObject) -> str:
    intent = {name: value for name, value in entry["intent"].items() if name != "step"}
    return json.dumps(intent, sort_keys=True)


def _result(entry: JsonObject) -> str:
    result = entry["result"]
    if not result["ok"]:
        failure = result["failure"]
        return f"{failure['error_class']}: {failure['message']}"
    return json.dumps([result.get("outputs"), result.get("value")], sort_keys=True)
