"""Finds patterns in experiences: a list of extractors, each called once per experience."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..domain.canonical import JsonObject, canonical, digest
from ..domain.knowledge import Experience, Outcome, PatternKind
from .payload import KEY_LENGTH, clean, name_of, number_of
from .template_store import KnownError

SLOW_FACTOR = 3.0
"""A run is slow when it takes this many times the usual."""
_LEAST_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was known when the experience came in."""

    family_id: int = 0
    errors: tuple[KnownError, ...] = ()
    """The distinct errors that it met."""
    plan: JsonObject = field(default_factory=dict)
    usual_seconds: Mapping[str, float] = field(default_factory=dict)
    """Median by capability, for those that ran often enough to have a usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One experience, seen as evidence for or against one pattern."""

    kind: PatternKind
    key: str
    description: str
    ok: bool
    conditions: JsonObject = field(default_factory=dict)
    actions: JsonObject = field(default_factory=dict)

    @property
    def pattern_id(self) -> str:
        return "PT-" + digest([self.kind, self.key])[:12]


class PatternExtractor(Protocol):
    """The plug-in point: what one experience says. Quick and pure; history comes in `known`."""

    def extract(self, experience: Experience, known: Known) -> Iterable[Observation]: ...


class SuccessPatterns:
    """How well a plan serves a family of goals."""

    def extract(self, experience: Experience, known: Known) -> Iterator[Observation]:
        signature = name_of(known.plan, "signature")
        if signature:
            yield Observation(
                kind=PatternKind.SUCCESS,
                key=f"plan:{known.family_id}:{signature}",
                description=f"“{signature}” for goals like “{experience.goal[:120]}”",
                ok=experience.success is Outcome.OK,
                conditions={"family": known.family_id, "goal": experience.goal[:400]},
                actions={"signature": signature},
            )


class ErrorPatterns:
    """Failures of one kind at one place; `ok` says that the goal was reached nevertheless."""

    def extract(self, experience: Experience, known: Known) -> Iterator[Observation]:
        for error in known.errors:
            owner = error.capability or "the kernel"
            yield Observation(
                kind=PatternKind.ERROR,
                key=f"error:{error.capability}:{error.template_id}",
                description=f"{owner}: {error.template}",
                ok=experience.success is Outcome.OK,
                conditions={
                    "capability": error.capability,
                    "error_class": error.error_class,
                    "where": error.where,
                    "template_id": error.template_id,
                },
            )


class PerformancePatterns:
    """How often a capability takes about as long as usual."""

    def extract(self, experience: Experience, known: Known) -> Iterator[Observation]:
        slowest: dict[str, float] = {}
        for action in experience.actions:
            name = name_of(action, "capability")
            slowest[name] = max(slowest.get(name, 0.0), number_of(action, "seconds"))
        for name in sorted(slowest.keys() & known.usual_seconds.keys()):
            limit = max(known.usual_seconds[name] * SLOW_FACTOR, _LEAST_SECONDS)
            yield Observation(
                kind=PatternKind.PERFORMANCE,
                key=f"performance:{name}",
                description=f"{name} takes no more than {SLOW_FACTOR:g} times its usual time",
                ok=slowest[name] <= limit,
                conditions={"capability": name},
            )


class ContextPatterns:
    """How well goals go in one kind of situation: the short facts of their context."""

    def extract(self, experience: Experience, known: Known) -> Iterator[Observation]:
        facts = {name: _fact(value) for name, value in sorted(experience.context.items())[:8]}
        said = {name[:40]: fact for name, fact in facts.items() if fact}
        if said:
            situation = ", ".join(f"{name}={fact}" for name, fact in said.items())
            yield Observation(
                kind=PatternKind.CONTEXT,
                key=f"context:{situation}",
                description=f"goals with {situation}",
                ok=experience.success is Outcome.OK,
                conditions=dict(said),
            )


def _fact(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value) if isinstance(value, str) and len(value) <= 40 else ""


class PatternEngine:
    """The extractors, asked in order; a broken one is reported and passed over."""

    def __init__(self, extractors: Sequence[PatternExtractor] | None = None) -> None:
        built_in = (SuccessPatterns(), ErrorPatterns(), PerformancePatterns(), ContextPatterns())
        self._extractors = list(built_in if extractors is None else extractors)

    def add_extractor(self, extractor: PatternExtractor) -> None:
        """Plug one more in. The journal has to be rebuilt for it to see what was before."""
        self._extractors.append(extractor)

    def observe(self, experience: Experience, known: Known) -> list[Observation]:
        """What this experience says; nothing when its outcome is unknown."""
        if experience.success is Outcome.UNKNOWN:
            return []
        found: dict[str, Observation] = {}
        for extractor in self._extractors:
            for observation in _ask(extractor, experience, known):
                found.setdefault(observation.pattern_id, observation)
        return list(found.values())


def _ask(extractor: PatternExtractor, experience: Experience, known: Known) -> list[Observation]:
    try:
        return [_storable(each) for each in extractor.extract(experience, known)]
    except Exception:
        logging.getLogger(__name__).warning(
            "the pattern extractor %s failed", type(extractor).__name__, exc_info=True
        )
        return []


def _storable(each: Observation) -> Observation:
    """The observation as every database can hold it. Raises on what JSON can't say."""
    canonical([each.conditions, each.actions])
    return replace(
        each,
        kind=PatternKind(each.kind),
        key=clean(each.key, 3 * KEY_LENGTH),
        description=clean(each.description, 1_000),
    )
