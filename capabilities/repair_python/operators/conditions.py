"""Conditions made stronger, weaker, opposite or constant, and guards in front of a statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations

from ..source import Splice
from .base import Operator, Rewrite, Site, bracketed


def strengthen(site: Site) -> Iterator[Rewrite]:
    """`c and d`, `c or d`, where `d` is seen elsewhere or about a name in scope."""
    test = _test(site)
    if test is None:
        return
    text = site.text(test)
    wrapped = f"({text})" if isinstance(test, ast.BoolOp | ast.IfExp | ast.Lambda) else text
    for new, weight in extra_conditions(site):
        if new == text:
            continue
        other = f"({new})" if " or " in new or " and " in new else new
        for joined in (f"{wrapped} and {other}", f"{wrapped} or {other}"):
            yield site.put(test, joined, weight=weight, kind=type(site.node).__name__)
        yield site.put(test, f"{other} and {wrapped}", weight=weight * 0.7, kind="before")
        yield site.put(test, f"{other} or {wrapped}", weight=weight * 0.3, kind="before")


def replace_test(site: Site) -> Iterator[Rewrite]:
    """Another condition altogether."""
    test = _test(site)
    if test is None:
        return
    text = site.text(test)
    kind = type(site.node).__name__
    for new, weight in extra_conditions(site):
        if new != text:
            yield site.put(test, new, weight=weight, kind=kind)
    for new in ("True", "False"):
        yield site.put(test, new, weight=0.4, kind=kind)
    if not isinstance(test, ast.UnaryOp) and not isinstance(test, ast.BoolOp):
        yield site.put(test, f"not {bracketed(text)}", weight=1.5, kind="negated")


def _test(site: Site) -> ast.expr | None:
    node = site.node
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return node.test
    if isinstance(node, ast.comprehension):
        return node.ifs[0] if node.ifs else None
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Compare | ast.BoolOp):
        return node.value
    return None


def extra_conditions(site: Site) -> Iterator[tuple[str, float]]:
    """Conditions that could matter here, with weights."""
    for text in site.scope.conditions[:14]:
        yield text, 1.0
        if text.startswith("not "):
            yield text[4:], 0.5
        else:
            yield f"not {bracketed(text)}", 0.6
    names = [*site.scope.names[:8], *site.scope.attributes[:2]]
    for name in names:
        yield from _about(name, site.scope.types.get(name, set()))
    for one, other in permutations(names[:6], 2):
        types, others = (site.scope.types.get(n, set()) for n in (one, other))
        alike = not types or not others or types & others or len(names) <= 3
        if one < other and alike:
            for operator in ("==", "!=", "<", ">", "<=", ">="):
                yield f"{one} {operator} {other}", 0.3
        if not others or others & _CONTAINERS:
            yield f"{one} in {other}", 0.25
            yield f"{one} not in {other}", 0.25


_CONTAINERS = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "str", "deque", "defaultdict", "Counter"}
)


def _about(name: str, types: set[str]) -> Iterator[tuple[str, float]]:
    """Conditions on one name, as its observed types allow."""
    yield name, 0.7
    yield f"not {name}", 0.7
    if not types or "NoneType" in types:
        yield f"{name} is None", 0.7
        yield f"{name} is not None", 0.7
    if not types or types & {"int", "float"}:
        for text in ("== 0", "> 0", "< 0", "== 1", "!= 0", ">= 0", "<= 0"):
            yield f"{name} {text}", 0.4


def answer(site: Site) -> Iterator[Rewrite]:
    """A condition instead of the truth value that is returned."""
    node = site.node
    assert isinstance(node, ast.Return)  # noqa: S101
    truth = isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool)
    if node.value is None or not (truth or "bool" in site.scope.types.get("return", set())):
        return
    for new, weight in extra_conditions(site):
        yield site.put(node.value, new, weight=weight, kind="truth")


def guard(site: Site) -> Iterator[Rewrite]:
    """`if condition: return value` in front of a statement; `continue` and `break` in loops."""
    node = site.node
    assert isinstance(node, ast.stmt)  # noqa: S101
    if not _can_precede(site, node):
        return
    body = getattr(site.function.node, "body", None)
    if not body:
        return  # a statement of the module: there is no function to return from
    at_start = node is body[0] or (node is body[1] if len(body) > 1 and _is_doc(body[0]) else False)
    weight = 2.0 if at_start else 0.5
    results = _results(site)
    for condition, worth in extra_conditions(site):
        for result, likely in results:
            yield _insert(site, node, f"if {condition}:", result, weight * worth * likely)


def _results(site: Site) -> list[tuple[str, float]]:
    found: dict[str, float] = {}
    for inner in ast.walk(site.function.node):
        if isinstance(inner, ast.Return) and inner.value is not None:
            found[f"return {site.text(inner.value)}"] = 0.6
        if isinstance(inner, ast.Raise):
            found[site.text(inner)] = 0.5
    types = site.scope.types.get("return", set())
    for text, kind in (
        ("None", "NoneType"),
        ("[]", "list"),
        ("0", "int"),
        ("False", "bool"),
        ("True", "bool"),
        ("''", "str"),
        ("1", "int"),
        ("-1", "int"),
        ("{}", "dict"),
        ("()", "tuple"),
    ):
        found.setdefault(f"return {text}", 1.0 if kind in types else 0.2)
    for name in site.scope.parameters[:4]:
        found.setdefault(f"return {name}", 0.4)
    if _in_loop(site):
        found |= {"continue": 0.8, "break": 0.4}
    return list(found.items())


def _in_loop(site: Site) -> bool:
    node: ast.AST | None = site.node
    while node is not None and node is not site.function.node:
        node = site.source.parents.get(node)
        if isinstance(node, ast.For | ast.While):
            return True
    return False


def _is_doc(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _can_precede(site: Site, node: ast.stmt) -> bool:
    """Stands alone at the start of its line, not as an `elif`."""
    line = site.source.line_text(node.lineno)
    return line[: node.col_offset].strip() == "" and not line.lstrip().startswith("elif")


def _insert(site: Site, node: ast.stmt, head: str, body: str, weight: float) -> Rewrite:
    pad, line = site.source.indent(node), site.source.newline
    start = site.source.span(node)[0]
    text = f"{head}{line}{pad}    {body}{line}{pad}"
    return Rewrite((Splice(start, start, text),), weight, body.split()[0])


def wrap_in_if(site: Site) -> Iterator[Rewrite]:
    """A statement that only runs under a condition."""
    node = site.node
    assert isinstance(node, ast.stmt)  # noqa: S101
    if not _can_precede(site, node) or node.lineno != node.end_lineno:
        return
    pad, line = site.source.indent(node), site.source.newline
    for condition, worth in extra_conditions(site):
        text = f"if {condition}:{line}{pad}    {site.text(node)}"
        yield site.put_raw(node, text, weight=worth, kind=type(node).__name__)


def loosen(site: Site) -> Iterator[Rewrite]:
    """`if` for `while`, a body without its condition, `else` branches exchanged."""
    node = site.node
    line = site.source.line_text(node.lineno)  # type: ignore[attr-defined]
    start = site.source.span(node)[0]
    if isinstance(node, ast.While) and not node.orelse:
        yield Rewrite((Splice(start, start + 5, "if"),), 1.0, "if")
    elif isinstance(node, ast.If) and not line.lstrip().startswith("elif"):
        if not node.orelse:
            yield Rewrite((Splice(start, start + 2, "while"),), 1.0, "while")
    elif isinstance(node, ast.If):
        yield Rewrite((Splice(start, start + 4, "if"),), 1.0, "elif")


OPERATORS = (
    Operator(
        "strengthen", (ast.If, ast.While, ast.IfExp, ast.comprehension, ast.Return), strengthen
    ),
    Operator("test", (ast.If, ast.While, ast.IfExp, ast.comprehension), replace_test),
    Operator(
        "guard",
        (ast.Return, ast.Assign, ast.AugAssign, ast.For, ast.While, ast.If, ast.Expr, ast.With),
        guard,
    ),
    Operator("wrap_in_if", (ast.Assign, ast.AugAssign, ast.Expr, ast.Return), wrap_in_if),
    Operator("answer", (ast.Return,), answer),
    Operator("loosen", (ast.While, ast.If), loosen),
)
