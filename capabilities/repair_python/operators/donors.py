"""Expressions taken from elsewhere in the same function or module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import Operator, Rewrite, Site, is_load
from .names import likeness

_KINDS = (ast.Call, ast.BinOp, ast.Subscript, ast.Attribute, ast.Compare, ast.List, ast.Dict)
_SMALL = 60


def donor(site: Site) -> Iterator[Rewrite]:
    """Another expression of the same function in this place."""
    node = site.node
    if not is_load(node) or isinstance(site.parent, ast.Attribute):
        return
    if isinstance(site.parent, ast.Call) and node is site.parent.func:
        return
    text = site.text(node)
    for new, kind in _expressions(site):
        if new != text:
            alike = 1.5 if kind is type(node) else 0.6
            yield site.put(node, new, weight=alike * likeness(site, text, new))


def _expressions(site: Site) -> list[tuple[str, type[ast.AST]]]:
    found: dict[str, type[ast.AST]] = {}
    for inner in ast.walk(site.function.node):
        if isinstance(inner, _KINDS) and is_load(inner):
            text = site.text(inner)
            called = isinstance(site.source.parents[inner], ast.Call) and isinstance(
                inner, ast.Attribute
            )
            if len(text) <= _SMALL and "\n" not in text and not called:
                found.setdefault(text, type(inner))
    return list(found.items())


OPERATORS = (
    Operator(
        "donor",
        (
            ast.Name,
            ast.Call,
            ast.BinOp,
            ast.Subscript,
            ast.Attribute,
            ast.Constant,
            ast.List,
            ast.Dict,
            ast.Compare,
        ),
        donor,
    ),
)
