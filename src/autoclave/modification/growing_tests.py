"""What a change of tests alone may do: add tests. Those that there are stay as they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .names import Names

_KINDS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.Assign)
_LETS_PASS = frozenset({"skip", "skipif", "xfail", "importorskip", "autouse", "exit"})
_HOOKS = ("pytest", "__", "collect_ignore")


def weakness(before: str, after: str) -> str:
    """What makes the tests judge more kindly than they did; empty when nothing does."""
    old, new = ast.parse(before), ast.parse(after)
    added = list(new.body)
    left = iter(added)
    kept: list[ast.stmt] = []
    for statement in old.body:
        found = next((each for each in left if ast.dump(each) == ast.dump(statement)), None)
        if found is None:
            return f"{_named(statement)} is changed, moved or gone"
        kept.append(found)
    used = _names_in(old)
    fresh = [each for each in added if not any(each is one for one in kept)]
    return next((why for each in fresh if (why := _objection(each, used))), "")


def _objection(statement: ast.stmt, used: frozenset[str]) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return ""
    if not isinstance(statement, _KINDS):
        return f"line {statement.lineno} is neither a function, an import nor a value"
    bound = set(_bound(statement))
    if taken := sorted(bound & used):
        return f"{taken[0]} is a name that the tests use already"
    if special := sorted(name for name in bound if name.startswith(_HOOKS) and name != "pytest"):
        return f"{special[0]} is a hook of the test runner"
    if kind := next((word for word in _words(statement) if word in _LETS_PASS), ""):
        return f"{'/'.join(sorted(bound))} uses {kind}, which lets tests pass unseen"
    is_function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
    if is_function and any(n.startswith("test") for n in bound) and not _asserts(statement):
        return f"{'/'.join(sorted(bound))} asserts nothing"
    return ""


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.split(".")[0]
    else:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _names_in(tree: ast.Module) -> frozenset[str]:
    """Every name that the tests define, use or ask for as a fixture."""
    found = {each for statement in tree.body for each in _bound(statement)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return frozenset(found)


def _words(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias):
            yield node.name


def _asserts(statement: ast.stmt) -> bool:
    names = Names(statement)
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and names.resolve(node.func).endswith("raises"))
        for node in ast.walk(statement)
    )


def _named(statement: ast.stmt) -> str:
    return next(_bound(statement), f"line {statement.lineno}")
