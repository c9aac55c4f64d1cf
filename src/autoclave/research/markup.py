"""Reads HTML as a stream of tags and text, in time proportional to its length whatever it holds.

The library's parser takes minutes for a megabyte of `<!--`; pages come from strangers.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:_-]{0,60}")
_TAG_MARK = re.compile(r"[\"'>]")
_ATTRIBUTE = re.compile(r"([^\s=/>\"']+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+)))?")
_LONGEST_TAG = 5_000
_HUGE_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "iframe", "noscript", "xmp", "noframes")
}
"""Elements whose content is no markup, and what ends each."""


@dataclass(frozen=True, slots=True)
class Start:
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str


Token: TypeAlias = Start | End | Text


def tokens(content: str) -> Iterator[Token]:
    """The tags and the text, in order. What is not closed swallows the rest, as in a browser."""
    place = 0
    while place < len(content):
        less = content.find("<", place)
        less = len(content) if less < 0 else less
        if less > place:
            yield Text(unescaped(content[place:less]))
        token, place = _markup(content, less)
        if token is not None:
            yield token
        if isinstance(token, Start) and token.name in _RAW:
            found = _RAW[token.name].search(content, place)
            after = found.start() if found else len(content)
            yield Text(unescaped(content[place:after]))
            place = after


def unescaped(text: str) -> str:
    """With entities as characters."""
    return html.unescape(_HUGE_NUMBER.sub("\ufffd", text)) if "&" in text else text


def _markup(content: str, less: int) -> tuple[Token | None, int]:
    """What begins at a `<`, and where it ends."""
    if less == len(content):
        return None, less
    if content.startswith("<!--", less):
        return None, _after(content, "-->", less + 2)
    if content.startswith(("<!", "<?"), less):
        return None, _after(content, ">", less)
    is_end = content.startswith("</", less)
    name = _NAME.match(content, less + 1 + is_end)
    if name is None:
        return Text("<"), less + 1
    close = _end_of_tag(content, name.end())
    if close < 0:
        return None, len(content)
    if is_end:
        return End(name[0].lower()), close + 1
    inner = content[name.end() : min(close, name.end() + _LONGEST_TAG)]
    return Start(name[0].lower(), _attributes(inner)), close + 1


def _after(content: str, mark: str, place: int) -> int:
    found = content.find(mark, place)
    return len(content) if found < 0 else found + len(mark)


def _end_of_tag(content: str, place: int) -> int:
    """Where its `>` is, outside of quotes; -1 if nowhere."""
    while mark := _TAG_MARK.search(content, place):
        if mark[0] == ">":
            return mark.start()
        closing = content.find(mark[0], mark.end())
        if closing < 0:
            return -1
        place = closing + 1
    return -1


def _attributes(inner: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _ATTRIBUTE.finditer(inner):
        value = next((group for group in each.groups()[1:] if group is not None), "")
        found.setdefault(each[1].lower(), unescaped(value))
    return found
