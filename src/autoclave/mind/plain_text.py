"""Texts for a model in few words: lists as tables, a text by what changed in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

_LOOK_AHEAD = 40
_FEWEST_ROWS = 3


def as_table(value: object) -> str:
    """A list of objects that all have the same fields, one to a line; empty for anything else."""
    if not isinstance(value, list) or len(value) < _FEWEST_ROWS:
        return ""
    if not all(isinstance(each, dict) and each for each in value):
        return ""
    names = list(value[0])
    if any(list(each) != names for each in value):
        return ""
    rows = [" | ".join(_cell(each[name]) for name in names) for each in value]
    return "\n".join([" | ".join(names), *rows])


def _cell(value: object) -> str:
    """A text as it is when it can't be taken for anything else, all else as JSON."""
    if isinstance(value, str) and value and value.isprintable() and " | " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def changes(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """How `new` comes out of `old`: lines that go with `-`, that come with `+`, and where.

    Not the shortest way in every case, but one that is right and is found in one pass.
    """
    found: list[str] = []
    left, right = 0, 0
    while left < len(old) or right < len(new):
        if left < len(old) and right < len(new) and old[left] == new[right]:
            left, right = left + 1, right + 1
            continue
        gone, come = _until_equal(old, new, left, right)
        found.append(f"@ line {right + 1}")
        found += [f"-{line}" for line in old[left : left + gone]]
        found += [f"+{line}" for line in new[right : right + come]]
        left, right = left + gone, right + come
    return found


def _until_equal(old: Sequence[str], new: Sequence[str], left: int, right: int) -> tuple[int, int]:
    """How many lines to leave on either side until both go on alike."""
    most_old, most_new = len(old) - left, len(new) - right
    for both in range(1, 2 * _LOOK_AHEAD):
        for gone in range(max(0, both - most_new), min(both, most_old) + 1):
            come = both - gone
            if gone < most_old and come < most_new and old[left + gone] == new[right + come]:
                return gone, come
    return most_old, most_new
