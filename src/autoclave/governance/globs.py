"""Path patterns as in a .gitignore, where `*` never crosses `/`, matched in bounded time."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from ..domain.errors import InvalidInput

MOST_PATTERN = 200


class Answer(StrEnum):
    """Whether something holds; `UNKNOWN` counts against whoever asks for leave."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class _Set:
    """A bracket expression such as `[a-c_]`."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, character: str) -> bool:
        inside = any(low <= character <= high for low, high in self.ranges)
        return inside is not self.negated


_Char: TypeAlias = "str | _Set | None"
"""A literal character, a set, or None for any one character; `_MANY` is the star."""
_MANY = "*many*"
_Segment: TypeAlias = "str | tuple[_Char, ...] | None"
"""A plain name, a name with wildcards, or None for any number of folders."""


@dataclass(frozen=True, slots=True)
class Glob:
    """One pattern. Without a slash it names a file or folder at any depth."""

    text: str
    _exact: tuple[_Segment, ...]
    _folded: tuple[_Segment, ...]

    @classmethod
    def parse(cls, text: str) -> Glob:
        """Raises InvalidInput for what would never match or would not mean what it seems to."""
        return cls(text, _parse(text), _parse(_fold_pattern(text)))

    def match(self, path: str) -> Answer:
        """YES for the path as written.

        UNKNOWN when only a folder around it matches, or when it matches in the spelling that a
        file system which ignores case would see: a deny then counts, an allow does not.
        """
        answer = _walk(self._exact, path)
        if answer is Answer.YES:
            return answer
        spelled = fold_path(path)
        if spelled == path and self._folded == self._exact:
            return answer
        other = _walk(self._folded, spelled)
        return answer if other is Answer.NO else Answer.UNKNOWN


@lru_cache(maxsize=4096)
def fold_path(path: str) -> str:
    """`path` as the most forgiving file systems see it: case, width, trailing dots, streams."""
    segments = _fold(path).replace("\\", "/").split("/")
    return "/".join(name for segment in segments if (name := _fold_name(segment)))


def _fold_name(name: str) -> str:
    return name.split(":")[0].rstrip(". ")


def _fold_pattern(text: str) -> str:
    """The pattern for folded paths. Parts with escapes and sets are too fine to be folded more."""
    parts = (
        part if "[" in part or "\\" in part else _fold_name(part) or part
        for part in _fold(text).split("/")
    )
    return "/".join(parts)


def _fold(text: str) -> str:
    # Twice, because casefolding can undo the normal form and normalising the folded form.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text)


def _parse(text: str) -> tuple[_Segment, ...]:
    _check(text)
    rooted = text.startswith("/") or "/" in text.removesuffix("/")
    whole = text + "**" if text.endswith("/") else text
    names = whole.removeprefix("/").split("/")
    if any(name in ("", ".", "..") for name in names):
        raise InvalidInput(f"the pattern {text!r} has an empty part, `.` or `..`")
    segments = [None if name == "**" else _parse_segment(name) for name in names]
    if names[-1] == "**":
        segments.append((_MANY,))
    return tuple(segments) if rooted else (None, *segments)


def _check(text: str) -> None:
    if not text or text == "/":
        raise InvalidInput("a pattern cannot be empty")
    if len(text) > MOST_PATTERN:
        raise InvalidInput(f"a pattern has at most {MOST_PATTERN} characters")
    if text.startswith("!"):
        raise InvalidInput(f"the pattern {text!r} is negated; write a rule of its own")


def _parse_segment(name: str) -> _Segment:
    tokens: list[_Char] = []
    position = 0
    while position < len(name):
        token, position = _next_token(name, position)
        if token == _MANY and tokens and tokens[-1] == _MANY:
            raise InvalidInput(f"in {name!r}, `**` has to stand alone between slashes")
        tokens.append(token)
    plain = "".join(token for token in tokens if isinstance(token, str) and token != _MANY)
    return plain if len(plain) == len(tokens) else tuple(tokens)


def _next_token(name: str, at: int) -> tuple[_Char, int]:
    character = name[at]
    if character == "*":
        return _MANY, at + 1
    if character == "?":
        return None, at + 1
    if character == "[":
        return _parse_set(name, at)
    if character == "\\":
        if at + 1 == len(name):
            raise InvalidInput(f"the pattern part {name!r} ends in a backslash")
        return name[at + 1], at + 2
    return character, at + 1


def _parse_set(name: str, at: int) -> tuple[_Set, int]:
    end = name.find("]", at + 2)
    if end < 0:
        raise InvalidInput(f"the pattern part {name!r} has `[` without `]`")
    inside = name[at + 1 : end]
    negated = inside[0] in "!^" and len(inside) > 1
    rest, ranges = inside[1:] if negated else inside, []
    while rest:
        if len(rest) >= 3 and rest[1] == "-":
            ranges.append((rest[0], rest[2]))
            rest = rest[3:]
        else:
            ranges.append((rest[0], rest[0]))
            rest = rest[1:]
    return _Set(tuple(ranges), negated), end + 1


def _walk(pattern: tuple[_Segment, ...], path: str) -> Answer:
    """Follow all ways through the pattern at once. UNKNOWN when only a folder matches."""
    here = _open(pattern, {0})
    folder = False
    for part in path.split("/"):
        folder = folder or len(pattern) in here
        here = _open(pattern, _after(pattern, here, part))
    if len(pattern) in here:
        return Answer.YES
    return Answer.UNKNOWN if folder else Answer.NO


def _open(pattern: tuple[_Segment, ...], here: set[int]) -> set[int]:
    """`here` and every place that is reached from it without using up a part."""
    for place, segment in enumerate(pattern):
        if segment is None and place in here:
            here.add(place + 1)
    return here


def _after(pattern: tuple[_Segment, ...], here: set[int], part: str) -> set[int]:
    after = set()
    for place in here:
        segment = pattern[place] if place < len(pattern) else ""
        if segment is None:
            after.add(place)
        elif part == segment if isinstance(segment, str) else _fits(segment, part):
            after.add(place + 1)
    return after


def _fits(tokens: tuple[_Char, ...], text: str) -> bool:
    """The greedy walk with one way back: at most len(tokens) * len(text) steps."""
    token = at = 0
    star, star_at = -1, 0
    while at < len(text):
        if token < len(tokens) and tokens[token] == _MANY:
            star, star_at, token = token, at, token + 1
        elif token < len(tokens) and _holds(tokens[token], text[at]):
            token, at = token + 1, at + 1
        elif star >= 0:
            token, star_at = star + 1, star_at + 1
            at = star_at
        else:
            return False
    return all(rest == _MANY for rest in tokens[token:])


def _holds(token: _Char, character: str) -> bool:
    if token is None:
        return True
    return token.holds(character) if isinstance(token, _Set) else token == character
