"""What needs a person, in an order that never moves under somebody's eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from ..domain.canonical import JsonObject
from .glyphs import Glyphs
from .ink import Line, Part, Tone, line
from .words import age

_RANK = {"R5": 0, "R4": 1, "R3": 2, "R2": 3, "R1": 4, "R0": 5}
_QUESTION_RANK = 2
_LAST = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The list as it is shown: by tier, then age, when it is begun; newcomers queue behind."""

    items: Mapping[str, JsonObject] = field(default_factory=dict)
    """By key, in order."""
    gone: frozenset[str] = frozenset()
    """Shown still, because somebody stands on them; they need nobody any more."""
    fresh: frozenset[str] = frozenset()
    """Came after the list was begun."""

    def seen(self, found: Sequence[JsonObject], *, kept: str = "") -> Self:
        """The list after one more look; `kept` is the key of the item somebody stands on."""
        now = {key_of(item): item for item in found}
        if not self.items:
            ranked = sorted(now.items(), key=lambda pair: _rank(pair[1]))
            return type(self)(items=dict(ranked))
        stay = {
            key: now.get(key, item) for key, item in self.items.items() if key in now or key == kept
        }
        new = [key for key in now if key not in self.items]
        new.sort(key=lambda key: _rank(now[key]))
        return type(self)(
            items={**stay, **{key: now[key] for key in new}},
            gone=frozenset(key for key in stay if key not in now),
            fresh=(self.fresh | frozenset(new)) & frozenset(now),
        )

    @property
    def waiting(self) -> int:
        return len(self.items) - len(self.gone)


def key_of(item: JsonObject) -> str:
    return f"{item['kind']}:{item['id']}"


def sign(item: JsonObject, glyphs: Glyphs) -> tuple[str, Tone]:
    """Glyph, letter and tone: which of them carries the meaning does not matter."""
    if item["kind"] == "question":
        return glyphs.question + "Q", "warn"
    if item["kind"] == "parked goal":
        return glyphs.paused + "P", "dim" if item.get("code") != "escalation" else "bad"
    return tier_sign(item.get("risk", ""), glyphs)


def tier_sign(risk: str, glyphs: Glyphs) -> tuple[str, Tone]:
    if risk in ("R4", "R5", ""):
        return glyphs.high + "H", "bad"
    return (glyphs.middle + "M", "warn") if risk in ("R2", "R3") else (glyphs.low + "L", "dim")


def row(item: JsonObject, needs: Needs, glyphs: Glyphs, *, now: float) -> tuple[Line, Line]:
    """What stands left and right in the list."""
    key = key_of(item)
    if key in needs.gone:
        said = line(f"   {item['id']} ", (f"no longer needs you: {item['what']}", "dim"))
        return said, line(("done", "dim"))
    mark, tone = sign(item, glyphs)
    new: Part = ("new ", "accent") if key in needs.fresh else ""
    left = line((mark, tone), f" {item['id']} ", new, str(item["what"]))
    return left, line((age(now - item["since"]), "dim"))


def _rank(item: JsonObject) -> tuple[int, float, str]:
    is_question = item["kind"] == "question"
    tier = _QUESTION_RANK if is_question else _RANK.get(item.get("risk", ""), _LAST)
    return tier, float(item["since"]), str(item["id"])
