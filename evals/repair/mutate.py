"""A mutation tool of its own: seeds one defect by rewriting one node of a function."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator

Change = Callable[[], None]
"""Makes one mutation in place, in a copy of the tree."""

_BINARY = [ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod]
_COMPARE = [ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq]


def mutants(text: str, function: str, *, seed: str, most: int) -> Iterator[str]:
    """Texts of the module, each with one defect in the function; other lines keep their bytes."""
    tree = ast.parse(text)
    node = _find(tree, function)
    r = random.Random(seed)  # noqa: S311
    count = len(list(_changes(node, random.Random(0))))  # noqa: S311
    for number in r.sample(range(count), min(most, count)):
        fresh = copy.deepcopy(node)
        list(_changes(fresh, r))[number][1]()
        changed = _replace(text, node, fresh)
        if changed is not None and ast.dump(ast.parse(changed)) != ast.dump(tree):
            yield changed


def _find(tree: ast.Module, name: str) -> ast.FunctionDef:
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    if not found:
        raise ValueError(f"no function {name}")
    return found[-1]


def _replace(text: str, old: ast.FunctionDef, new: ast.FunctionDef) -> str | None:
    """Only the lines of statements that differ are written anew."""
    lines = text.split("\n")
    pair = _smallest(old, new)
    if pair is None:
        return None
    before, after = pair
    if before.end_lineno is None:
        return None
    pad = " " * before.col_offset
    fresh = ast.unparse(ast.fix_missing_locations(after)).split("\n") if after else ["pass"]
    lines[before.lineno - 1 : before.end_lineno] = [pad + line for line in fresh]
    changed = "\n".join(lines)
    try:
        compile(changed, "mutant", "exec")
    except SyntaxError:
        return None
    return changed


def _smallest(old: ast.AST, new: ast.AST) -> tuple[ast.stmt, ast.stmt | None] | None:
    """The innermost statement that holds the difference."""
    for name in ("body", "orelse", "handlers", "finalbody"):
        mine, theirs = getattr(old, name, []), getattr(new, name, [])
        if not isinstance(mine, list):
            continue
        if len(mine) != len(theirs):
            return _as_block(old, new)
        for one, other in zip(mine, theirs, strict=True):
            if ast.dump(one) != ast.dump(other):
                inner = _smallest(one, other) if _same_head(one, other) else None
                return inner or _as_block(one, other)
    return None


def _as_block(old: ast.AST, new: ast.AST) -> tuple[ast.stmt, ast.stmt] | None:
    if isinstance(old, ast.stmt) and isinstance(new, ast.stmt):
        return old, new
    return None


def _same_head(one: ast.AST, other: ast.AST) -> bool:
    if type(one) is not type(other) or not hasattr(one, "body"):
        return False
    blocks = ("body", "orelse", "handlers", "finalbody")
    heads = [(n, v) for n, v in ast.iter_fields(one) if n not in blocks]
    others = [(n, v) for n, v in ast.iter_fields(other) if n not in blocks]
    return repr([_shown(v) for v in heads]) == repr([_shown(v) for v in others])


def _shown(pair: tuple[str, object]) -> str:
    value = pair[1]
    return ast.dump(value) if isinstance(value, ast.AST) else repr(value)


def _changes(function: ast.FunctionDef, r: random.Random) -> Iterator[tuple[str, Change]]:
    names = sorted({n.id for n in ast.walk(function) if isinstance(n, ast.Name)})
    local = [n for n in names if n in _bound(function)]
    for node in ast.walk(function):
        if node is function:
            continue
        yield from _on_expression(node, local, r)
        for block in ("body", "orelse"):
            statements = getattr(node, block, None)
            if isinstance(statements, list) and statements:
                yield from _on_block(statements)
    yield from _on_block(function.body)


def _bound(function: ast.FunctionDef) -> set[str]:
    stored = {
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return stored | {a.arg for a in function.args.args}


def _on_expression(
    node: ast.AST, names: list[str], r: random.Random
) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Constant():
            yield from _on_constant(node, r)
        case ast.Compare() | ast.BinOp() | ast.BoolOp() | ast.UnaryOp():
            yield from _on_operator(node, r)
        case ast.Call(args=[_, _, *_]):
            yield "arguments", lambda: node.args.reverse()
            yield "argument lost", lambda: node.args.__delitem__(-1)
        case ast.Name(ctx=ast.Load(), id=name) if name in names:
            others = [n for n in names if n != name]
            if others:
                yield "name", lambda: setattr(node, "id", r.choice(others))
        case ast.Slice(lower=ast.expr()):
            yield "slice", lambda: setattr(node, "lower", None)
        case ast.If() | ast.While() | ast.IfExp():
            yield "condition", lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))


def _on_operator(
    node: ast.Compare | ast.BinOp | ast.BoolOp | ast.UnaryOp, r: random.Random
) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=[operator, *_]) if type(operator) in _COMPARE:
            kinds = [k for k in _COMPARE if k is not type(operator)]
            yield "comparison", lambda: node.ops.__setitem__(0, r.choice(kinds)())
        case ast.BinOp(op=operator) if type(operator) in _BINARY:
            others = [k for k in _BINARY if k is not type(operator)]
            yield "operator", lambda: setattr(node, "op", r.choice(others)())
            if not isinstance(operator, ast.Add | ast.Mult):
                yield "operands", lambda: _swap(node)
        case ast.BoolOp(op=operator):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "logic", lambda: setattr(node, "op", other)
            yield "part lost", lambda: node.values.__delitem__(r.randrange(len(node.values)))
        case ast.UnaryOp(op=ast.Not()):
            yield "negation", lambda: _double(node)


def _on_constant(node: ast.Constant, r: random.Random) -> Iterator[tuple[str, Change]]:
    match node.value:
        case bool(value):
            yield "constant", lambda: setattr(node, "value", not value)
        case int(number):
            yield "constant", lambda: setattr(node, "value", number + r.choice([1, -1]))
        case str(text) if 0 < len(text) < 8:
            yield "text", lambda: setattr(node, "value", text[:-1])


def _swap(node: ast.BinOp) -> None:
    node.left, node.right = node.right, node.left


def _double(node: ast.UnaryOp) -> None:
    node.operand = ast.UnaryOp(ast.Not(), node.operand)


def _on_block(statements: list[ast.stmt]) -> Iterator[tuple[str, Change]]:
    for place, statement in enumerate(statements):
        if _can_be_forgotten(statement):
            yield "statement lost", lambda p=place: statements.__setitem__(p, ast.Pass())  # type: ignore[misc]
        following = statements[place + 1] if place + 1 < len(statements) else None
        if isinstance(statement, _PLAIN) and isinstance(following, _PLAIN):
            yield "order", lambda p=place: _exchange(statements, p)  # type: ignore[misc]
        if isinstance(statement, ast.If) and not statement.orelse and len(statement.body) == 1:
            yield "guard lost", lambda p=place: _unguard(statements, p)  # type: ignore[misc]


_PLAIN = (ast.Assign, ast.AugAssign, ast.Expr)


def _can_be_forgotten(statement: ast.stmt) -> bool:
    """People forget an update, a call or a guard; not a loop, nor a name that is used later."""
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.If):
        return len(statement.body) == 1 and not statement.orelse
    return isinstance(statement, ast.AugAssign | ast.Continue | ast.Break)


def _exchange(statements: list[ast.stmt], place: int) -> None:
    one, other = statements[place], statements[place + 1]
    statements[place], statements[place + 1] = other, one


def _unguard(statements: list[ast.stmt], place: int) -> None:
    guarded = statements[place]
    assert isinstance(guarded, ast.If)
    statements[place] = guarded.body[0]
