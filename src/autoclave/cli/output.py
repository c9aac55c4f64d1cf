"""The two streams: data on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from ..domain.canonical import JsonObject
from ..domain.text import Shown, escape_json, let_out

SCHEMA_VERSION = 1
_TOP = Shown("\x1b[H\x1b[?7l")
_LINE_END = Shown("\x1b[K")
_CURTAIN = Shown("\x1b[?1049h\x1b[H\x1b[2J STARTING")
_CURTAIN_UP = Shown("\x1b[?1049l")
_BELOW = Shown("\x1b[J\x1b[?7h")


@dataclass(slots=True, kw_only=True)
class Output:
    """How this invocation talks; the options of the command line set the fields."""

    as_json: bool = False
    no_color: bool = False
    no_input: bool = False

    def data(self, value: JsonObject, human: Callable[[JsonObject], str]) -> None:
        """What was asked for: one JSON object, or the text that `human` makes of it."""
        if self.as_json:
            self.json(value)
        else:
            _write(sys.stdout, let_out(human(value)))

    def json(self, value: JsonObject, *, one_line: bool = False) -> None:
        document = {"schema_version": SCHEMA_VERSION, **value}
        indent = None if one_line else 2
        text = json.dumps(document, indent=indent, ensure_ascii=False)
        _write(sys.stdout, Shown(escape_json(text)))

    def text(self, text: str) -> None:
        """Data that is text in itself, such as an export: byte for byte where no person looks."""
        text = text.removesuffix("\n")
        _write(sys.stdout, let_out(text) if _is_terminal(sys.stdout) else Shown(text))

    def note(self, text: str) -> None:
        """Something on the side: progress, advice, a question."""
        _write(sys.stderr, let_out(text))

    def redraw(self, text: str) -> None:
        """The text over what was drawn before, line by line, so that nothing flickers.

        Where there is no screen it is written below, after an empty line.
        """
        if not self.redraws:
            _write(sys.stdout, let_out(f"{text}\n"))
            return
        rows = shutil.get_terminal_size().lines - 1
        lines = let_out(text).split("\n")[:rows]
        drawn = "".join(f"{line}{_LINE_END}\n" for line in lines)
        _write(sys.stdout, Shown(f"{_TOP}{drawn}{_BELOW}"), end="")

    @contextmanager
    def curtain(self) -> Iterator[None]:
        """A screen of its own with one word on it, while what will draw there is loaded."""
        _write(sys.stdout, _CURTAIN, end="")
        try:
            yield
        except BaseException:
            _write(sys.stdout, _CURTAIN_UP, end="")
            raise

    @property
    def redraws(self) -> bool:
        """Whether there is a screen to draw on again and again."""
        return _is_terminal(sys.stdout) and os.environ.get("TERM", "dumb") != "dumb"

    @property
    def may_ask(self) -> bool:
        """Whether a person can answer: a terminal on both ends, and nobody said not to."""
        return not self.no_input and _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    @property
    def color(self) -> bool:
        return self._colors(sys.stdout)

    @property
    def note_color(self) -> bool:
        return self._colors(sys.stderr)

    def _colors(self, stream: TextIO) -> bool:
        if self.no_color or self.as_json or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return _is_terminal(stream) and os.environ.get("TERM") != "dumb"


def prepare_streams() -> None:
    """A character that a stream cannot encode is spelled out; it must never be a crash."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _write(stream: TextIO, text: Shown, *, end: str = "\n") -> None:
    """The one place where anything reaches a person; what it takes is safe for a terminal."""
    stream.write(f"{text}{end}")
    stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()
