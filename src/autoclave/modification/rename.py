"""Renames a definition and its uses inside one file; says no where a use can't be told apart."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

import libcst as cst
import libcst.matchers as m
from libcst.metadata import ClassScope, PositionProvider, Scope, ScopeProvider

from ..domain.errors import Conflict, InvalidInput
from .splice import Splice
from .targets import Source, Target


def rename(source: Source, target: Target, new: str) -> list[Splice]:
    """One splice for each place where the old name stands for the target."""
    if target.node is None:
        raise InvalidInput("the module has no name to change")
    old = target.name.rsplit(".", maxsplit=1)[-1]
    _check_new(source, old=old, new=new)
    _check_not_spelled_out(source, old)
    scope = source.wrapper.resolve(ScopeProvider)[_scope_node(target, old)]
    if scope is None:
        raise Conflict(f"{target.name} stands in no scope that can be followed")
    names = list(_names_in(scope, old))
    if isinstance(scope, ClassScope):
        names += _attributes(source, target, old)
    positions = source.wrapper.resolve(PositionProvider)
    spans = {source.span(positions[name]) for name in names}
    return [Splice(start, end, new) for start, end in sorted(spans)]


def _check_new(source: Source, *, old: str, new: str) -> None:
    if not new.isidentifier() or not new.isascii() or keyword.iskeyword(new):
        raise InvalidInput(f"{new!r} is no plain name")
    if new == old:
        raise Conflict(f"{old} has that name already; the edit would change nothing")
    if m.findall(source.module, m.Name(value=new)):
        raise Conflict(
            f"{source.file} uses the name {new} already", hint="choose a name that is free there"
        )


def _check_not_spelled_out(source: Source, old: str) -> None:
    """Names in strings and in `global` lines are uses that can't be followed."""
    quoted = [f'"{old}"', f"'{old}'"]
    strings = m.OneOf(*(m.SimpleString(value=text) for text in quoted))
    if m.findall(source.module, strings) or m.findall(
        source.module, m.NameItem(name=m.Name(value=old))
    ):
        raise Conflict(
            f"{source.file} also names {old} in a string or a global statement",
            hint="change those places and the definition in one replacement each",
        )


def _scope_node(target: Target, old: str) -> cst.CSTNode:
    if isinstance(target.node, cst.SimpleStatementLine):
        return next(iter(m.findall(target.node, m.Name(value=old))))
    return target.node or cst.Name(old)


def _names_in(scope: Scope, old: str) -> Iterator[cst.Name]:
    for assignment in scope[old]:
        node = getattr(assignment, "node", None)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            yield node.name
        elif isinstance(node, cst.Name):
            yield node
        else:
            raise Conflict(f"{old} is also bound by an import or a parameter")
        for access in assignment.references:
            if isinstance(access.node, cst.Name):
                yield access.node
            elif isinstance(access.node, cst.Attribute):
                yield from _leftmost(access.node, old)


def _leftmost(node: cst.BaseExpression, old: str) -> Iterator[cst.Name]:
    while isinstance(node, cst.Attribute):
        node = node.value
    if isinstance(node, cst.Name) and node.value == old:
        yield node


def _attributes(source: Source, target: Target, old: str) -> list[cst.Name]:
    """`self.old`, `cls.old` inside the class and `Class.old`; any other owner is a Conflict."""
    owner_name = target.name.rsplit(".", maxsplit=1)[0]
    owner = source.named(owner_name)[0].node
    inside = {id(node) for node in m.findall(owner, m.Attribute())} if owner else set()
    found: list[cst.Name] = []
    for node in m.findall(source.module, m.Attribute(attr=m.Name(value=old))):
        if not isinstance(node, cst.Attribute):
            continue
        value = node.value.value if isinstance(node.value, cst.Name) else ""
        own = value in ("self", "cls") and id(node) in inside
        if not own and value != owner_name.rsplit(".", maxsplit=1)[-1]:
            raise Conflict(
                f"{source.file} uses .{old} on something that may or may not be {owner_name}",
                hint="replace the definition and each use by name instead",
            )
        found.append(node.attr)
    return found
