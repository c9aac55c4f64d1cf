"""The keys of a page, made from its bindings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.binding import Binding

from ..ink import Line, line

_KEYS = {"question_mark": "?", "slash": "/", "space": "Space", "enter": "Enter", "full_stop": "."}
_EVERYWHERE = (
    ("1 … 8", "home, goals, activity, knowledge, research, changes, health, settings"),
    ("j k ↓ ↑ PgUp PgDn", "move; never does anything else"),
    ("Tab", "the next part of the page"),
    ("Enter", "open; never says yes, never deletes"),
    ("Esc", "back; never answers a question"),
    ("g", "give it a goal"),
    ("p", "pause the agent, or let it go on"),
    ("L", "the batch: proposals of the lowest tier in one list"),
    ("^p", "all commands"),
    ("F6", "let the terminal have the mouse, to mark and copy text"),
    ("?", "this help"),
    ("q", "leave; the agent goes on"),
)
_SIGNS = "■H ▲M ·L how much it can hurt   ?Q a question   ‖P set aside   ✓ well   ✗ failed"


def help_lines(page: Any) -> list[Line]:
    """What the page's own keys do, then those that work everywhere."""
    glyphs = page.host.glyphs
    lines = [_row(key, what) for key, what in keys_of(page.BINDINGS)]
    if lines:
        lines.append(line(""))
    lines += [_row(glyphs.plain(_arrows(key, glyphs.is_ascii)), what) for key, what in _EVERYWHERE]
    if not glyphs.is_ascii:
        lines += [line(""), line((_SIGNS, "dim"))]
    return lines


def keys_of(bindings: Iterable[object]) -> list[tuple[str, str]]:
    """Key and meaning of what is bound with a description."""
    found = []
    for each in bindings:
        if isinstance(each, Binding) and each.description and not each.action.startswith("app."):
            keys = each.key_display or " ".join(_KEYS.get(k, k) for k in each.key.split(","))
            found.append((keys.replace("ctrl+", "^"), each.tooltip or each.description))
    return found


def _arrows(text: str, is_ascii: bool) -> str:
    return text.replace("↓", "Down").replace("↑", "Up") if is_ascii else text


def _row(key: str, what: str) -> Line:
    return line((f"{key:<18}", "key"), f" {what}")
