"""What can be talked about inside one function: names, attributes, callees, conditions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from .source import DEFINITIONS, Function, Scope, Source

_LONGEST = 60


def scope_of(source: Source, function: Function, types: dict[str, set[str]]) -> Scope:
    """The scope of a function; `types` are those that its names had when failing tests ran."""
    scope = Scope(types=types)
    uses: Counter[str] = Counter()
    module = Counter[str]()
    for node in ast.walk(function.node):
        if isinstance(node, ast.arg):
            uses[node.arg] += 1
        elif isinstance(node, ast.Name):
            uses[node.id] += 1
    scope.parameters = _parameters(function.node)
    local = set(scope.parameters) | _assigned(function.node)
    scope.names = sorted((n for n in uses if n in local), key=lambda n: (-uses[n], n))
    defined = {n.name for n in source.tree.body if isinstance(n, DEFINITIONS)}
    module.update(n for n in uses if n not in local)
    scope.module_names = [
        n for n in sorted(source.globals, key=lambda n: (-module[n], n)) if n not in defined
    ]
    scope.callees = _callees(source, function)
    scope.attributes = _attributes(source, function)
    scope.conditions = list(dict.fromkeys(_conditions(source, function.node)))
    scope.constants = list(dict.fromkeys(_constants(source, function)))[:12]
    return scope


def module_scope(source: Source) -> Scope:
    """The scope of the top level of a module."""
    names = source.globals[:30]
    return Scope(names=names, callees=[n for n in names if n[:1].islower()][:12])


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a]
    return [a.arg for a in every if a.arg not in ("self", "cls")]


def _assigned(node: ast.AST) -> set[str]:
    found = {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)} - {"self", "cls"}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            found.add(inner.id)
    return found


def _callees(source: Source, function: Function) -> list[str]:
    """Callees of the function first, then functions of the module, then its other callees."""
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            text = source.text(node.func)
            if len(text) <= _LONGEST and "\n" not in text and "(" not in text:
                outside[text] += 1
    for node in ast.walk(function.node):
        if isinstance(node, ast.Call):
            text = source.text(node.func)
            if text in outside:
                inside[text] += 1
    own = [f.node.name for f in source.functions if not f.classes]
    methods = [f"self.{f.node.name}" for f in source.functions if f.classes == function.classes]
    order = [*inside, function.node.name, *own, *(methods if function.classes else [])]
    order += [t for t, _ in outside.most_common() if "." not in t]
    return list(dict.fromkeys(order))


def _attributes(source: Source, function: Function) -> list[str]:
    found: Counter[str] = Counter()
    tree = function.classes[-1] if function.classes else function.node
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called = isinstance(source.parents[node], ast.Call)
            mine = node.value.id in ("self", "cls") or not called
            found[f"{node.value.id}.{node.attr}"] += 1 if mine else 0
    return [text for text, _ in found.most_common(16)]


def _conditions(source: Source, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        tests: list[ast.expr] = []
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            tests = [node.test]
        elif isinstance(node, ast.comprehension):
            tests = node.ifs
        elif isinstance(node, ast.Compare):
            tests = [node]
        for test in tests:
            parts = test.values if isinstance(test, ast.BoolOp) else []
            for part in [test, *parts]:
                text = source.text(part)
                if len(text) <= _LONGEST and "\n" not in text:
                    yield text


def _constants(source: Source, function: Function) -> Iterator[str]:
    for tree in (function.node, source.tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and not isinstance(
                source.parents.get(node), ast.Expr | ast.JoinedStr | ast.FormattedValue
            ):
                text = source.text(node)
                if len(text) <= 30 and "\n" not in text:
                    yield text
