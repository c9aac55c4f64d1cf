"""Words, columns and a little colour."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from ...domain.text import Shown, show, show_line

# Blue and orange can be told apart by everyone; red and green cannot.
_CODES: Mapping[str, str] = MappingProxyType(
    {"good": "34", "bad": "38;5;208", "dim": "2", "strong": "1"}
)
_GOOD = frozenset({"ok", "pass", "done", "applied", "approved", "active", "allow"})
_BAD = frozenset({"fail", "failed", "rejected", "deny", "parked", "warn", "not checked", "expired"})


def paint(text: str, style: str, *, color: bool) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if color and text else text


def verdict(word: str, *, color: bool, width: int = 0) -> str:
    """A status word in the colour of what it means; the word alone says it too."""
    safe = show_line(word).ljust(width)
    style = "good" if word in _GOOD else "bad" if word in _BAD else ""
    return paint(safe, style, color=color) if style else safe


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> str:
    """Columns as wide as they have to be; `empty` is said when there is nothing to list."""
    if not rows:
        return empty
    cells = [[str(show_line(str(cell))) for cell in row] for row in rows]
    widths = [
        max(columns(row[place]) for row in [list(headers), *cells]) for place in range(len(headers))
    ]
    return "\n".join(_row(row, widths) for row in [[h.upper() for h in headers], *cells])


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(bool(unicodedata.combining(character)) for character in text)


def clip(text: object, width: int = 60) -> Shown:
    """One safe line of at most `width` characters."""
    safe = show_line(str(text))
    return safe if len(safe) <= width else Shown(f"{safe[: width - 1]}…")


def diff(text: str, *, color: bool, most_lines: int = 400) -> str:
    """A unified diff, safe to show; what is added and removed is coloured when that is wanted."""
    return "\n".join(
        _diff_line(line, color) for line in show(text, most_lines=most_lines).split("\n")
    )


def moment(at: float | None) -> str:
    """ISO 8601, UTC, to the second."""
    if at is None:
        return "never"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def fields(pairs: Mapping[str, object]) -> str:
    """Names and values below one another; empty values are left out."""
    shown = {name: value for name, value in pairs.items() if value not in (None, "", [], {}, ())}
    width = max((len(name) for name in shown), default=0)
    return "\n".join(
        f"{name.ljust(width)}  {_indented(str(value), width + 2)}" for name, value in shown.items()
    )


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [c + " " * (width - columns(c)) for c, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _diff_line(line: str, color: bool) -> str:
    if line.startswith(("+++", "---")):
        return paint(line, "strong", color=color)
    style = {"+": "good", "-": "bad", "@": "dim"}.get(line[:1], "")
    return paint(line, style, color=color) if style else line


def _indented(text: str, by: int) -> str:
    return show(text).replace("\n", "\n" + " " * by)
