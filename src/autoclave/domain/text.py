"""The one boundary between untrusted text and a person's terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import NewType

from .lookalikes import spelled_out, unmask

Shown = NewType("Shown", str)
"""Text that is safe to put on a terminal. Only `show`, `show_line` and `let_out` make it."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST_LINE = 2_000
_OUR_COLORS = re.compile("(\x1b\\[(?:[012]|3[0-7]|38;5;[0-9]{1,3})m)")
"""Plain, bold, dim, and a colour of the letters: nothing that hides or moves any."""


def show(text: str | bytes, *, most_lines: int = 0) -> Shown:
    """`text` with every control, format, bidi and unassigned character spelled out.

    So are letters that make a word look like another one; see `lookalikes`. Newlines and tabs stay;
    lines over 2,000 characters are cut with a count of what was left out; `most_lines` above 0 cuts
    the whole text in the same way. Never raises.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    lines = [_show_line(line) for line in text.split("\n")]
    if most_lines and len(lines) > most_lines:
        lines = [*lines[:most_lines], f"… {len(lines) - most_lines} more lines"]
    return Shown("\n".join(lines))


def show_line(text: str | bytes) -> Shown:
    """The same on one line: newlines and tabs are spelled out too."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return Shown(_show_line(text.replace("\t", "\\t").replace("\n", "\\n")))


def let_out(text: str) -> Shown:
    """The last word before a terminal: of what steers one, only our own few colours are left.

    It changes nothing in text that was shown; it is there for what somebody forgot to show.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return Shown(text)
    parts = _OUR_COLORS.split(text)
    safe = [part if at % 2 else "".join(map(_let_out, part)) for at, part in enumerate(parts)]
    return Shown("".join(safe))


def escape_json(document: str) -> str:
    """A JSON document with everything that steers a terminal as JSON's own escapes: it means the
    same to a program."""
    if document.isascii():
        return document.replace("\x7f", "\\u007f")
    return "".join(map(_as_json, document))


def _let_out(character: str) -> str:
    return character if character == "\n" else _show_character(character)


def _as_json(character: str) -> str:
    if character == "\n" or unicodedata.category(character) not in _HIDDEN:
        return character
    return json.dumps(character, ensure_ascii=True)[1:-1] if character != "\x7f" else "\\u007f"


def _show_line(line: str) -> str:
    if line.isascii() and line.isprintable() and len(line) <= _LONGEST_LINE:
        return line
    cut = len(line) - _LONGEST_LINE
    # Hidden characters go first: spelled out they are letters, next to which others look alike.
    safe = unmask("".join(map(_show_character, line[:_LONGEST_LINE])))
    return f"{safe}… {cut} more characters" if cut > 0 else safe


def _show_character(character: str) -> str:
    if character == "\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    return spelled_out(character)
