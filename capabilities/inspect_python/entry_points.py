"""How a Python project is started."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path


def declared_entry_points(folder: Path) -> list[dict[str, str]]:
    """Scripts that `pyproject.toml` declares; none when it is missing or broken."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return []
    found = []
    for table in ("scripts", "gui-scripts"):
        scripts = project.get(table, {}) if isinstance(project, dict) else {}
        items = scripts.items() if isinstance(scripts, dict) else ()
        found += [{"name": name, "target": str(target)} for name, target in items]
    return found


def is_started_by_name(path: str, tree: ast.Module) -> bool:
    """Whether a file is run as a program: `__main__.py`, or it asks for its own name."""
    if path.rpartition("/")[2] == "__main__.py":
        return True
    return any(isinstance(node, ast.If) and _asks_for_main(node.test) for node in tree.body)


def _asks_for_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and ast.unparse(test).replace('"', "'") in (
        "__name__ == '__main__'",
        "'__main__' == __name__",
    )
