"""What code could do by what it imports and names: the powers that a change adds."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections import Counter
from collections.abc import Mapping

from .power_tables import ATTRIBUTES, BUILTINS, DUNDERS, MODULES


def powers(source: str, *, own: frozenset[str] = frozenset()) -> Counter[str]:
    """`family: name` with counts. `own` are the top-level modules that belong to the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    reader = _Reader(own)
    reader.visit(tree)
    return reader.found


def new_powers(
    before: Mapping[str, str], after: Mapping[str, str], *, own: frozenset[str] = frozenset()
) -> Counter[str]:
    """What the files of `after` can do and those of `before` could not, or not so often."""
    return _sum(after, own) - _sum(before, own)


def _sum(files: Mapping[str, str], own: frozenset[str]) -> Counter[str]:
    return sum((powers(source, own=own) for source in files.values()), Counter[str]())


class _Reader(ast.NodeVisitor):
    """Walks one module; names are already NFKC-normalised by the parser."""

    def __init__(self, own: frozenset[str]) -> None:
        self.found: Counter[str] = Counter()
        self._own = own
        self._aliases: dict[str, str] = {}

    def visit_Module(self, node: ast.Module) -> None:
        for item in ast.walk(node):
            if isinstance(item, ast.Import):
                for alias in item.names:
                    self._bind(alias.asname or alias.name.split(".")[0], alias)
            elif isinstance(item, ast.ImportFrom) and not item.level:
                for alias in item.names:
                    self._aliases[alias.asname or alias.name] = f"{item.module}.{alias.name}"
        self.generic_visit(node)

    def _bind(self, name: str, alias: ast.alias) -> None:
        self._aliases[name] = alias.name if alias.asname else name

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None:
            return
        self._import(node.module)
        for alias in node.names:
            if alias.name == "*":
                self.found[f"reflection: from {node.module} import *"] += 1
            self._dotted(f"{node.module}.{alias.name}", imported=True)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = _dotted_name(node)
        head, _, rest = dotted.partition(".")
        if head and rest:
            self._dotted(f"{self._aliases.get(head, head)}.{rest}")
        if node.attr in DUNDERS:
            self.found[f"reflection: .{node.attr}"] += 1
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self._aliases:
            self._dotted(self._aliases[node.id])
        elif node.id in BUILTINS:
            self.found[f"{BUILTINS[node.id]}: {node.id}"] += 1
        elif node.id in DUNDERS:
            self.found[f"reflection: {node.id}"] += 1

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "getattr":
            self._getattr(node)
        self.generic_visit(node)

    def _getattr(self, node: ast.Call) -> None:
        name = node.args[1] if len(node.args) > 1 else None
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            self.found["reflection: getattr of a computed name"] += 1
            return
        owner = ast.Attribute(value=node.args[0], attr=name.value, ctx=ast.Load())
        self.visit_Attribute(owner)

    def _import(self, module: str) -> None:
        if family := _longest(MODULES, module):
            self.found[f"{family}: {module}"] += 1
        top = module.split(".")[0]
        if top not in sys.stdlib_module_names and top not in self._own:
            self.found[f"dependency: {top}"] += 1

    def _dotted(self, dotted: str, *, imported: bool = False) -> None:
        families = [family for pattern, family in ATTRIBUTES if re.fullmatch(pattern, dotted)]
        if imported and dotted in MODULES:
            families.append(MODULES[dotted])
        for family in families[:1]:
            self.found[f"{family}: {dotted}"] += 1


def _dotted_name(node: ast.expr) -> str:
    parts: list[str] = []
    owner = node
    while isinstance(owner, ast.Attribute):
        parts.append(owner.attr)
        owner = owner.value
    return ".".join([owner.id, *reversed(parts)]) if isinstance(owner, ast.Name) else ""


def _longest(table: Mapping[str, str], module: str) -> str:
    parts = module.split(".")
    prefixes = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((table[prefix] for prefix in prefixes if prefix in table), "")
