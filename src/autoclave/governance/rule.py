"""Rules as values: when each one speaks, what it says and why, and its examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from ..domain.approval import Quorum
from ..domain.canonical import JsonObject
from ..domain.risk import Action, ActionKind, Origin, Risk, Verdict
from .attributes import CannotTell
from .globs import Answer

Test: TypeAlias = Callable[[Action], bool]
"""Whether a condition holds. Raises CannotTell when the facts do not say."""
Labels: TypeAlias = Mapping[str, frozenset[Origin]]
"""By label, the origins whose values carry it."""

# A fact of an unforeseen form may make a test fail in these ways; that is no answer, not a crash.
UNFORESEEN = (CannotTell, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Layer(StrEnum):
    """Who wrote a rule, the most trusted first. Only the first two may allow anything."""

    BUILT_IN = "built-in"
    HOME = "home"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One line of a rule's `when`."""

    name: str
    wanted: Any
    """What the rule says after the name, as JSON."""
    test: Test = field(compare=False, repr=False)

    def ask(self, action: Action) -> tuple[Answer, str]:
        """The answer, and the reason when there is none."""
        try:
            return (Answer.YES if self.test(action) else Answer.NO), ""
        except UNFORESEEN as error:
            return Answer.UNKNOWN, str(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The actions that a rule speaks about."""

    kinds: frozenset[ActionKind]
    """Empty for every kind, known or not; only built-in rules have that."""
    conditions: tuple[Condition, ...] = ()
    """All of them have to hold."""

    def covers(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds

    def to_json(self) -> JsonObject:
        kinds: list[str] = sorted(self.kinds)
        return {"kind": kinds, **{each.name: each.wanted for each in self.conditions}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; its examples are its test and its documentation."""

    id: str
    effect: Verdict
    when: When
    reason: str
    match: tuple[Action, ...]
    not_match: tuple[Action, ...]
    risk: Risk | None = None
    """Raises the risk of what it decides; None leaves that to the kind of action."""
    layer: Layer = Layer.HOME
    quorum: Quorum = Quorum()
    """Whose yes it takes when it asks."""

    def ask(self, action: Action) -> tuple[Answer, str]:
        """Whether the rule speaks about `action`. One clear no is enough, in any order."""
        if not self.when.covers(action.kind):
            return Answer.NO, f"it is about {', '.join(sorted(self.when.kinds))}"
        asked = [(each.name, *each.ask(action)) for each in self.when.conditions]
        for wanted in (Answer.NO, Answer.UNKNOWN):
            told = [f"{name}: {why or answer}" for name, answer, why in asked if answer is wanted]
            if told:
                return wanted, "; ".join(told)
        return Answer.YES, "every condition holds"

    def counts(self, answer: Answer) -> bool:
        """Fail closed: without an answer a deny or an ask counts as matching, an allow does not."""
        return answer is Answer.YES or (
            answer is Answer.UNKNOWN and self.effect is not Verdict.ALLOW
        )

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "effect": str(self.effect),
            "risk": self.risk.name if self.risk is not None else None,
            "when": self.when.to_json(),
            "reason": self.reason,
            "layer": str(self.layer),
            "quorum": self.quorum.to_json(),
        }
