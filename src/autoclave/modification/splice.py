"""Pieces of text put in place of spans; everything between the spans stays byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..domain.errors import Conflict


class Splice(NamedTuple):
    """`text` instead of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def put_in(source: str, splices: Iterable[Splice]) -> str:
    """The source with every splice in it. Raises Conflict where two overlap."""
    parts: list[str] = []
    at = 0
    for splice in sorted(splices):
        if splice.start < at:
            raise Conflict("two parts of one edit touch the same text")
        parts += [source[at : splice.start], splice.text]
        at = splice.end
    return "".join([*parts, source[at:]])


def untouched(source: str, splices: Iterable[Splice]) -> list[str]:
    """The runs of text that an edit has to leave alone, in order."""
    kept: list[str] = []
    at = 0
    for splice in sorted(splices):
        kept.append(source[at : splice.start])
        at = splice.end
    return [*kept, source[at:]]
