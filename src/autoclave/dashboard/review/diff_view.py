"""The diff on the screen: numbers, signs and words; it also notes which hunks were looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from ..glyphs import UNICODE, Glyphs
from .diff import Diff, read_diff
from .hunk import Hunk, Number
from .ink import (
    COMMENTED,
    LONGEST_LINE,
    Ink,
    Piece,
    Row,
    Span,
    expand,
    fit,
    spelled,
    width_of,
)
from .layout import Layout, Look, Place
from .marks import word_marks
from .memory import Comment, Notes
from .rows import RowsView

DWELL_TICKS = 3
"""How many ticks in a row something has to be on the screen before it counts as seen."""
SPLIT_FROM = 100
"""Columns from which two halves have room for code."""
_NARROW = 60


class DiffRow(NamedTuple):
    """A row with what stays where it is when the text slides to the left."""

    gutter: list[Piece]
    text: list[Piece]


class DiffView(RowsView):
    """One diff, line-virtual."""

    DEFAULT_CSS = "DiffView { background: $background; }"

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE) -> None:  # noqa: A002
        super().__init__(id=id)
        self.glyphs = glyphs
        self.diff: Diff = read_diff("")
        self.notes = Notes()
        self._layout_now = Layout(self.diff)
        self._wish: Look | None = None
        self._looked = bytearray()
        self._windows: deque[range] = deque(maxlen=DWELL_TICKS)

    def open_diff(self, text: str, notes: Notes) -> None:
        """Show a diff from its beginning."""
        self.diff, self.notes = read_diff(text), notes
        self._looked = bytearray(len(self.diff.lines))
        self._windows.clear()
        self._lay_out()
        self.go_to(0)

    @property
    def rows(self) -> Layout:
        return self._layout_now

    @property
    def look(self) -> Look:
        """Split where there is room for it, unless somebody wants it otherwise."""
        return self._wish or ("split" if self.room >= SPLIT_FROM else "unified")

    def turn(self) -> None:
        """From unified to split or back; the same line stays under the cursor."""
        self._wish = "unified" if self.look == "split" else "split"
        self._lay_out()

    def count(self) -> int:
        return len(self._layout_now)

    def here(self) -> Place | None:
        """What is under the cursor."""
        return self._layout_now.at(self.cursor) if self.count() else None

    def on_resize(self) -> None:
        if self._layout_now.look != self.look:
            self._lay_out()

    def _lay_out(self) -> None:
        place = self.here()
        line = place.lines[0] if place and place.lines else 0
        self._layout_now = Layout(self.diff, self.look)
        self._windows.clear()
        self.changed()
        self.go_to(self._layout_now.row_of(line))

    # What was looked at

    def tick(self) -> bool:
        """Note what has stayed on the screen; whether another hunk counts as seen by that."""
        if not self.display or not self.size.height:
            return False
        self._windows.append(self.shown)
        if len(self._windows) < DWELL_TICKS:
            return False
        first = max(window.start for window in self._windows)
        last = min(window.stop for window in self._windows)
        touched: dict[int, Hunk] = {}
        for row in range(first, last):
            place = self._layout_now.at(row)
            for line in place.lines:
                self._looked[line] = 1
            if place.hunk is not None:
                touched[place.hunk.index] = place.hunk
        new = {index for index, hunk in touched.items() if self._is_whole(hunk)} - self.notes.seen
        self.notes.seen |= new
        if new:
            self.refresh()
        return bool(new)

    def _is_whole(self, hunk: Hunk) -> bool:
        return self._looked.find(0, hunk.start, hunk.end) < 0

    def unseen(self) -> list[Hunk]:
        return [hunk for hunk in self.diff.hunks if hunk.index not in self.notes.seen]

    def toggle_seen(self, hunk: Hunk) -> None:
        self.notes.seen ^= {hunk.index}
        if hunk.index not in self.notes.seen:
            self._looked[hunk.start : hunk.end] = bytes(hunk.end - hunk.start)
        self.refresh()

    def toggle_unwanted(self, hunk: Hunk) -> None:
        self.notes.unwanted ^= {hunk.index}
        self.refresh()

    def comment_on(self, place: Place, text: str) -> Comment:
        """A comment that quotes the line it is about."""
        line = place.right if place.right is not None else place.lines[-1]
        raw = self.diff.lines[line]
        quoted = raw[1:] if place.kind == "line" else raw
        number = _number(place.hunk, line) if place.kind == "line" else Number(0, 0)
        return Comment(
            text=text,
            file=self.diff.files[place.file].path or "the diff",
            line=number.new or number.old,
            quote=quoted.strip()[:120],
            at=line,
        )

    # Drawing

    def row(self, index: int, width: int) -> Row:
        gutter, text = self._parts(self._layout_now.at(index), width)
        return gutter + text

    def slid(self, row: Row, cells: int) -> Row:
        if not cells or self._layout_now.look == "split":
            return row  # each half slides by itself
        return list(_slide(row, cells, self._gutter_cells()))

    def _gutter_cells(self) -> int:
        return 2 + (5 if self.room < _NARROW else 10)

    def _parts(self, place: Place, width: int) -> DiffRow:
        if place.kind == "file":
            return DiffRow([], [Piece(self._file(place, width), "file")])
        if place.kind == "note":
            return DiffRow([], self._text(self.diff.lines[place.lines[0]], "dim", ()))
        if place.kind == "hunk":
            return DiffRow([], list(self._heading(place)))
        if self._layout_now.look == "split":
            return DiffRow([], self._split(place, width))
        return self._unified(place, width)

    def _file(self, place: Place, width: int) -> str:
        file = self.diff.files[place.file]
        what = "" if file.kind == "changed" else f" ({file.kind})"
        notes = f" [{'; '.join(file.notes)}]" if file.notes and file.kind != "binary" else ""
        name = "".join(p.text for p in spelled(file.path or "not part of any file", "file"))
        said = f" +{file.added} -{file.removed}  {name}{what}{notes}"
        said = "".join(p.text for p in spelled(said, "file"))
        return set_cell_size(fit(said, self.glyphs), width)

    def _heading(self, place: Place) -> Iterator[Piece]:
        hunk = place.hunk
        if hunk is None:
            return
        yield from self._text(self.diff.lines[hunk.start][:200], "hunk", ())
        notes, glyphs = self.notes, self.glyphs
        yield Piece(f"  {hunk.index + 1}/{len(self.diff.hunks)}", "dim")
        if hunk.index in notes.seen:
            yield Piece(f" {glyphs.ok} seen", "good")
        else:
            yield Piece(" not seen yet", "warn")
        if hunk.index in notes.unwanted:
            yield Piece(f" {glyphs.bad} unwanted", "bad")
        if said := sum(hunk.start <= each.at < hunk.end for each in notes.comments):
            yield Piece(f" {COMMENTED} {said} comment{'' if said == 1 else 's'}", "warn")

    def _unified(self, place: Place, width: int) -> DiffRow:
        (line,) = place.lines
        raw = self.diff.lines[line]
        number = _number(place.hunk, line)
        mark = COMMENTED if any(each.at == line for each in self.notes.comments) else " "
        if width < _NARROW:
            numbers = f"{number.new or number.old or '':>4} "
        else:
            numbers = f"{number.old or '':>4} {number.new or '':>4} "
        sign, ink = _sign(raw)
        gutter = [Piece(mark, "warn"), Piece(numbers, "dim"), Piece(sign, ink)]
        return DiffRow(gutter, self._text(raw[1:], ink, self._marks(place.hunk, line)))

    def _split(self, place: Place, width: int) -> list[Piece]:
        half = (width - 1) // 2
        left = self._half(place, place.left, half, is_old=True)
        right = self._half(place, place.right, width - half - 1, is_old=False)
        return [*left, Piece("|", "dim"), *right]

    def _half(self, place: Place, line: int | None, width: int, *, is_old: bool) -> list[Piece]:
        if line is None:
            return [Piece(" " * width, "dim")]
        raw = self.diff.lines[line]
        number = _number(place.hunk, line)
        mark = COMMENTED if any(each.at == line for each in self.notes.comments) else " "
        sign, ink = _sign(raw)
        shown = (number.old if is_old else number.new) or ""
        gutter = [Piece(mark, "warn"), Piece(f"{shown:>4} ", "dim"), Piece(sign, ink)]
        text = self._text(raw[1:], ink, self._marks(place.hunk, line))
        pieces = gutter + list(_slide(text, self._slid, 0))
        return _fill(pieces, width)

    def _text(self, raw: str, ink: Ink, marks: tuple[Span, ...]) -> list[Piece]:
        """Untrusted text with the words that differ, spelled out and cut."""
        kept, cut = raw[:LONGEST_LINE], len(raw) - LONGEST_LINE
        pieces = list(spelled(kept, ink, marks=_within(marks, len(kept)), word=_word(ink)))
        if cut > 0:
            pieces.append(Piece(f" ... {cut:,} more characters", "warn"))
        if self.glyphs.is_ascii:
            pieces = [Piece(fit(text, self.glyphs), each) for text, each in pieces]
        return expand(pieces)

    def _marks(self, hunk: Hunk | None, line: int) -> tuple[Span, ...]:
        if hunk is None or (partner := hunk.partner_of(line)) is None:
            return ()
        lines = self.diff.lines
        is_old = lines[line][:1] == "-"
        old, new = (line, partner) if is_old else (partner, line)
        removed, added = word_marks(lines[old][1:], lines[new][1:])
        return removed if is_old else added


def _number(hunk: Hunk | None, line: int) -> Number:
    return hunk.number(line) if hunk else Number(0, 0)


def _sign(raw: str) -> tuple[str, Ink]:
    sign = raw[:1] or " "
    if sign == "+":
        return "+", "added"
    if sign == "-":
        return "-", "removed"
    return (sign, "dim") if sign == "\\" else (" ", "plain")


def _within(marks: Sequence[Span], length: int) -> list[Span]:
    return [(start, min(end, length)) for start, end in marks if start < length]


def _word(ink: Ink) -> Ink:
    if ink == "added":
        return "added-word"
    return "removed-word" if ink == "removed" else ink


def _slide(row: Row, cells: int, kept: int) -> Iterator[Piece]:
    """Without the cells that slid out to the left, but for the first ones, which stay."""
    for text, ink in row:
        if kept > 0:
            yield Piece(text, ink)
            kept -= cell_len(text)
            continue
        size = cell_len(text)
        if size <= cells:
            cells -= size
            continue
        while cells > 0:
            cells -= cell_len(text[0])
            text = text[1:]
        yield Piece(text, ink)


def _fill(pieces: list[Piece], width: int) -> list[Piece]:
    """Exactly so wide; what is cut off leaves a mark."""
    if (missing := width - width_of(pieces)) >= 0:
        return [*pieces, Piece(" " * missing)]
    kept: list[Piece] = []
    room = width - 1
    for text, ink in pieces:
        size = cell_len(text)
        if size >= room:
            kept.append(Piece(set_cell_size(text, room), ink))
            break
        kept.append(Piece(text, ink))
        room -= size
    return [*kept, Piece(">", "warn")]
