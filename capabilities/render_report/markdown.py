"""Markdown that means what the text says: escaped, aligned, without control characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_SPECIAL = re.compile(r"([\\`*\[\]<>|~]|(?<!\w)_|_(?!\w))")
_STARTS_BLOCK = re.compile(r"^(\s*)([#>+-]|\d+[.)])(?=\s|$)", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+\s?%?")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_DEEPEST = 6


def plain(text: str) -> str:
    """Text that is only text: no mark-up in it takes effect."""
    escaped = _SPECIAL.sub(r"\\\1", _printable(text))
    return _STARTS_BLOCK.sub(_escape_start, escaped)


def code(text: str) -> str:
    """Text in code type, whatever backquotes are in it."""
    text = _printable(text).replace("\n", " ")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    # One space on each side is taken off again by the reader.
    space = " " if not text or text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{space}{text}{space}{fence}"


def table(columns: list[str], rows: list[list[Any]]) -> str:
    """A table whose columns line up; columns of numbers are set to the right."""
    cells = [[_cell(field) for field in row] for row in [columns, *rows]]
    right = [_is_numeric([row[at] for row in rows]) for at in range(len(columns))]
    widths = [max(3, *(_width(row[at]) for row in cells)) for at in range(len(columns))]
    rule = [("-" * (w - 1) + ":") if r else "-" * w for w, r in zip(widths, right, strict=True)]
    lines = [_row(row, widths, right) for row in cells]
    return "\n".join([lines[0], _row(rule, widths, right), *lines[1:]])


def bullets(value: Any, *, most: int, depth: int = 0) -> str:
    """Any JSON value as nested points."""
    items = list(value.items()) if isinstance(value, dict) else [("", item) for item in value]
    lines = [_bullet(str(key), item, most=most, depth=depth) for key, item in items[:most]]
    lines += [f"{'  ' * depth}- … {len(items) - most:,} more"] if len(items) > most else []
    return "\n".join(lines)


def plural(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _bullet(key: str, item: Any, *, most: int, depth: int) -> str:
    start = f"{'  ' * depth}- " + (f"{plain(key)}: " if key else "")
    if not isinstance(item, dict | list):
        return start + _cell(item)
    if not item or depth >= _DEEPEST:
        return start + ("none" if not item else "…")
    return f"{start.rstrip()}\n{bullets(item, most=most, depth=depth + 1)}"


def _row(cells: list[str], widths: list[int], right: list[bool]) -> str:
    padded = []
    for cell, width, to_right in zip(cells, widths, right, strict=True):
        space = " " * (width - _width(cell))
        padded.append(space + cell if to_right else cell + space)
    return f"| {' | '.join(padded)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(str(value)).replace("\n", "<br>")


def _is_numeric(values: list[Any]) -> bool:
    texts = [str(value) for value in values if value not in (None, "")]
    return bool(texts) and all(_NUMBER.fullmatch(text) for text in texts)


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def _printable(text: str) -> str:
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "".join(
        each if each == "\n" or unicodedata.category(each) not in _HIDDEN else "\ufffd"
        for each in text
    )


def _escape_start(found: re.Match[str]) -> str:
    space, mark = found.groups()
    return f"{space}{mark[:-1]}\\{mark[-1]}"
