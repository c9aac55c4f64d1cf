"""The one boundary between untrusted text and a person's terminal."""

from __future__ import annotations

import unicodedata
from typing import NewType

Shown = NewType("Shown", str)
"""Text that is safe to put on a terminal. Only `show` makes it."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST_LINE = 2_000


def show(text: str | bytes, *, most_lines: int = 0) -> Shown:
    """`text` with every control, format, bidi and unassigned character spelled out.

    Newlines and tabs stay; lines over 2,000 characters are cut with a count of what was left out;
    `most_lines` above 0 cuts the whole text in the same way. Never raises.
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


def _show_line(line: str) -> str:
    if line.isascii() and line.isprintable() and len(line) <= _LONGEST_LINE:
        return line
    cut = len(line) - _LONGEST_LINE
    safe = "".join(_show_character(character) for character in line[:_LONGEST_LINE])
    return f"{safe}… {cut} more characters" if cut > 0 else safe


def _show_character(character: str) -> str:
    if character == "\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
