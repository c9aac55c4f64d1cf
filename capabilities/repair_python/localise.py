"""Where the fault may be: Ochiai over coverage per test, sharpened by where exceptions passed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Lines = Mapping[str, Mapping[str, Iterable[int]]]
"""Test id to file to lines that the test ran."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line under suspicion."""

    file: str
    line: int
    score: float


def suspicious(lines: Lines, failing: set[str], errors: Iterable[Mapping[str, Any]]) -> list[Place]:
    """Lines that failing tests ran, most suspicious first; equal input gives equal order."""
    hit: Counter[tuple[str, int]] = Counter()
    missed: Counter[tuple[str, int]] = Counter()
    for test, files in lines.items():
        counts = hit if test in failing else missed
        for file, numbers in files.items():
            counts.update((file, number) for number in numbers)
    most = max(1, len(failing & set(lines)))
    bonus = _frames(errors)
    places = []
    for (file, line), failed in hit.items():
        ochiai = failed / math.sqrt(most * (failed + missed[file, line]))
        score = ochiai + bonus.get((file, line), 0.0)
        places.append(Place(file, line, round(score, 4)))
    for (file, line), extra in bonus.items():
        if (file, line) not in hit:
            places.append(Place(file, line, round(extra, 4)))
    return sorted(places, key=lambda p: (-p.score, p.file, p.line))


def _frames(errors: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], float]:
    """Half a point for the innermost frame of an exception, less for those that led to it."""
    best: dict[tuple[str, int], float] = {}
    for error in errors:
        frames = error.get("frames") or []
        worth = 0.5 if error.get("error_class") != "AssertionError" else 0.2
        for file, line, _ in reversed(frames):
            best[file, line] = max(best.get((file, line), 0.0), worth)
            worth *= 0.6
    return best
