"""A stored diff, read into files, hunks and lines; whatever it holds, no line is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Literal, TypeAlias

from .hunk import NO_NEWLINE, Hunk
from .ink import LONGEST_LINE, hidden_in, is_masked

FileKind: TypeAlias = Literal["changed", "added", "removed", "binary", "loose"]

MOST_UNMASKED = 1_000
"""Lines outside ASCII that are looked through for look-alikes when a diff is opened."""
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


@dataclass(frozen=True, kw_only=True)
class FileDiff:
    """One file of a diff."""

    path: str
    kind: FileKind
    head: range
    """The lines of the diff that name it and say what happens to it as a whole."""
    notes: tuple[str, ...]
    """Of those, what is more than its name: modes, that it is binary."""
    parts: tuple[Hunk | range, ...]
    """Its hunks, and lines in between that are no part of one."""
    added: int
    removed: int

    @property
    def hunks(self) -> list[Hunk]:
        return [part for part in self.parts if isinstance(part, Hunk)]


@dataclass(frozen=True, kw_only=True)
class Diff:
    """A whole diff; `lines` are its lines as they were given."""

    lines: Sequence[str] = field(repr=False)
    files: tuple[FileDiff, ...]

    @cached_property
    def hunks(self) -> tuple[Hunk, ...]:
        return tuple(hunk for file in self.files for hunk in file.hunks)

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)

    @cached_property
    def longest(self) -> int:
        return max(map(len, self.lines), default=0)

    @cached_property
    def hidden_lines(self) -> int:
        """How many lines hold characters that are spelled out because nobody would see them."""
        hidden = hidden_in("\n".join(self.lines))
        if not hidden:
            return 0
        pattern = re.compile("[" + re.escape("".join(sorted(hidden))) + "]")
        return sum(pattern.search(line) is not None for line in self.lines)

    @cached_property
    def masked_lines(self) -> int:
        """How many lines hold letters that pass for others, of the first that may."""
        foreign = (line for line in self.lines if not line.isascii())
        return sum(map(is_masked, islice(foreign, MOST_UNMASKED)))

    @cached_property
    def cut_lines(self) -> int:
        """How many lines are longer than what is shown of one."""
        if self.longest <= LONGEST_LINE:
            return 0
        return sum(len(line) > LONGEST_LINE for line in self.lines)

    def summary(self) -> str:
        """How much there is, and what of it can't be seen as it is, in words."""
        files, hunks = len(self.files), len(self.hunks)
        said = f"{_count(files, 'file')}, {_count(hunks, 'hunk')}, +{self.added} -{self.removed}"
        hidden = []
        if self.hidden_lines:
            holds = "holds" if self.hidden_lines == 1 else "hold"
            hidden.append(f"{_count(self.hidden_lines, 'line')} {holds} hidden characters, marked")
        if self.masked_lines:
            hidden.append(f"{_count(self.masked_lines, 'line')} with look-alike letters, marked")
        if self.cut_lines:
            hidden.append(f"{_count(self.cut_lines, 'line')} cut, the length is said")
        if binary := sum(file.kind == "binary" for file in self.files):
            hidden.append(f"{_count(binary, 'binary file')}, contents not shown")
        return f"{said}; {'; '.join(hidden) or 'nothing hidden'}"


def read_diff(text: str) -> Diff:
    """Never raises: what is no diff is shown as loose lines."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    reader = _Reader(lines)
    return Diff(lines=lines, files=tuple(reader.files()))


class _Reader:
    """Walks the lines once."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0
        self._hunks = 0

    def files(self) -> Iterator[FileDiff]:
        number = 0
        while self._at < len(self._lines):
            yield self._file(number)
            number += 1

    def _file(self, number: int) -> FileDiff:
        start = self._at
        self._head()
        head = range(start, self._at)
        parts: list[Hunk | range] = []
        added = removed = 0
        while self._at < len(self._lines) and not self._begins_file():
            hunk, plus, minus = self._hunk(number)
            if hunk is None:
                parts.append(self._loose())
                continue
            parts.append(hunk)
            added, removed = added + plus, removed + minus
        path, kind, notes = _named([self._lines[index] for index in head])
        return FileDiff(
            path=path,
            kind=kind,
            head=head,
            notes=notes,
            parts=tuple(parts),
            added=added,
            removed=removed,
        )

    def _begins_file(self) -> bool:
        line = self._lines[self._at]
        return line.startswith(("diff --git ", "Binary file ")) or self._is_pair()

    def _is_pair(self) -> bool:
        here = self._lines[self._at : self._at + 2]
        return len(here) == 2 and here[0].startswith("--- ") and here[1].startswith("+++ ")

    def _head(self) -> None:
        if not self._begins_file():
            return
        if self._lines[self._at].startswith("diff --git "):
            self._at += 1
            while self._at < len(self._lines) and self._lines[self._at].startswith(_MODES):
                self._at += 1
        if self._at < len(self._lines):
            if self._is_pair():
                self._at += 2
            elif self._lines[self._at].startswith("Binary file "):
                self._at += 1

    def _hunk(self, file: int) -> tuple[Hunk | None, int, int]:
        match = _HUNK.match(self._lines[self._at])
        if match is None:
            return None, 0, 0
        start = self._at
        old, new = int(match[2] or 1), int(match[4] or 1)
        added, removed = self._body(old, new)
        hunk = Hunk(
            index=self._hunks,
            file=file,
            start=start,
            end=self._at,
            old_start=int(match[1]),
            new_start=int(match[3]),
            lines=self._lines,
        )
        self._hunks += 1
        return hunk, added, removed

    def _body(self, old: int, new: int) -> tuple[int, int]:
        """Walk over as many lines as the heading promises; how many were added and removed."""
        lines, at, end = self._lines, self._at + 1, len(self._lines)
        added = removed = 0
        while at < end and (old > 0 or new > 0):
            sign = lines[at][:1]
            if sign == " ":
                old, new = old - 1, new - 1
            elif sign == "-":
                old, removed = old - 1, removed + 1
            elif sign == "+":
                new, added = new - 1, added + 1
            elif sign != NO_NEWLINE:
                break
            at += 1
        while at < end and lines[at][:1] == NO_NEWLINE:
            at += 1
        self._at = at
        return added, removed

    def _loose(self) -> range:
        start = self._at
        self._at += 1
        while self._at < len(self._lines) and not self._begins_file():
            if _HUNK.match(self._lines[self._at]):
                break
            self._at += 1
        return range(start, self._at)


_MODES = (
    "new file mode ",
    "deleted file mode ",
    "old mode ",
    "new mode ",
    "index ",
    "similarity ",
    "rename ",
    "copy ",
)


def _named(head: list[str]) -> tuple[str, FileKind, tuple[str, ...]]:
    """Path, what happens to the file, and the notes about it, from the lines that head it."""
    old = new = git = ""
    notes = []
    for line in head:
        if line.startswith("--- "):
            old = _name(line[4:])
        elif line.startswith("+++ "):
            new = _name(line[4:])
        elif line.startswith("diff --git "):
            git = line[11:]
        else:
            notes.append(line)
    if binary := next((note for note in notes if note.startswith("Binary file ")), ""):
        name = binary.removeprefix("Binary file ").removesuffix(" changes")
        return _name(name), "binary", tuple(notes)
    if not head:
        return "", "loose", ()
    path = (old if new == "/dev/null" else new) or _from_git(git)
    is_new = old == "/dev/null" or any(note.startswith("new file") for note in notes)
    is_gone = new == "/dev/null" or any(note.startswith("deleted file") for note in notes)
    kind: FileKind = "added" if is_new else "removed" if is_gone else "changed"
    return _without_side(path), kind, tuple(notes)


def _from_git(named: str) -> str:
    """The second of the two names, which are the same but for their side."""
    if named.startswith('"'):
        return _name(named[: len(named) // 2])
    return named[: len(named) // 2]


def _name(given: str) -> str:
    return given.rstrip("\t").strip('"')


def _without_side(path: str) -> str:
    return path[2:] if path.startswith(("a/", "b/")) else path


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
