"""What is seen while tests run: lines covered per test, and values of names line by line."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIMPLE = (int, float, bool, str, bytes, type(None), complex)
MOST_ENTRIES = 400
MOST_ELEMENTS = 40


@contextmanager
def coverage_of(files: list[str]) -> Iterator[Any]:
    """A running coverage measurement; `switch_context` names the test."""
    import coverage

    measured = coverage.Coverage(data_file=None, config_file=False, include=files)
    measured._warn_no_data = False
    measured.start()
    try:
        yield measured
    finally:
        measured.stop()


def lines_by_test(measured: Any, files: list[str]) -> dict[str, dict[str, list[int]]]:
    """Test id to file to the lines that it ran."""
    data = measured.get_data()
    found: dict[str, dict[str, list[int]]] = {}
    for file in files:
        for line, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                if context:
                    found.setdefault(context, {}).setdefault(file, []).append(line)
    return found


class Types:
    """The types that each local name had in each function of some files."""

    def __init__(self, files: list[str]) -> None:
        self._files = set(files)
        self.seen: dict[tuple[str, str], dict[str, set[str]]] = {}
        self._left = 20_000

    @contextmanager
    def watching(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename not in self._files or self._left <= 0:
            return None
        return self._line

    def _line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        self._left -= 1
        if self._left <= 0:
            return None
        code = frame.f_code
        names = self.seen.setdefault((code.co_filename, code.co_qualname), {})
        for name, value in inspect.getargvalues(frame).locals.items():
            names.setdefault(name, set()).add(type(value).__name__)
        if event == "return":
            names.setdefault("return", set()).add(type(argument).__name__)
        return self._line

    def to_json(self) -> list[list[Any]]:
        return [
            [file, function, {name: sorted(types) for name, types in names.items()}]
            for (file, function), names in sorted(self.seen.items())
        ]
