"""Splits documents into passages: plain text, Markdown, HTML, and the docstrings of Python files.

What is read is data: it is quoted with its source, never followed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import PurePosixPath

LONGEST = 1_200
"""Characters of a passage; longer paragraphs are cut at the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a document that can be quoted."""

    text: str
    source: str
    """Where it was read, such as `docs/loop.md`."""
    heading: str
    """The heading, class or function that it stands under; may be empty."""


def split(source: str, content: str) -> list[Passage]:
    """The passages of one document; what can't be parsed is read as plain text."""
    splitter = _SPLITTERS.get(PurePosixPath(source).suffix.lower(), _split_text)
    found = []
    for heading, block in splitter(content):
        found += [Passage(text=piece, source=source, heading=heading) for piece in _pieces(block)]
    return found


def sentences(text: str) -> list[str]:
    return [each.strip() for each in re.split(r"(?<=[.!?])\s+|\n{2,}", text) if each.strip()]


def _split_text(content: str) -> Iterator[tuple[str, str]]:
    for block in re.split(r"\n\s*\n", content):
        yield "", block


def _split_markdown(content: str) -> Iterator[tuple[str, str]]:
    """Paragraphs under their headings; a fenced block stays whole."""
    heading, block, fence = "", list[str](), ""
    for line in content.splitlines():
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and (not fence or mark.group(1).startswith(fence)):
            fence = "" if fence else mark.group(1)
        title = None if fence else re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if not fence and (title or not line.strip()):
            yield heading, "\n".join(block)
            block = []
        if title:
            heading = title.group(1)
        else:
            block.append(line)
    yield heading, "\n".join(block)


def _split_html(content: str) -> Iterator[tuple[str, str]]:
    reader = _PageReader()
    reader.feed(content)
    reader.close()
    reader.end_block()
    yield from reader.blocks


def _split_python(content: str) -> Iterator[tuple[str, str]]:
    """Docstrings under the qualified name of what they describe."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # a hostile or broken file has no docstrings
    yield from _docstrings(tree, "")


def _docstrings(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        text = ast.get_docstring(node)
        if text:
            yield name, text
        for child in node.body:
            below = getattr(child, "name", "")
            if isinstance(below, str) and below:
                yield from _docstrings(child, f"{name}.{below}".removeprefix("."))


class _PageReader(HTMLParser):
    """Collects the visible text of a page, block by block, under its headings."""

    _BLOCKS = frozenset({"p", "li", "pre", "td", "th", "dt", "dd", "blockquote", "div", "section"})
    _HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "title"})
    _UNSEEN = frozenset({"script", "style", "template", "noscript"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[tuple[str, str]] = []
        self._heading = ""
        self._text: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._UNSEEN:
            self._unseen += 1
        if tag in self._BLOCKS | self._HEADINGS:
            self.end_block()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in self._HEADINGS:
            self._heading, self._text = " ".join("".join(self._text).split()), []
        elif tag in self._BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._text.append(data)

    def end_block(self) -> None:
        self.blocks.append((self._heading, "".join(self._text)))
        self._text = []


def _pieces(block: str) -> Iterator[str]:
    """The block in pieces that are not too long and say something."""
    text = block.strip()
    while len(text) > LONGEST:
        cut = max(text.rfind(mark, 0, LONGEST) for mark in (". ", ".\n", "\n", " "))
        cut = cut + 1 if cut > LONGEST // 2 else LONGEST
        yield text[:cut].strip()
        text = text[cut:].strip()
    if any(character.isalnum() for character in text):
        yield text


_SPLITTERS: Mapping[str, Callable[[str], Iterator[tuple[str, str]]]] = {
    ".md": _split_markdown,
    ".markdown": _split_markdown,
    ".html": _split_html,
    ".htm": _split_html,
    ".py": _split_python,
}
READABLE = frozenset({".txt", ".rst", *_SPLITTERS})
"""Endings of files that are worth reading."""
