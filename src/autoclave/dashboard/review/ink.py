"""Pieces of a line and what each stands for; untrusted text becomes pieces only here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias, get_args

from rich.cells import cell_len

from ...domain.lookalikes import spelled_out, unmask
from ...domain.text import show
from ..glyphs import Glyphs

Ink: TypeAlias = Literal[
    "plain",
    "dim",
    "head",
    "file",
    "hunk",
    "added",
    "added-word",
    "removed",
    "removed-word",
    "hidden",
    "good",
    "warn",
    "bad",
    "cursor",
]
INKS: tuple[Ink, ...] = get_args(Ink)

LONGEST_LINE = 2_000
TAB = 4


class Piece(NamedTuple):
    """A bit of a line; its text is safe for a terminal."""

    text: str
    ink: Ink = "plain"


Row: TypeAlias = Sequence[Piece]


COMMENTED = "*"
"""Stands in the gutter of a line that somebody said something about."""


def fit(text: str, glyphs: Glyphs) -> str:
    """Safe text in signs that the terminal has."""
    if not glyphs.is_ascii:
        return text
    return glyphs.plain(text).encode("ascii", "backslashreplace").decode()


Span: TypeAlias = tuple[int, int]


def spelled(
    text: str, ink: Ink, *, marks: Sequence[Span] = (), word: Ink | None = None
) -> Iterator[Piece]:
    """Untrusted text as pieces, with some stretches in another ink.

    What would be hidden, or passes for something else, is spelled out and stands out.
    """
    marked = word or ink
    at = 0
    if text.isascii() and text.isprintable():
        for start, end in marks:
            yield from _some(text[at:start], ink)
            yield from _some(text[start:end], marked)
            at = end
        yield from _some(text[at:], ink)
        return
    inks = [ink] * len(text)
    for start, end in marks:
        inks[start:end] = [marked] * (end - start)
    for (wanted, is_odd), run in groupby(_revealed(text, inks), key=lambda each: each[1:]):
        yield Piece("".join(each[0] for each in run), "hidden" if is_odd else wanted)


def _some(text: str, ink: Ink) -> Iterator[Piece]:
    if text:
        yield Piece(text, ink)


def _revealed(text: str, inks: Sequence[Ink]) -> Iterator[tuple[str, Ink, bool]]:
    """Each character as it is shown, its ink, and whether it was spelled out."""
    shown, at = "".join(map(show, _stretches(text))), 0
    for character, ink in zip(text, inks, strict=True):
        said = character if shown.startswith(character, at) else spelled_out(character)
        at += len(said)
        is_odd = said != character or _is_odd(said)
        yield ("\\n" if said == "\n" else said), ink, is_odd


def _stretches(text: str) -> Iterator[str]:
    """Pieces that `show` does not cut."""
    for at in range(0, len(text), LONGEST_LINE):
        yield text[at : at + LONGEST_LINE]


def _is_odd(character: str) -> bool:
    """A space that is none of the plain ones."""
    return character.isspace() and character not in " \t"


def hidden_in(text: str) -> frozenset[str]:
    """The characters of a text that would not be seen as they are, whatever stands beside them."""
    found = set(text) - {"\t", "\n"}
    return frozenset(each for each in found if _is_odd(each) or show(each) != each)


def is_masked(line: str) -> bool:
    """Whether it holds letters that pass for others."""
    return not line.isascii() and unmask(line[:LONGEST_LINE]) != line[:LONGEST_LINE]


def expand(pieces: Iterable[Piece]) -> list[Piece]:
    """The same with its tabs as room up to the next stop."""
    column, expanded = 0, []
    for text, ink in pieces:
        if "\t" in text:
            parts = []
            for index, part in enumerate(text.split("\t")):
                if index:
                    parts.append(" " * (TAB - column % TAB))
                    column += TAB - column % TAB
                parts.append(part)
                column += cell_len(part)
            text = "".join(parts)
        else:
            column += cell_len(text)
        expanded.append(Piece(text, ink))
    return expanded


def width_of(row: Row) -> int:
    return sum(cell_len(piece.text) for piece in row)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; a word that is longer is cut, and nothing is lost."""
    width = max(width, 4)
    lines = []
    for paragraph in show(text).replace("\t", " ").split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if cell_len(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            *whole, line = _chop(word, width)
            lines += whole
        lines.append(line)
    return lines


def _chop(word: str, width: int) -> list[str]:
    parts, part, cells = [], "", 0
    for character in word:
        size = cell_len(character)
        if cells + size > width:
            parts.append(part)
            part, cells = "", 0
        part += character
        cells += size
    return [*parts, part]
