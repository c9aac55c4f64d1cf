"""One hunk: where its lines stand, and which of them are compared with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from .marks import likeness

NO_NEWLINE = "\\"
MOST_COMPARED = 64
"""Pairs of lines that are compared to find which of them belong together."""


class Number(NamedTuple):
    """Where a line stands before and after; 0 where it does not."""

    old: int
    new: int


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """Lines that belong together. `start` is its own heading, by index into the diff's lines."""

    index: int
    file: int
    start: int
    end: int
    old_start: int
    new_start: int
    lines: Sequence[str] = field(repr=False)
    """All lines of the diff."""

    def number(self, line: int) -> Number:
        """Where a line of the diff stands; the heading and remarks stand nowhere."""
        at = line - self.start - 1
        if at < 0:
            return Number(0, 0)
        old, new = self._numbers
        return Number(old[at], new[at])

    @cached_property
    def _numbers(self) -> tuple[list[int], list[int]]:
        """Before and after, for each line below the heading."""
        old, new = self.old_start, self.new_start
        before: list[int] = []
        after: list[int] = []
        for line in self.lines[self.start + 1 : self.end]:
            sign = line[:1]
            is_old, is_new = sign in "- ", sign in "+ "
            before.append(old if is_old else 0)
            after.append(new if is_new else 0)
            old += is_old
            new += is_new
        return before, after

    @cached_property
    def pairs(self) -> list[tuple[int | None, int | None]]:
        """What stands side by side: removed lines to the left of those that replace them."""
        rows: list[tuple[int | None, int | None]] = []
        removed: list[int] = []
        added: list[int] = []
        for index in range(self.start + 1, self.end):
            sign = self.lines[index][:1]
            if sign == "-":
                if added:
                    _settle(rows, removed, added)
                removed.append(index)
            elif sign == "+":
                added.append(index)
            elif sign == NO_NEWLINE:
                # After an unchanged line it is about both sides, and gets a row of its own.
                if removed or added:
                    (added or removed).append(index)
                else:
                    rows.append((index, index))
            else:
                _settle(rows, removed, added)
                rows.append((index, index))
        _settle(rows, removed, added)
        return rows

    @cached_property
    def _blocks(self) -> dict[int, Block]:
        """For each line that changed, the lines that were removed and added together with it."""
        found: dict[int, Block] = {}
        block = Block([], [])
        for index in range(self.start + 1, self.end):
            sign = self.lines[index][:1]
            if sign == NO_NEWLINE:
                continue
            if sign not in ("-", "+") or (sign == "-" and block.added):
                block = Block([], [])
            if sign in ("-", "+"):
                (block.removed if sign == "-" else block.added).append(index)
                found[index] = block
        return found

    def partner_of(self, line: int) -> int | None:
        """The line that one is compared with word by word."""
        block = self._blocks.get(line)
        return block.partners(self.lines).get(line) if block else None


class Block:
    """Lines removed at one place and those added there instead."""

    def __init__(self, removed: list[int], added: list[int]) -> None:
        self.removed, self.added = removed, added
        self._partners: dict[int, int] | None = None

    def partners(self, lines: Sequence[str]) -> dict[int, int]:
        """Both ways; line by line where there are as many, else each with the most alike."""
        if self._partners is None:
            pairs = list(zip(self.removed, self.added, strict=False))
            is_small = len(self.removed) * len(self.added) <= MOST_COMPARED
            if len(self.removed) != len(self.added) and is_small:
                pairs = list(self._alike(lines))
            self._partners = dict(pairs) | {right: left for left, right in pairs}
        return self._partners

    def _alike(self, lines: Sequence[str]) -> Iterator[tuple[int, int]]:
        """In order, so that two pairs never cross."""
        free = 0
        for left in self.removed:
            rated = [
                (likeness(lines[left][1:], lines[right][1:]), -place)
                for place, right in enumerate(self.added[free:], start=free)
            ]
            best, place = max(rated, default=(0.0, 0))
            if best > 0:
                yield left, self.added[-place]
                free = 1 - place


def _settle(
    rows: list[tuple[int | None, int | None]], removed: list[int], added: list[int]
) -> None:
    for number in range(max(len(removed), len(added))):
        left = removed[number] if number < len(removed) else None
        right = added[number] if number < len(added) else None
        rows.append((left, right))
    removed.clear()
    added.clear()
