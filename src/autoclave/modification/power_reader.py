"""Walks one module and notes every power that it uses."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Mapping

from .names import Names
from .power_tables import (
    ATTRIBUTES,
    BUILTINS,
    DUNDERS,
    EQUALITY,
    GATEWAYS,
    METHODS,
    MODULES,
    OUTSIDE,
)

_JUDGES = frozenset({"tests", "test", "conftest"})
_WAYS = GATEWAYS | {name for name in MODULES if "." not in name}
_WORD = re.compile(r"\w+")
_VALUES = frozenset({"float", "int", "str", "bytes", "list", "dict", "tuple", "set", "frozenset"})
_USUAL = frozenset({"__init__", "__new__", "__str__", "__repr__", "__format__"})
_BROAD = frozenset({"Exception", "BaseException"})


class PowerReader(ast.NodeVisitor):
    """Names are already NFKC-normalised by the parser."""

    def __init__(self, own: frozenset[str]) -> None:
        self.found: Counter[str] = Counter()
        self._own = own
        self._names = Names(ast.Module(body=[], type_ignores=[]))
        self._parts_of_names: set[int] = set()

    def visit_Module(self, node: ast.Module) -> None:
        self._names = Names(node)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        for alias in node.names:
            if _JUDGES & {*module.split("."), alias.name}:
                self.found[f"judges: from {module or '.'} import {alias.name}"] += 1
            if alias.name == "*":
                self.found[f"reflection: from {module} import *"] += 1
        if node.level or not module:
            return
        self._import(module)
        for alias in node.names:
            dotted = f"{module}.{alias.name}"
            if dotted in MODULES:
                self.found[f"{MODULES[dotted]}: {dotted}"] += 1
            else:
                self._dotted(dotted, imported=True)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._parts_of_names.add(id(node.value))
        self._dotted(self._names.resolve(node), imported=self._names.is_imported(node))
        self._attribute(node.attr)
        if isinstance(node.ctx, ast.Store | ast.Del) and (
            self._names.is_imported(node) or node.attr == "__class__"
        ):
            self.found[f"patching: {self._names.resolve(node)}"] += 1
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del) and self._names.is_imported(node.value):
            self.found[f"patching: {self._names.resolve(node.value)}[…]"] += 1
        self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        for name in node.kwd_attrs:
            self._attribute(name)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self._names:
            dotted = self._names.resolve(node)
            self._dotted(dotted, imported=True)
            if node.id in self._names.modules and id(node) not in self._parts_of_names:
                self.found[f"reflection: {dotted} as a value"] += 1
        elif node.id in BUILTINS:
            self.found[f"{BUILTINS[node.id]}: {node.id}"] += 1
        elif node.id == "getattr" and id(node) not in self._parts_of_names:
            self.found["reflection: getattr as a value"] += 1
        else:
            self._special(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._special(node.name)
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._special(node.name)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
        if "type" in bases or any(word.arg == "metaclass" for word in node.keywords):
            self.found["reflection: metaclass"] += 1
        if bases & _VALUES and any(_is_special(each) for each in node.body):
            self.found[f"equality: a special {sorted(bases & _VALUES)[0]}"] += 1
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = self._names.resolve(node.func)
        self._parts_of_names.add(id(node.func))
        if function == "getattr":
            self._getattr(node)
        elif function == "type" and len(node.args) > 1:
            self.found["reflection: type of three"] += 1
        elif function in ("open", "io.open") and node.args and _is_number(node.args[0]):
            self.found["descriptors: open of a number"] += 1
        elif function == "contextlib.suppress":
            broad = sorted({self._names.resolve(each) for each in node.args} & _BROAD)
            self.found.update(f"silence: suppress({name})" for name in broad)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
        if not isinstance(text, str):
            return
        if any(re.fullmatch(pattern, text) for pattern in OUTSIDE):
            self.found[f"files: {text[:60]!r}"] += 1
        for word in set(_WORD.findall(text)) & DUNDERS:
            self.found[f"reflection: {word!r}"] += 1
        if text in EQUALITY:
            self.found[f"equality: {text!r}"] += 1

    def _special(self, name: str) -> None:
        """A name with a meaning of its own, defined or used."""
        if name in DUNDERS:
            self.found[f"reflection: {name}"] += 1
        elif name in EQUALITY:
            self.found[f"equality: {name}"] += 1

    def _attribute(self, name: str) -> None:
        if name in DUNDERS:
            self.found[f"reflection: .{name}"] += 1
        elif name in METHODS:
            self.found[f"{METHODS[name]}: .{name}"] += 1
        elif name.lstrip("_") in GATEWAYS:
            self.found[f"reflection: .{name}"] += 1

    def _getattr(self, node: ast.Call) -> None:
        name = node.args[1] if len(node.args) > 1 else None
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            self.found["reflection: getattr of a computed name"] += 1
            return
        self.visit_Attribute(ast.Attribute(value=node.args[0], attr=name.value, ctx=ast.Load()))

    def _import(self, module: str) -> None:
        parts = module.split(".")
        if family := _longest(MODULES, module):
            self.found[f"{family}: {module}"] += 1
        elif parts[0].startswith("_") and parts[0] != "__future__":
            self.found[f"native: {module}"] += 1
        if _JUDGES & set(parts):
            self.found[f"judges: {module}"] += 1
        if parts[0] not in sys.stdlib_module_names and parts[0] not in self._own:
            self.found[f"dependency: {parts[0]}"] += 1

    def _dotted(self, dotted: str, *, imported: bool) -> None:
        parts = [part.lstrip("_") or part for part in dotted.split(".")]
        tails = {".".join([part, *dotted.split(".")[n + 1 :]]) for n, part in enumerate(parts)}
        found = {
            f"{family}: {tail}"
            for tail in tails
            for pattern, family in ATTRIBUTES
            if re.fullmatch(pattern, tail)
        }
        self.found.update(sorted(found)[:1])
        if not imported or parts[0] in self._own:
            return
        ways = [p for p in parts[1:] if p in _WAYS and p != parts[0]]
        if ways and _longest(MODULES, dotted) == "":
            self.found[f"reflection: {ways[0]} by way of {parts[0]}"] += 1


def _is_special(statement: ast.stmt) -> bool:
    """Whether it gives a class a method that operators or built-ins call."""
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return statement.name.startswith("__") and statement.name not in _USUAL


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _longest(table: Mapping[str, str], module: str) -> str:
    parts = module.split(".")
    prefixes = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((table[prefix] for prefix in prefixes if prefix in table), "")
