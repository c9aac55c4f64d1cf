"""The signs on the screen, in Unicode and in ASCII. Every one stands beside a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One set of signs."""

    running: str = "●"
    idle: str = "○"
    stopped: str = "■"
    paused: str = "‖"
    alarm: str = "!"
    high: str = "■"
    middle: str = "▲"
    low: str = "·"
    question: str = "?"
    ok: str = "✓"
    bad: str = "✗"
    unchecked: str = "\u2013"
    cursor: str = "▌"
    more: str = "…"
    blocks: str = "▁▂▃▄▅▆▇█"
    is_ascii: bool = False

    def spark(self, values: Sequence[float]) -> str:
        """A row of blocks, as high as each value; nothing at all is the lowest one."""
        most = max(values, default=0)
        steps = len(self.blocks) - 1
        return "".join(
            self.blocks[0 if most <= 0 else max(round(value / most * steps), int(value > 0))]
            for value in values
        )

    def plain(self, text: str) -> str:
        """Our own words in the characters of the set."""
        return text.translate(_TO_ASCII) if self.is_ascii else text


_TO_ASCII = str.maketrans(
    {"…": "...", "\u2013": "-", "·": "-", "“": '"', "”": '"', "→": "->", "✓": "+", "✗": "x"}
)

UNICODE = Glyphs()
ASCII = Glyphs(
    running="*",
    idle="o",
    stopped="#",
    paused="=",
    high="#",
    middle="^",
    low=".",
    ok="+",
    bad="x",
    unchecked="-",
    cursor=">",
    more="~",
    blocks="_.-=+*#@",
    is_ascii=True,
)
