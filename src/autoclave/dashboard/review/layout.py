"""The rows of a diff, unified or split; each is made only when it is looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from .diff import Diff, FileDiff
from .hunk import Hunk

Look: TypeAlias = Literal["unified", "split"]
Kind: TypeAlias = Literal["file", "note", "hunk", "line"]


class Place(NamedTuple):
    """What one row shows: lines of the diff, by index."""

    kind: Kind
    file: int
    hunk: Hunk | None
    lines: tuple[int, ...]
    """A file's heading stands for several."""
    left: int | None = None
    right: int | None = None
    """In the split look, the two halves of a row of lines."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    row: int
    kind: Kind
    file: int
    hunk: Hunk | None
    first: int
    lines: int


class Layout:
    """Where each line of a diff goes. Making one takes a step for each hunk, not for each line."""

    def __init__(self, diff: Diff, look: Look = "unified") -> None:
        self.diff, self.look = diff, look
        self._stretches: list[_Stretch] = []
        self._rows = 0
        self.file_rows: list[int] = []
        self.hunk_rows: list[int] = []
        for number, file in enumerate(diff.files):
            self._place(number, file)
        self._starts = [stretch.row for stretch in self._stretches]

    def __len__(self) -> int:
        return self._rows

    def at(self, row: int) -> Place:
        """What stands in a row."""
        stretch = self._stretches[bisect_right(self._starts, row) - 1]
        offset = row - stretch.row
        if stretch.kind == "file":
            head = tuple(range(stretch.first, stretch.first + stretch.lines))
            return Place("file", stretch.file, None, head)
        if stretch.kind == "line" and self.look == "split" and stretch.hunk is not None:
            left, right = stretch.hunk.pairs[offset]
            lines = tuple(dict.fromkeys(each for each in (left, right) if each is not None))
            return Place("line", stretch.file, stretch.hunk, lines, left, right)
        index = stretch.first + offset
        return Place(stretch.kind, stretch.file, stretch.hunk, (index,))

    def places(self) -> Iterator[Place]:
        return (self.at(row) for row in range(len(self)))

    def row_of(self, line: int) -> int:
        """The row that shows a line of the diff."""
        for stretch in self._stretches:
            if not stretch.first <= line < stretch.first + stretch.lines:
                continue
            if stretch.kind == "file":
                return stretch.row
            if stretch.kind == "line" and self.look == "split" and stretch.hunk is not None:
                pairs = stretch.hunk.pairs
                found = next((n for n, pair in enumerate(pairs) if line in pair), 0)
                return stretch.row + found
            return stretch.row + line - stretch.first
        return 0

    def next_hunk(self, row: int) -> int | None:
        return _after(self.hunk_rows, row)

    def previous_hunk(self, row: int) -> int | None:
        return _before(self.hunk_rows, row)

    def next_file(self, row: int) -> int | None:
        return _after(self.file_rows, row)

    def previous_file(self, row: int) -> int | None:
        return _before(self.file_rows, row)

    def find(self, wanted: str, row: int, *, back: bool = False) -> int | None:
        """The next row that holds some text, round the end; capitals count if there are any."""
        lines = _search(self.diff.lines, wanted)
        rows = sorted({self.row_of(line) for line in lines}) if lines else []
        if not rows:
            return None
        found = _before(rows, row) if back else _after(rows, row)
        return found if found is not None else rows[-1 if back else 0]

    def _place(self, number: int, file: FileDiff) -> None:
        self.file_rows.append(self._rows)
        self._add("file", number, None, file.head.start, len(file.head), rows=1)
        for part in file.parts:
            if isinstance(part, range):
                self._add("note", number, None, part.start, len(part), rows=len(part))
                continue
            self.hunk_rows.append(self._rows)
            self._add("hunk", number, part, part.start, 1, rows=1)
            lines = part.end - part.start - 1
            rows = len(part.pairs) if self.look == "split" else lines
            self._add("line", number, part, part.start + 1, lines, rows=rows)

    def _add(
        self, kind: Kind, file: int, hunk: Hunk | None, first: int, lines: int, *, rows: int
    ) -> None:
        if rows:
            self._stretches.append(_Stretch(self._rows, kind, file, hunk, first, lines))
            self._rows += rows


MOST_FOUND = 1_000
"""Places that one search goes round."""


def _search(lines: Sequence[str], wanted: str) -> list[int]:
    if not wanted:
        return []
    exact = wanted != wanted.lower()
    found = []
    for index, line in enumerate(lines):
        if wanted in (line if exact else line.lower()):
            found.append(index)
            if len(found) >= MOST_FOUND:
                break
    return found


def _after(rows: list[int], row: int) -> int | None:
    index = bisect_right(rows, row)
    return rows[index] if index < len(rows) else None


def _before(rows: list[int], row: int) -> int | None:
    earlier = [each for each in rows if each < row]
    return earlier[-1] if earlier else None
