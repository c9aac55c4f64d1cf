"""Dotted names in code, with what imports call them resolved."""

from __future__ import annotations

import ast


class Names:
    """The names that the imports of one module bind, anywhere in it, and their further names."""

    def __init__(self, tree: ast.AST) -> None:
        self._aliases: dict[str, str] = {}
        self.modules: set[str] = set()
        """Names that stand for a whole module."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._import(alias)
            elif isinstance(node, ast.ImportFrom):
                start = "" if node.level else f"{node.module}."
                for alias in node.names:
                    self._aliases[alias.asname or alias.name] = f"{start}{alias.name}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and self.is_imported(node.value):
                for target in node.targets:
                    self._assign(target, node.value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        """What is imported under one name may get another one."""
        if isinstance(target, ast.Name) and not isinstance(value, ast.Subscript):
            self._aliases.setdefault(target.id, self.resolve(value))

    def _import(self, alias: ast.alias) -> None:
        top = alias.name.split(".")[0]
        self._aliases[alias.asname or top] = alias.name if alias.asname else top
        self.modules.add(alias.asname or top)

    def __contains__(self, name: str) -> bool:
        return name in self._aliases

    def resolve(self, node: ast.expr) -> str:
        """`os.path.join` for whatever the code calls it; `?` stands for what has no name."""
        parts: list[str] = []
        owner = node
        while isinstance(owner, ast.Attribute):
            parts.append(owner.attr)
            owner = owner.value
        head = self._aliases.get(owner.id, owner.id) if isinstance(owner, ast.Name) else "?"
        return ".".join([head, *reversed(parts)])

    def is_imported(self, node: ast.expr) -> bool:
        """Whether the thing comes from an import, however deep inside it."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self._aliases
