"""Which of several patches that pass the suite to propose."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .search import Patch

_NARROW = ("guard", "wrap_in_if", "test", "strengthen")
"""Families that can make a test pass by treating its input as a special case."""


def in_order(patches: Sequence[Patch]) -> list[Patch]:
    """The most trustworthy first: likely before unlikely, general before special, small first."""
    return sorted(_distinct(patches), key=lambda p: -_trust(p))


def _trust(patch: Patch) -> float:
    trust = patch.score
    for operator in patch.operators:
        family, _, kind = operator.partition(":")
        if family in _NARROW and kind not in ("negated", "While"):
            trust *= 0.4
        if family == "delete":
            trust *= 0.5
    return trust / (1 + patch.size / 40)


def _distinct(patches: Sequence[Patch]) -> list[Patch]:
    """Patches that differ in more than brackets and blanks."""
    seen: set[str] = set()
    found = []
    for patch in patches:
        key = "".join(f"{p}:{ast.dump(ast.parse(t))}" for p, t in sorted(patch.texts.items()))
        if key not in seen:
            seen.add(key)
            found.append(patch)
    return found
