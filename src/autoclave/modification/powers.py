"""What code could do by what it imports and names: the powers that a change adds."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Callable, Mapping

from .import_time import at_import
from .power_reader import PowerReader
from .reports_made import reports_made

Read = Callable[[str], Counter[str]]


def powers(source: str, *, own: frozenset[str] = frozenset()) -> Counter[str]:
    """`family: name` with counts. `own` are the top-level modules that belong to the code."""
    tree = parsed(source)
    reader = PowerReader(own)
    reader.visit(tree)
    return reader.found


def new_powers(
    before: Mapping[str, str], after: Mapping[str, str], *, own: frozenset[str] = frozenset()
) -> Counter[str]:
    """What the files of `after` can do and those of `before` could not, or not so often."""
    new = more(before, after, lambda source: powers(source, own=own))
    new += more(before, after, lambda source: at_import(parsed(source)))
    lost = more(after, before, lambda source: reports_made(parsed(source)))
    return new + Counter({f"silence: {name} is gone": count for name, count in lost.items()})


def more(before: Mapping[str, str], after: Mapping[str, str], read: Read) -> Counter[str]:
    """What there is more of in all files of `after` than in all of `before`."""
    return _sum(after, read) - _sum(before, read)


def parsed(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _sum(files: Mapping[str, str], read: Read) -> Counter[str]:
    return sum((read(source) for source in files.values()), Counter[str]())
