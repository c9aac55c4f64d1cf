"""Takes an old change back while keeping what was changed since, definition by definition."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from ..domain.errors import AutoclaveError
from .source_form import parse
from .targets import Source, Target

_REST = ""
"""Stands for the text of a module outside its functions."""


def changed_definitions(before: bytes | None, after: bytes | None) -> frozenset[str]:
    """Functions whose text differs, and "" when anything outside functions does."""
    old, new = _pieces(before), _pieces(after)
    return frozenset(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def without(change: tuple[bytes | None, bytes | None], now: bytes | None) -> bytes | None:
    """`now` with the change (before, after) taken back; functions changed since are kept.

    Raises KeyError naming what both changed, "" for text outside functions.
    """
    before, after = change
    if now == after:
        return before
    mine, since = changed_definitions(before, after), changed_definitions(after, now)
    clash = sorted(mine & since)
    shell = _REST in mine or before is None or after is None or now is None
    if clash or shell:
        raise KeyError(clash[0] if clash else _REST)
    return _put_back(_text(now), mine, _functions(_text(before)))


def _put_back(now: str, names: frozenset[str], old: Mapping[str, str]) -> bytes:
    standing = _targets(Source(now))
    for name in sorted(names, key=lambda n: standing[n].start, reverse=True):
        target = standing[name]
        now = now[: target.start] + old[name] + now[target.end :]
    parse(now, "the merged file")
    return now.encode("utf-8")


def _pieces(data: bytes | None) -> dict[str, str]:
    """Outermost functions by name, and what is left of the file under the empty name."""
    if data is None:
        return {}
    text = data.decode("utf-8", "replace")
    try:
        targets = _targets(Source(text))
    except AutoclaveError:
        return {_REST: text}
    rest, at = [], 0
    for name, target in sorted(targets.items(), key=lambda item: item[1].start):
        rest += [text[at : target.start], f"<{name}>"]
        at = target.end
    return {**_functions(text), _REST: "".join([*rest, text[at:]])}


def _functions(text: str) -> dict[str, str]:
    return {name: text[t.start : t.end] for name, t in _targets(Source(text)).items()}


def _targets(source: Source) -> dict[str, Target]:
    """The outermost functions (methods too); a name that is used twice counts as no function."""
    found: dict[str, Target] = {}
    end = 0
    for target in sorted(source.targets, key=lambda t: t.start):
        alone = len(source.named(target.name)) == 1
        if isinstance(target.node, cst.FunctionDef) and target.start >= end and alone:
            found[target.name] = target
            end = target.end
    return found


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8")
