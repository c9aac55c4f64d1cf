"""Other operators and operands in the same places: comparisons, arithmetic, logic."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..source import Splice
from .base import Operator, Rewrite, Site, bracketed

COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_CLOSE = {
    "<": {"<=": 3.0, ">": 2.0, ">=": 1.5},
    "<=": {"<": 3.0, ">=": 2.0, ">": 1.5},
    ">": {">=": 3.0, "<": 2.0, "<=": 1.5},
    ">=": {">": 3.0, "<=": 2.0, "<": 1.5},
    "==": {"!=": 3.0, "<=": 1.0, ">=": 1.0, "is": 0.3, "in": 0.5},
    "!=": {"==": 3.0, "<": 1.0, ">": 1.0, "is not": 0.3, "not in": 0.5},
    "is": {"is not": 3.0, "==": 1.0},
    "is not": {"is": 3.0, "!=": 1.0},
    "in": {"not in": 3.0, "==": 0.5},
    "not in": {"in": 3.0, "!=": 0.5},
}
BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
}
_NEAR = {
    "+": "- * | //",
    "-": "+ * // /",
    "*": "+ ** // - /",
    "/": "// * %",
    "//": "/ % * -",
    "%": "// / *",
    "**": "* //",
    "<<": ">> *",
    ">>": "<< //",
    "|": "& ^ +",
    "&": "| ^ -",
    "^": "& | **",
}


def compare(site: Site) -> Iterator[Rewrite]:
    """Another comparison operator."""
    node = site.node
    assert isinstance(node, ast.Compare)  # noqa: S101 (the table below says so)
    operands = [node.left, *node.comparators]
    for place, operator in enumerate(node.ops):
        old = COMPARE[type(operator)]
        for new, weight in _CLOSE[old].items():
            yield site.put_operator(
                operands[place],
                operands[place + 1],
                new,
                weight=weight,
                kind=type(operator).__name__,
            )


def arithmetic(site: Site) -> Iterator[Rewrite]:
    """Another arithmetic or bit operator, or the one of an augmented assignment."""
    node = site.node
    if isinstance(node, ast.AugAssign):
        old = BINARY.get(type(node.op), "")
        near = _NEAR.get(old, "").split()
        for new in [*near, "", *(o for o in BINARY.values() if o not in (*near, old))]:
            weight = 1.0 if new in near else 0.3
            yield site.put_operator(node.target, node.value, f"{new}=", weight=weight)
    elif isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        old = BINARY[type(node.op)]
        near = _NEAR[old].split()
        for place, new in enumerate(near):
            yield site.put_operator(node.left, node.right, new, weight=1.0 / (1 + place))
        for new in ("%", "//", "/", "**"):
            if new not in (*near, old):
                yield site.put_operator(node.left, node.right, new, weight=0.2)


def logic(site: Site) -> Iterator[Rewrite]:
    """`and` for `or` and back."""
    node = site.node
    assert isinstance(node, ast.BoolOp)  # noqa: S101
    new = "or" if isinstance(node.op, ast.And) else "and"
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield site.put_operator(left, right, new)


def negate(site: Site) -> Iterator[Rewrite]:
    """Drop or add `not`, a minus or an inversion."""
    node = site.node
    if isinstance(node, ast.UnaryOp):
        yield site.put(node, site.text(node.operand), kind="UnaryOp", weight=3.0)
    elif isinstance(node, ast.Compare):
        if len(node.ops) > 1:
            yield site.put(node, f"not ({site.text(node)})")
    elif isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.BoolOp | ast.Subscript):
        parent = site.parent
        tests = isinstance(parent, ast.If | ast.While | ast.IfExp) and node is parent.test
        if tests or isinstance(parent, ast.BoolOp | ast.Return | ast.comprehension):
            yield site.put(node, f"not {bracketed(site.text(node))}", kind="truth")
        elif not isinstance(parent, ast.Attribute) and isinstance(node, ast.Name | ast.Subscript):
            yield site.put(node, f"-{site.text(node)}", weight=0.3, kind="minus")


def swap_operands(site: Site) -> Iterator[Rewrite]:
    """`a - b` becomes `b - a`; neighbours in deeper trees change places too."""
    node = site.node
    if isinstance(node, ast.BinOp):
        if not (isinstance(node.op, ast.Add | ast.Mult) and _numeric(node)):
            yield _exchange(site, node.left, node.right)
        if isinstance(node.left, ast.BinOp):
            yield _exchange(site, node.left.right, node.right)
            yield _regroup(site, node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield _exchange(site, node.left, node.comparators[0])
    elif isinstance(node, ast.BoolOp):
        yield _exchange(site, node.values[0], node.values[1])
    elif isinstance(node, ast.IfExp):
        yield _exchange(site, node.body, node.orelse)


def _regroup(site: Site, node: ast.BinOp) -> Rewrite:
    """`a + b * c` and `(a + b) * c`: the other grouping of three operands."""
    assert isinstance(node.left, ast.BinOp)  # noqa: S101
    first, second = BINARY[type(node.left.op)], BINARY[type(node.op)]
    a, b, c = (bracketed(site.text(n)) for n in (node.left.left, node.left.right, node.right))
    return site.put(node, f"{a} {first} ({b} {second} {c})", weight=0.7, kind="group")


def _numeric(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.Constant) and isinstance(side.value, int | float)
        for side in (node.left, node.right)
    )


def _exchange(site: Site, one: ast.expr, other: ast.expr) -> Rewrite:
    first = site.put(one, site.text(other)).splices[0]
    second = site.put(other, site.text(one)).splices[0]
    return Rewrite((first, second))


def drop_operand(site: Site) -> Iterator[Rewrite]:
    """One side of an operation alone."""
    node = site.node
    if isinstance(node, ast.BinOp):
        yield site.put(node, site.text(node.left))
        yield site.put(node, site.text(node.right))
    elif isinstance(node, ast.BoolOp):
        for place, value in enumerate(node.values):
            rest = [v for v in node.values if v is not value]
            if len(rest) == 1:
                yield site.put(node, site.text(rest[0]), kind="BoolOp")
            else:
                yield _cut_value(site, node.values, place)
    elif isinstance(node, ast.IfExp):
        yield site.put(node, site.text(node.body))
        yield site.put(node, site.text(node.orelse))


def _cut_value(site: Site, values: list[ast.expr], place: int) -> Rewrite:
    spans = [site.source.span(v) for v in values]
    start, end = (
        (spans[place][0], spans[place + 1][0])
        if place + 1 < len(spans)
        else (spans[place - 1][1], spans[place][1])
    )
    return Rewrite((Splice(start, end, ""),), kind="BoolOp")


OPERATORS = (
    Operator("compare", (ast.Compare,), compare),
    Operator("arithmetic", (ast.BinOp, ast.AugAssign), arithmetic),
    Operator("logic", (ast.BoolOp,), logic),
    Operator(
        "negate",
        (
            ast.UnaryOp,
            ast.Compare,
            ast.Name,
            ast.Call,
            ast.Attribute,
            ast.BoolOp,
            ast.Subscript,
        ),
        negate,
    ),
    Operator("swap_operands", (ast.BinOp, ast.Compare, ast.BoolOp, ast.IfExp), swap_operands),
    Operator("drop_operand", (ast.BinOp, ast.BoolOp, ast.IfExp), drop_operand),
)
