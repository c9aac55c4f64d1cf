"""The ways to change code, by family."""

from __future__ import annotations

import ast

from . import calls, conditions, constants, donors, names, statements, swaps
from .base import Operator

EVERY: tuple[Operator, ...] = (
    *swaps.OPERATORS,
    *constants.OPERATORS,
    *calls.OPERATORS,
    *names.OPERATORS,
    *conditions.OPERATORS,
    *statements.OPERATORS,
    *donors.OPERATORS,
)


def for_node(node: ast.AST) -> list[Operator]:
    """The operators that know this kind of node."""
    return _BY_TYPE.get(type(node), [])


_BY_TYPE: dict[type[ast.AST], list[Operator]] = {}
for _operator in EVERY:
    for _type in _operator.nodes:
        _BY_TYPE.setdefault(_type, []).append(_operator)
