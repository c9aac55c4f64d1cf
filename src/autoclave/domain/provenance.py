"""Where a value came from, and whether people wrote it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from .canonical import JsonObject, digest


class Origin(StrEnum):
    """Where a value came from."""

    GOAL = "goal"
    PERSON = "person"
    MODEL = "model"
    CAPABILITY = "capability"
    WEB = "web"
    FILE = "file"


TRUSTED = frozenset({Origin.GOAL, Origin.PERSON})

_BEFORE = r"(?<![\w@./\\:%+-])"
_AFTER = r"(?![\w@/\\%+-]|[.:][\w/])"
"""A value that goes on is another one: `evil.com` does not stand in `not-evil.com`."""
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
"""Not `casefold`: that makes a K out of a Kelvin sign, and another address out of one."""
_SENTENCE_END = re.compile(r"(?<=[a-z0-9])\.(?=[A-Z][a-z])")
"""People forget the blank: `see example.com.They know.`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Where one value came from."""

    origin: Origin
    trusted: bool = False
    """Declared so for this field of a capability's outputs: nobody else can choose what it says."""
    source: str = ""
    """The `step.output` that gave it; empty for what the plan itself says."""

    def to_json(self) -> JsonObject:
        return {"origin": str(self.origin), "trusted": self.trusted, "source": self.source}

    @classmethod
    def from_json(cls, data: JsonObject) -> Label:
        return cls(
            origin=Origin(data["origin"]),
            trusted=data["trusted"] is True,
            source=data.get("source", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One value that an action is given."""

    name: str
    value: Any
    label: Label
    is_target: bool = False
    """It decides what is acted on: a recipient, an address, a path to write, a command …"""

    def to_json(self) -> JsonObject:
        """Contents only by their digest: they can be long."""
        value = {"value": self.value} if self.is_target else {"digest": digest([self.value])}
        return {"name": self.name, "target": self.is_target, **value, **self.label.to_json()}

    @classmethod
    def from_json(cls, data: JsonObject) -> Argument:
        return cls(
            name=data["name"],
            value=data.get("value"),
            label=Label.from_json(data),
            is_target=data["target"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the kernel knows about where an action comes from."""

    planned: bool = False
    """It is the next step of a plan that was made from trusted text alone, exactly as planned."""
    is_effect: bool = True
    """Something outside the sandbox may notice it."""
    arguments: tuple[Argument, ...] = ()
    trusted_text: tuple[str, ...] = field(default=(), repr=False)
    """What people wrote: the goal, the done-test, their answers."""

    def untrusted_targets(self) -> tuple[Argument, ...]:
        """Targets that were chosen by text which no person wrote."""
        targets = (each for each in self.arguments if each.is_target)
        return tuple(each for each in targets if not self._is_trusted(each))

    def trusts_its_targets(self) -> bool:
        """Whether it acts on something, and people chose all of that."""
        acts = any(each.is_target and list(_leaves(each.value)) for each in self.arguments)
        return acts and not self.untrusted_targets()

    def origins(self) -> frozenset[Origin]:
        """Where the targets come from; without any, where the plan does."""
        targets = [each for each in self.arguments if each.is_target]
        if not targets:
            return frozenset({Origin.GOAL if self.planned else Origin.MODEL})
        said = Origin.GOAL if self.trusted_text else Origin.MODEL
        found = (said if self._stands(each) else each.label.origin for each in targets)
        return frozenset(found)

    def to_json(self) -> JsonObject:
        """Without the trusted text: the run has that, and it grows with every answer."""
        return {
            "planned": self.planned,
            "effect": self.is_effect,
            "arguments": [each.to_json() for each in self.arguments],
        }

    @classmethod
    def from_json(cls, data: JsonObject, *, trusted_text: tuple[str, ...]) -> Provenance:
        return cls(
            planned=data["planned"] is True,
            is_effect=data["effect"] is not False,
            arguments=tuple(Argument.from_json(each) for each in data["arguments"]),
            trusted_text=trusted_text,
        )

    def _is_trusted(self, argument: Argument) -> bool:
        return argument.label.trusted or self._stands(argument)

    def _stands(self, argument: Argument) -> bool:
        return stands_in(argument.value, self.trusted_text)


def stands_in(value: object, texts: Sequence[str]) -> bool:
    """Whether every part of `value` stands in one of the texts, whole and as it is.

    The case of A to Z and runs of blanks make no difference; look-alikes do. What names nothing
    stands everywhere.
    """
    apart = (_SENTENCE_END.sub(". ", text) for text in texts)
    normal = {_normal(text) for text in (*texts, *apart)}
    return all(any(_stands(part, text) for text in normal) for part in _leaves(value))


def _leaves(value: object) -> Iterator[str]:
    """The words that a value names; a truth value or an empty text names none."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(key)
            yield from _leaves(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _leaves(each)
    elif text := _normal(str(value)):
        yield text


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).translate(_LOWER).split())


def _stands(part: str, text: str) -> bool:
    return re.search(f"{_BEFORE}{re.escape(part)}{_AFTER}", text) is not None
