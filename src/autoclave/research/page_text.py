"""The text of a web page that a person would see: title, headings, paragraphs, and its links.

Nothing is fetched, run or followed. What a page hides from people it also hides from the mind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..domain.fetch import FetchResponse
from .markup import End, Start, Text, tokens

MOST_TEXT = 40_000
MOST_LINKS = 100
_MOST_PARSED = 1 << 19
"""Characters of markup."""
_LONGEST_LINK = 500
_UNSEEN = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "svg", "math"}
    | {"select", "textarea", "canvas", "audio", "video", "dialog", "datalist"}
)
_EMPTY = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}
    | {"track", "wbr"}
)
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "i", "kbd", "mark", "q", "s", "samp"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr", "font", "img", "label"}
)
_HIDING = re.compile(
    r"display:none|visibility:(hidden|collapse)|font-size:0(?![.]?[0-9]*[1-9])|opacity:0(?![.])"
    r"|(text-indent|left|top):-[0-9]{3,}"
)
_NOISE = re.compile(r"\s|/\*[^*]*\*/")
_BLANK = "\x01"
"""Stands for a blank that counts; no text has it, for controls are dropped."""
_DEEPEST = 200
"""How far up an end tag looks for its beginning."""
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_UNSEEN_CHARACTERS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What can be read on a page. Untrusted, every word of it."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...]
    """What they say and where they point, as the page has it; nobody has been there."""
    is_cut: bool


def read_page(response: FetchResponse) -> JsonObject:
    """The same as JSON, for the journal and the view. Raises InvalidInput."""
    page = page_text(response)
    links = [{"says": says, "url": url} for says, url in page.links]
    return {"title": page.title, "text": page.text, "links": links, "is_cut": page.is_cut}


def page_text(response: FetchResponse) -> PageText:
    """What a response says. Raises InvalidInput when it is no text."""
    kind, _, parameters = response.headers.get("content-type", "text/plain").partition(";")
    kind = kind.strip().lower()
    content = _decoded(response.body, parameters)
    if kind in ("text/html", "application/xhtml+xml"):
        return read_html(content)
    is_text = kind.startswith("text/") or kind.endswith(("json", "xml", "yaml", "javascript"))
    if not is_text or "\0" in content:
        raise InvalidInput(f"{response.url} is {kind or 'of no known kind'}, which is no text")
    text = _clean(content)
    cut = text[:MOST_TEXT]
    return PageText(title="", text=cut, links=(), is_cut=len(cut) < len(text))


def read_html(content: str) -> PageText:
    """The visible text of a page."""
    reader = _Reader()
    reader.read(content[:_MOST_PARSED])
    text = "\n".join(_lines(reader.pieces))
    return PageText(
        title=" ".join(_clean("".join(reader.title)).split())[:300],
        text=text[:MOST_TEXT],
        links=tuple(reader.links),
        is_cut=len(text) > MOST_TEXT or len(content) > _MOST_PARSED,
    )


class _Reader:
    def __init__(self) -> None:
        self.title: list[str] = []
        self.pieces: list[str] = []
        self.links: list[tuple[str, str]] = []
        self._open: list[tuple[str, bool]] = []
        """Open elements, and whether each hides what is in it."""
        self._hiding = 0
        self._kept = 0
        """Open elements whose blanks and line ends count, as in code."""
        self._link: tuple[str, int] | None = None

    def read(self, content: str) -> None:
        for token in tokens(content):
            match token:
                case Start():
                    self._start(token)
                case End():
                    self._end(token.name)
                case Text():
                    self._text(token.text)

    def _start(self, tag: Start) -> None:
        if tag.name not in _INLINE:
            self.pieces.append("\n")
        if tag.name in _EMPTY:
            return
        hides = tag.name in _UNSEEN or _is_hidden(tag.attributes)
        self._open.append((tag.name, hides))
        self._hiding += hides
        self._kept += tag.name == "pre"
        if self._hiding:
            return
        if tag.name in _HEADINGS:
            self.pieces.append(f"{_HEADINGS[tag.name]} ")
        elif tag.name == "a" and len(self.links) < MOST_LINKS:
            target = _clean(tag.attributes.get("href", ""))[:_LONGEST_LINK]
            self._link = (target, len(self.pieces)) if target else None

    def _end(self, name: str) -> None:
        if name not in _INLINE:
            self.pieces.append("\n")
        if name == "a" and self._link:
            target, start = self._link
            says = " ".join("".join(self.pieces[start:]).split())[:_LONGEST_LINK]
            self.links.append((says, target))
            self._link = None
        if not any(each == name for each, _ in self._open[-_DEEPEST:]):
            return
        while self._open:
            each, hides = self._open.pop()
            self._hiding -= hides
            self._kept -= each == "pre"
            if each == name:
                return

    def _text(self, text: str) -> None:
        if self._hiding:
            return
        if self._open and self._open[-1][0] == "title":
            self.title.append(text)
        elif self._kept:
            self.pieces.append(_clean(text).expandtabs(4).replace(" ", _BLANK))
        else:
            self.pieces.append(" ".join(f"|{_clean(text)}|".split())[1:-1])


def _is_hidden(attributes: Mapping[str, str]) -> bool:
    if "hidden" in attributes or attributes.get("aria-hidden", "").lower() == "true":
        return True
    style = _NOISE.sub("", attributes.get("style", "").lower())
    return _HIDING.search(style) is not None


def _lines(pieces: Iterable[str]) -> Iterable[str]:
    """One block per line, without empty ones and runs of blanks."""
    for line in "".join(pieces).split("\n"):
        if words := " ".join(line.split()).replace(_BLANK, " ").rstrip():
            yield words


def _clean(text: str) -> str:
    """Without characters that nobody sees: zero width, tags, direction marks, controls."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each for each in text if each in "\n\t" or not _is_unseen(each))


def _is_unseen(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    fillers = "\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5"
    return (
        is_selector or character in fillers or unicodedata.category(character) in _UNSEEN_CHARACTERS
    )


def _decoded(body: bytes, parameters: str) -> str:
    """By the charset that the server names, if it is a plain one; else as UTF-8."""
    named = re.search(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", parameters)
    known = {"latin-1", "iso-8859-1", "windows-1252", "us-ascii", "utf-16", "shift_jis", "gbk"}
    charset = named[1].lower() if named else "utf-8"
    return body.decode(charset if charset in known else "utf-8", "replace")
