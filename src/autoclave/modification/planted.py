"""Tests that have to fail: they show that the code under test can't make every test pass."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

_HELPER = '''
class {name}:
    """Equal to nothing."""

    def __eq__(self, other):
        return False

    __hash__ = None

    @classmethod
    def claims(cls, value, depth=6):
        """Whether the value, or anything in it, claims to equal what nothing equals."""
        if value == cls():
            return True
        if depth == 0:
            return False
        inside = []
        if isinstance(value, dict):
            inside = [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set, frozenset)):
            inside = list(value)
        elif hasattr(value, "__dict__") and not callable(value):
            inside = list(vars(value).values())
        return any(cls.claims(item, depth - 1) for item in inside[:1000])
'''

_MUST_FAIL = """
def test_{name}():
    assert [1] == [2]


def test_{name}_raises():
    raise RuntimeError("planted")
"""


def must_fail(name: str) -> str:
    """The source of two tests that no honest run can pass."""
    return _MUST_FAIL.format(name=name)


def twin(source: str, name: str) -> str | None:
    """The same tests with every `assert a == b` made impossible; None when there is none.

    A twin that passes met an object that equals everything, or patched machinery.
    """
    tree = ast.parse(source)
    planter = _Planter(name)
    planter.visit(tree)
    if not planter.count:
        return None
    place = _behind_future_imports(tree)
    tree.body[place:place] = ast.parse(_HELPER.format(name=name)).body
    return ast.unparse(ast.fix_missing_locations(tree))


def twin_path(path: str, name: str) -> str:
    """Where the twin of a test file stands: beside it, under a name that nobody can guess."""
    return str(PurePosixPath(path).with_name(f"test_{name}.py"))


class _Planter(ast.NodeTransformer):
    def __init__(self, name: str) -> None:
        self.count = 0
        self._name = name

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        test = node.test
        if not (isinstance(test, ast.Compare) and [type(op) for op in test.ops] == [ast.Eq]):
            return node
        self.count += 1
        sides = [self._claims(test.left), self._claims(test.comparators[0])]
        return ast.Assert(test=ast.BoolOp(op=ast.Or(), values=list(sides)), msg=None)

    def _claims(self, value: ast.expr) -> ast.expr:
        claims = ast.Attribute(
            value=ast.Name(id=self._name, ctx=ast.Load()), attr="claims", ctx=ast.Load()
        )
        return ast.Call(func=claims, args=[value], keywords=[])


def _behind_future_imports(tree: ast.Module) -> int:
    for index, item in enumerate(tree.body):
        is_docstring = index == 0 and isinstance(item, ast.Expr)
        is_future = isinstance(item, ast.ImportFrom) and item.module == "__future__"
        if not (is_docstring or is_future):
            return index
    return len(tree.body)
