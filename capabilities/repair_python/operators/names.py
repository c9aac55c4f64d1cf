"""Other names, attributes and targets; elements in another order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import Operator, Rewrite, Site, bracketed, is_load


def name(site: Site) -> Iterator[Rewrite]:
    """Another name that is in scope; names of the same observed type first."""
    node = site.node
    assert isinstance(node, ast.Name)  # noqa: S101
    if not is_load(node) or (isinstance(site.parent, ast.Call) and node is site.parent.func):
        return
    for new in [*site.scope.names, *site.scope.attributes[:6], *site.scope.module_names[:8]]:
        if new != node.id:
            yield site.put(node, new, weight=likeness(site, node.id, new))


def likeness(site: Site, old: str, new: str) -> float:
    """How well the observed types of two expressions agree."""
    one, other = site.scope.types.get(old), site.scope.types.get(new)
    if not one or not other:
        return 0.7
    return 1.6 if one & other else 0.25


def attribute(site: Site) -> Iterator[Rewrite]:
    """Another attribute of the same owner, as seen in the module."""
    node = site.node
    assert isinstance(node, ast.Attribute)  # noqa: S101
    owner = site.text(node.value)
    called = isinstance(site.parent, ast.Call) and node is site.parent.func
    for new in site.scope.attributes:
        base, _, last = new.rpartition(".")
        if base == owner and last != node.attr:
            yield site.put_raw(node, new, kind="called" if called else "value")
    if is_load(node) and not called:
        for new in site.scope.names:
            yield site.put(node, new, weight=0.4, kind="name")


def target(site: Site) -> Iterator[Rewrite]:
    """What is assigned goes to another name; plain and augmented assignment change places."""
    node = site.node
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        goal = node.targets[0]
        if isinstance(goal, ast.Name):
            yield from _other_names(site, goal, "name", 1.0)
        if isinstance(goal, ast.Name | ast.Attribute | ast.Subscript):
            for operator in ("+=", "-=", "*=", "|="):
                yield site.put_operator(goal, node.value, operator, weight=0.5, kind="augment")
        if isinstance(goal, ast.Subscript):
            yield from _element_targets(site, goal)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield from _other_names(site, node.target, "name", 1.0)
    elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
        yield from _other_names(site, node.target, "loop", 0.3)


def _other_names(site: Site, goal: ast.Name, kind: str, weight: float) -> Iterator[Rewrite]:
    for new in site.scope.names:
        if new != goal.id:
            yield site.put_raw(goal, new, weight=weight * likeness(site, goal.id, new), kind=kind)


def _element_targets(site: Site, goal: ast.Subscript) -> Iterator[Rewrite]:
    owner = site.text(goal.value)
    for new in site.scope.names[:8]:
        if new != site.text(goal.slice):
            yield site.put_raw(goal, f"{owner}[{new}]", weight=0.5, kind="element")


def order(site: Site) -> Iterator[Rewrite]:
    """Elements of a tuple or list change places."""
    node = site.node
    assert isinstance(node, ast.Tuple | ast.List)  # noqa: S101
    elements = node.elts
    for first in range(len(elements)):
        for second in range(first + 1, min(len(elements), 6)):
            one, other = elements[first], elements[second]
            yield Rewrite(
                (
                    *site.put_raw(one, site.text(other)).splices,
                    *site.put_raw(other, site.text(one)).splices,
                )
            )


def keys(site: Site) -> Iterator[Rewrite]:
    """A subscript with another key, or of another thing; an element instead of the whole."""
    node = site.node
    assert isinstance(node, ast.Subscript)  # noqa: S101
    if isinstance(node.slice, ast.Slice):
        return
    value, key = site.text(node.value), site.text(node.slice)
    for new in [*site.scope.names, "0", "-1"]:
        if new not in (key, value):
            yield site.put_raw(node, f"{value}[{new}]", kind="key")
    if is_load(node):
        yield site.put(node, f"{value}.get({key})", weight=0.3, kind="get")
        yield site.put(node, f"{value}.get({key}, 0)", weight=0.3, kind="get")


def compose(site: Site) -> Iterator[Rewrite]:
    """An expression together with a name in scope."""
    node = site.node
    if not is_load(node) or not _composable(site):
        return
    text = bracketed(site.text(node))
    mine = site.scope.types.get(site.text(node), set())
    for new in [*site.scope.names[:10], *site.scope.attributes[:3]]:
        if new == text:
            continue
        theirs = site.scope.types.get(new, set())
        weight = 1.0 if not mine or not theirs or mine & theirs else 0.1
        for operator in ("+", "-", "*", "//", "%"):
            yield site.put(node, f"{text} {operator} {new}", weight=weight, kind="operation")
        yield site.put(node, f"{new} - {text}", weight=weight * 0.6, kind="operation")
        yield site.put(node, f"{new} + {text}", weight=weight * 0.4, kind="operation")
        for function in ("max", "min"):
            yield site.put(node, f"{function}({text}, {new})", weight=weight, kind="extreme")
        containers = {"list", "tuple", "dict", "str", "defaultdict", "Counter", "deque"}
        if not theirs or theirs & containers:
            yield site.put(node, f"{new}[{site.text(node)}]", weight=0.6, kind="element")
        if isinstance(node, ast.Name | ast.Attribute) and (not mine or mine & containers):
            yield site.put(node, f"{text}[{new}]", weight=0.6, kind="element")
    if isinstance(node, ast.Name | ast.Attribute) and (not mine or mine & {"list", "tuple", "str"}):
        for new in ("0", "-1", "1:", ":-1"):
            yield site.put(node, f"{text}[{new}]", weight=0.8, kind="element")


def _composable(site: Site) -> bool:
    node, parent = site.node, site.parent
    if isinstance(parent, ast.Attribute | ast.Expr | ast.keyword):
        return False
    if isinstance(parent, ast.Call) and node is parent.func:
        return False
    return not isinstance(node, ast.Constant) or isinstance(node.value, int | float | str)


OPERATORS = (
    Operator("name", (ast.Name,), name),
    Operator("attribute", (ast.Attribute,), attribute),
    Operator("target", (ast.Assign, ast.AugAssign, ast.For), target),
    Operator("order", (ast.Tuple, ast.List), order),
    Operator("key", (ast.Subscript,), keys),
    Operator(
        "compose",
        (
            ast.Name,
            ast.Attribute,
            ast.Call,
            ast.Subscript,
            ast.Constant,
            ast.ListComp,
            ast.List,
        ),
        compose,
    ),
)
