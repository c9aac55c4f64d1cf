"""Which words of two lines differ; hostile lines are told apart as a whole."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeAlias

from .ink import Span

Marks: TypeAlias = tuple[tuple[Span, ...], tuple[Span, ...]]

MOST_CHARACTERS = 600
MOST_TOKENS = 160
_ALIKE = 0.4
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


@lru_cache(maxsize=2_048)
def word_marks(before: str, after: str) -> Marks:
    """The spans that differ, before and after; none where the lines have little in common."""
    matcher = _compared(before, after)
    if matcher is None or matcher.ratio() < _ALIKE:
        return (), ()
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    starts_old, starts_new = _starts(old), _starts(new)
    removed, added = [], []
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        if what == "equal":
            continue
        if i2 > i1:
            removed.append((starts_old[i1], starts_old[i2]))
        if j2 > j1:
            added.append((starts_new[j1], starts_new[j2]))
    return tuple(removed), tuple(added)


@lru_cache(maxsize=2_048)
def likeness(before: str, after: str) -> float:
    """0 for lines that have too little in common to be one and the same, 1 for equal ones."""
    matcher = _compared(before, after)
    ratio = matcher.ratio() if matcher else 0.0
    return ratio if ratio >= _ALIKE else 0.0


def _compared(before: str, after: str) -> SequenceMatcher[str] | None:
    if max(len(before), len(after)) > MOST_CHARACTERS:
        return None
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(old), len(new)) > MOST_TOKENS:
        return None
    return SequenceMatcher(None, old, new, autojunk=False)


def _starts(tokens: list[str]) -> list[int]:
    found, at = [0], 0
    for token in tokens:
        at += len(token)
        found.append(at)
    return found
