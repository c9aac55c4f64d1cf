"""Where code tells people what it does: a change may not make it more silent."""

from __future__ import annotations

import ast
from collections import Counter

from .names import Names

_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "log"})


def reports_made(tree: ast.Module) -> Counter[str]:
    """Calls that log or warn, with counts: `logging.warning`, `warnings.warn`."""
    names = Names(tree)
    loggers = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _makes_logger(node.value, names)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        owner, _, level = names.resolve(node.func).rpartition(".")
        if level in _LEVELS and (owner == "logging" or owner in loggers):
            found[f"logging.{level}"] += 1
        elif (owner, level) == ("warnings", "warn"):
            found["warnings.warn"] += 1
    return found


def _makes_logger(value: ast.expr, names: Names) -> bool:
    return isinstance(value, ast.Call) and names.resolve(value.func) == "logging.getLogger"
