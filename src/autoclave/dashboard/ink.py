"""Text for the screen: spans with a meaning, safe by construction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size

from ..domain.text import Shown, show, show_line

Tone = Literal["", "good", "bad", "warn", "dim", "strong", "key", "added", "removed", "accent"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line; its text was made safe."""

    text: Shown
    tone: Tone = ""


Line: TypeAlias = tuple[Span, ...]
Part: TypeAlias = "str | tuple[str, Tone]"
_TAB = 4


def line(*parts: Part) -> Line:
    """One line of any text. What could steer a terminal is spelled out."""
    return tuple(_span(part) for part in parts)


def paragraph(text: str, tone: Tone = "", *, most_lines: int = 0, indent: str = "") -> list[Line]:
    """Text of many lines, one `Line` for each."""
    safe = show(text, most_lines=most_lines).expandtabs(_TAB)
    return [(Span(Shown(f"{indent}{each}"), tone),) for each in safe.split("\n")]


def width(given: Line) -> int:
    """In cells of a terminal."""
    return sum(cell_len(span.text) for span in given)


def clip(given: Line, cells: int, *, more: str = "…") -> Line:
    """The line cut to a width, with a mark where something is missing."""
    if width(given) <= cells:
        return given
    room = max(cells - cell_len(more), 0)
    kept: list[Span] = []
    for span in given:
        size = cell_len(span.text)
        if size >= room:
            cut = set_cell_size(span.text, room)
            return (*kept, Span(Shown(cut + more if cells > 0 else ""), span.tone))
        kept.append(span)
        room -= size
    return tuple(kept)


def beside(left: Line, right: Line, cells: int, *, more: str = "…") -> Line:
    """Two parts of one line, the right one at the end; the left one gives way."""
    room = cells - width(right) - (1 if right else 0)
    if room < cells // 3 and right:
        return clip(left, cells, more=more)
    cut = clip(left, max(room, 0), more=more)
    gap = " " * (cells - width(cut) - width(right))
    return (*cut, Span(Shown(gap)), *right)


def wrap(given: Line, cells: int) -> list[Line]:
    """The line in as many as it takes, broken at spaces where there are some.

    What follows the first is indented as the first was.
    """
    if cells < 4 or width(given) <= cells:
        return [given]
    text = "".join(span.text for span in given)
    indent = min(len(text) - len(text.lstrip()), cells // 2)
    lines: list[Line] = []
    rest = given
    while width(rest) > cells:
        at = _break(rest, cells, indent if lines else 0)
        head, rest = _split(rest, at)
        lines.append(_stripped(head))
        rest = (Span(Shown(" " * indent)), *_without_lead(rest))
    return [*lines, rest]


def plain(lines: Iterable[Line]) -> str:
    """Without tones: for copying and for tests."""
    return "\n".join("".join(span.text for span in each).rstrip() for each in lines)


def diff_lines(text: str, *, most_lines: int = 0) -> list[Line]:
    """A unified diff; the first character says what a line is, the tone says it again."""
    safe = show(text, most_lines=most_lines).expandtabs(_TAB)
    return [(Span(Shown(each), _tone_of(each)),) for each in safe.split("\n")]


def _tone_of(text: str) -> Tone:
    if text.startswith(("+++", "---")):
        return "strong"
    if text.startswith("@@"):
        return "dim"
    return {"+": "added", "-": "removed"}.get(text[:1], "")  # type: ignore[return-value]


def _span(part: Part) -> Span:
    text, tone = (part, "") if isinstance(part, str) else part
    return Span(show_line(text), tone)  # type: ignore[arg-type]


def _break(given: Line, cells: int, indent: int) -> int:
    """Where to break, in characters: after the last space that fits, else at the edge."""
    text = "".join(span.text for span in given)
    size = place = last = 0
    for place, character in enumerate(text):
        size += cell_len(character)
        if size > cells:
            break
        if character == " " and place > indent:
            last = place + 1
    return last if last > cells // 3 else max(place, indent + 1)


def _split(given: Line, at: int) -> tuple[Line, Line]:
    head: list[Span] = []
    for number, span in enumerate(given):
        if len(span.text) >= at:
            first, second = span.text[:at], span.text[at:]
            rest = (Span(Shown(second), span.tone), *given[number + 1 :])
            return (*head, Span(Shown(first), span.tone)), rest
        head.append(span)
        at -= len(span.text)
    return tuple(head), ()


def _stripped(given: Line) -> Line:
    *head, last = given
    return (*head, Span(Shown(last.text.rstrip()), last.tone))


def _without_lead(given: Line) -> Line:
    if not given:
        return given
    first, *rest = given
    return (Span(Shown(first.text.lstrip()), first.tone), *rest)
