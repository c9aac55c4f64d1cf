"""What an operator sees and what it gives: a site in the code and rewrites of it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..source import Function, Scope, Source, Splice


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One way to change the code at a site."""

    splices: tuple[Splice, ...]
    weight: float = 1.0
    """How much likelier than the others of its family at this site."""
    kind: str = ""
    """Finer than the type of the node, when an operator knows better."""


@dataclass(frozen=True, slots=True)
class Site:
    """One node of a function under suspicion."""

    source: Source
    function: Function
    scope: Scope
    node: ast.AST

    @property
    def parent(self) -> ast.AST:
        return self.source.parents[self.node]

    def text(self, node: ast.AST) -> str:
        return self.source.text(node)

    def put(self, node: ast.AST, text: str, *, weight: float = 1.0, kind: str = "") -> Rewrite:
        """Replace an expression; brackets are added where the text would fall apart."""
        start, end = self.source.span(node)
        if self._needs_brackets(node, text):
            text = f"({text})"
        return Rewrite((Splice(start, end, text),), weight, kind)

    def put_raw(self, node: ast.AST, text: str, *, weight: float = 1.0, kind: str = "") -> Rewrite:
        start, end = self.source.span(node)
        return Rewrite((Splice(start, end, text),), weight, kind)

    def between(self, left: ast.AST, right: ast.AST, text: str) -> Splice:
        """Replace the operator that stands between two operands."""
        return between(self.source, left, right, text)

    def put_operator(
        self, left: ast.AST, right: ast.AST, text: str, *, weight: float = 1.0, kind: str = ""
    ) -> Rewrite:
        return Rewrite((self.between(left, right, text),), weight, kind)

    def _needs_brackets(self, node: ast.AST, text: str) -> bool:
        if is_atomic(text):
            return False
        start, end = self.source.span(node)
        data = self.source.data
        if data[start - 1 : start] == b"(" and data[end : end + 1] == b")":
            return _top_kind(text) is ast.Tuple and isinstance(self.parent_of(node), ast.Call)
        parent = self.parent_of(node)
        if isinstance(parent, ast.Compare | ast.BoolOp) and _top_kind(text) in _TIGHT:
            return False
        free = isinstance(
            parent,
            ast.Assign | ast.AugAssign | ast.Return | ast.If | ast.While | ast.Expr | ast.Assert,
        )
        if isinstance(parent, ast.Call | ast.Subscript | ast.keyword):
            free = node is not getattr(parent, "func", None) and (
                node is not getattr(parent, "value", None) or isinstance(parent, ast.keyword)
            )
            free = free and _top_kind(text) is not ast.Tuple
        if isinstance(parent, ast.For):
            free = node is parent.iter
        return not free

    def parent_of(self, node: ast.AST) -> ast.AST:
        return self.source.parents[node]


Make = Callable[[Site], Iterator[Rewrite]]


@dataclass(frozen=True, slots=True)
class Operator:
    """A family of rewrites for some kinds of nodes."""

    family: str
    nodes: tuple[type[ast.AST], ...]
    make: Make


_TIGHT = (ast.BinOp, ast.UnaryOp, ast.Await)
_ATOMS = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.DictComp,
    ast.SetComp,
    ast.JoinedStr,
)


@functools.lru_cache(maxsize=4096)
def _top_kind(text: str) -> type[ast.AST] | None:
    try:
        return type(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError):
        return None


@functools.lru_cache(maxsize=4096)
def is_atomic(text: str) -> bool:
    """Can stand anywhere in an expression without brackets."""
    kind = _top_kind(text)
    if kind is None or kind in _ATOMS:
        return True
    return text.startswith("(") and text.endswith(")") and _closes_at_end(text)


def _closes_at_end(text: str) -> bool:
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return place == len(text) - 1
    return False


def bracketed(text: str) -> str:
    """`text` so that it can be an operand."""
    return text if is_atomic(text) else f"({text})"


def between(source: Source, left: ast.AST, right: ast.AST, text: str) -> Splice:
    """The operator between two operands, brackets and blanks around it kept."""
    start, end = source.span(left)[1], source.span(right)[0]
    gap = source.data[start:end].decode()
    head = len(gap) - len(gap.lstrip(" )\\\r\n\t"))
    tail = len(gap) - len(gap.rstrip(" (\\\r\n\t"))
    return Splice(
        start + len(gap[:head].encode()), end - len(gap[len(gap) - tail :].encode()), text
    )


def is_load(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
