"""The nearest known name to one that was mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest name, else all of them when they are few."""
    names = sorted(known)
    if near := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"; did you mean `{near[0]}`?"
    return f"; there is {', '.join(names)}" if 0 < len(names) <= 24 else ""
