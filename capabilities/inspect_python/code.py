"""Outlines a Python project from its syntax trees; nothing of it is imported."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path
from typing import Any

from list_files.code import walk

from .entry_points import declared_entry_points, is_started_by_name

MOST_BYTES = 2 << 20
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outline of every Python file below `folder`; broken files are listed, not fatal."""
    name, most = inputs.get("folder", "."), inputs.get("most", 500)
    folder = context.path(name)
    if not folder.is_dir():
        kind = "is a file" if folder.exists() else "does not exist"
        raise NotADirectoryError(f"{name} {kind}; give the folder of a project")
    paths = [path for path in walk(folder) if path.endswith((".py", ".pyi"))]
    outline = _outline(folder, paths[:most])
    outline["truncated"] = len(paths) > most
    return {"outline": outline, "counts": count(outline)}


def count(outline: dict[str, Any]) -> dict[str, int]:
    """How many there are of everything."""
    modules = outline["modules"]
    return {
        "packages": len(outline["packages"]),
        "modules": len(modules),
        "functions": sum(len(module["functions"]) for module in modules),
        "classes": sum(len(module["classes"]) for module in modules),
        "tests": sum(len(file["names"]) for file in outline["tests"]),
        "syntax_errors": len(outline["syntax_errors"]),
    }


def _outline(folder: Path, paths: list[str]) -> dict[str, Any]:
    modules, tests, errors = [], [], []
    started = []
    for path in paths:
        source = _parse(folder / path)
        if isinstance(source, dict):
            errors.append({"path": path, **source})
            continue
        tree, lines = source
        if _is_test(path):
            tests.append({"path": path, "names": _test_names(tree)})
            continue
        modules.append(_module(path, tree, lines=lines))
        started += [{"name": path, "target": path}] if is_started_by_name(path, tree) else []
    return {
        "packages": [_dotted(path) for path in paths if path.endswith("/__init__.py")],
        "modules": modules,
        "tests": tests,
        "entry_points": declared_entry_points(folder) + started,
        "syntax_errors": errors,
    }


def _parse(path: Path) -> tuple[ast.Module, int] | dict[str, Any]:
    """The tree and the number of lines, or what is wrong and where."""
    if path.stat().st_size > MOST_BYTES:
        return {"line": 0, "message": f"larger than {MOST_BYTES:,} bytes"}
    data = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data), len(data.splitlines())
    except SyntaxError as error:
        return {"line": error.lineno or 0, "message": error.msg}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"line": 0, "message": str(error) or "nested too deeply"}


def _module(path: str, tree: ast.Module, *, lines: int) -> dict[str, Any]:
    return {
        "path": path,
        "lines": lines,
        "summary": _summary(tree),
        "functions": [
            {"name": node.name, "line": node.lineno, "signature": _signature(node)}
            for node in tree.body
            if isinstance(node, _FUNCTIONS)
        ],
        "classes": [_class(node) for node in tree.body if isinstance(node, ast.ClassDef)],
    }


def _class(node: ast.ClassDef) -> dict[str, Any]:
    return {
        "name": node.name,
        "line": node.lineno,
        "bases": [ast.unparse(base) for base in node.bases],
        "methods": [item.name for item in node.body if isinstance(item, _FUNCTIONS)],
    }


def _summary(tree: ast.Module) -> str:
    lines = (ast.get_docstring(tree) or "").splitlines()
    return lines[0] if lines else ""


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    start = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{start}{node.name}({ast.unparse(node.args)}){returns}"


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


def _test_names(tree: ast.Module) -> list[str]:
    """Functions and methods that pytest would take for tests, as `Class::method`."""
    names = []
    for node in tree.body:
        if isinstance(node, _FUNCTIONS) and node.name.startswith("test"):
            names.append(node.name)
        elif isinstance(node, ast.ClassDef):
            names += [
                f"{node.name}::{item.name}"
                for item in node.body
                if isinstance(item, _FUNCTIONS) and item.name.startswith("test")
            ]
    return names


def _dotted(path: str) -> str:
    parts = path.split("/")[:-1]
    return ".".join(parts[1:] if parts[0] == "src" and len(parts) > 1 else parts)
