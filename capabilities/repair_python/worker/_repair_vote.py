"""Inputs that no test has: arguments seen while tests run, varied, and what a function answers."""

from __future__ import annotations

import ast
import inspect
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import FrameType
from typing import Any

from _repair_fork import TimedOut, at_most

MOST_SEEN = 40
LONGEST = 600
PATIENCE = 5
EACH = 0.05


class Calls:
    """The arguments that one function of a module was called with, as literals."""

    def __init__(self, file: str, function: str) -> None:
        self._file = file
        self._function = function
        self.seen: dict[str, None] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or code.co_qualname != self._function or len(self.seen) >= MOST_SEEN:
            return
        if code.co_filename == self._file:
            values = inspect.getargvalues(frame)
            given = [values.locals[name] for name in values.args[: code.co_argcount]]
            rest = values.locals[values.varargs] if values.varargs else ()
            text = literal((*given, *rest))
            if text:
                self.seen[text] = None


def literal(value: Any) -> str:
    """The value as a literal that gives it back, or nothing."""
    try:
        text = repr(value)
        same = len(text) <= LONGEST and ast.literal_eval(text) == value
    except Exception:  # noqa: BLE001 (a __repr__ or __eq__ of code under test)
        return ""
    return text if same else ""


def varied(seen: list[str], *, most: int, seed: int) -> list[str]:
    """What was seen and neighbours of it, one or two things changed."""
    r = random.Random(seed)  # noqa: S311
    values = [ast.literal_eval(text) for text in seen]
    found = dict.fromkeys(seen)
    for _ in range(most * 6):
        if len(found) >= most or not values:
            break
        arguments = list(r.choice(values))
        if not arguments:
            break
        for _ in range(r.choice((1, 1, 2))):
            place = r.randrange(len(arguments))
            others = [v[place] for v in values if len(v) > place]
            arguments[place] = _neighbour(arguments[place], others, r)
        found[repr(tuple(arguments))] = None
    return list(found)


def _neighbour(value: Any, others: list[Any], r: random.Random) -> Any:
    if others and r.random() < 0.2:
        return r.choice(others)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return r.choice([value + 1, value - 1, value + r.randint(2, 9), value * 2, type(value)(0)])
    if isinstance(value, str):
        return _varied_text(value, r)
    if isinstance(value, list | tuple):
        return type(value)(_varied_items(list(value), r))
    if isinstance(value, dict) and value:
        changed = dict(value)
        key = r.choice(list(changed))
        changed[key] = _neighbour(changed[key], list(changed.values()), r)
        return changed
    return value


def _varied_text(text: str, r: random.Random) -> str:
    if not text:
        return r.choice(["a", " ", "1"])
    place = r.randrange(len(text))
    return r.choice(
        [
            text[:place] + text[place + 1 :],
            text[:place] + text[place] + text[place:],
            text[place:] + text[:place],
            text + r.choice(text),
            text[:place],
        ]
    )


def _varied_items(items: list[Any], r: random.Random) -> list[Any]:
    if not items:
        return items
    place = r.randrange(len(items))
    kind = r.randrange(5)
    if kind == 0:
        del items[place]
    elif kind == 1:
        items.insert(place, items[r.randrange(len(items))])
    elif kind == 2:
        other = r.randrange(len(items))
        items[place], items[other] = items[other], items[place]
    else:
        items[place] = _neighbour(items[place], items, r)
    return items


def answers(function: Any, inputs: list[str]) -> list[str]:
    """What a function gives for each input: its result and what it did to its arguments."""
    found: list[str] = []
    late = 0
    for text in inputs:
        answer = _answer(function, ast.literal_eval(text)) if late < PATIENCE else "late"
        late += answer == "late"
        found.append(answer)
    return found


def _answer(function: Any, arguments: Any) -> str:
    try:
        with at_most(EACH), at_most(EACH * 10, wall=True):
            result = function(*arguments)
            if isinstance(result, Iterator):
                result = list(islice(result, 1000))
            return f"{result!r} {arguments!r}"[:2000]
    except TimedOut:
        return "late"
    except Exception as error:  # noqa: BLE001 (what it raises is its answer)
        return f"raises {type(error).__name__}"
