"""What a search works on and what it has found out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from .localise import Place
from .rank import Candidate
from .source import Source


@dataclass(frozen=True, slots=True)
class Patch:
    """New texts for some files that pass what they were tried on."""

    texts: dict[str, bytes]
    operators: tuple[str, ...]
    size: int
    score: float
    found_after: float
    """Seconds of processor time since the search began."""
    place: int
    """How many candidates came before it."""
    line: int
    units: tuple[dict[str, Any], ...] = ()
    """What a warm worker swaps; empty when only a new import will do."""


@dataclass(slots=True)
class Findings:
    """Everything that a search has found out, for the report."""

    failing: list[str] = field(default_factory=list)
    others_failing: list[str] = field(default_factory=list)
    """Tests that fail too but were not asked for; they may go on failing."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    tried: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    candidates: int = 0
    """How many were run, duplicates and those that don't compile left out."""
    listed: int = 0
    generated: int = 0
    partial: int = 0
    seconds: float = 0.0
    why_not: str = ""
    total_tests: int = 0


@dataclass(frozen=True, slots=True)
class Base:
    """The texts that candidates are made for: as found, or with a first edit in them."""

    sources: dict[str, Source]
    original: dict[str, Source]
    operators: tuple[str, ...] = ()

    def with_edit(self, candidate: Candidate) -> Base | None:
        path = candidate.file
        try:
            changed = Source(path, self.sources[path].spliced(candidate.splices))
        except (SyntaxError, ValueError, RecursionError):
            return None
        return Base(
            {**self.sources, path: changed}, self.original, (*self.operators, candidate.operator)
        )

    def changed(self) -> dict[str, bytes]:
        return {
            path: source.data
            for path, source in self.sources.items()
            if source.data != self.original[path].data
        }
