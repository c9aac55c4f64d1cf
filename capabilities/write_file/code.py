"""Writes one text file of the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Write `text` to `path`; says whether the file is new and whether it changed."""
    name, data = inputs["path"], inputs["text"].encode("utf-8")
    path = context.path(name)
    _check_place(path, name, workspace=context.workspace.resolve())
    before = path.read_bytes() if path.exists() else None
    if before not in (None, data) and not inputs.get("replace", True):
        raise FileExistsError(f"{name} exists and holds something else")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return _outputs(name, data, created=before is None, changed=before != data)


async def verify(context: Any, inputs: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Done when the file holds exactly that text; who wrote it makes no difference."""
    path = context.path(inputs["path"])
    data = inputs["text"].encode("utf-8")
    if not path.is_file() or path.read_bytes() != data:
        return None
    return _outputs(inputs["path"], data, created=False, changed=False)


def _check_place(path: Path, name: str, *, workspace: Path) -> None:
    if path == workspace or path.is_dir() or name.endswith("/"):
        raise IsADirectoryError(f"{name} is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise ValueError(f"{name} is no regular file")
    for parent in path.relative_to(workspace).parents:
        if (workspace / parent).exists() and not (workspace / parent).is_dir():
            raise NotADirectoryError(f"{parent} is a file, so {name} can't lie in it")


def _outputs(name: str, data: bytes, *, created: bool, changed: bool) -> dict[str, Any]:
    return {"path": name, "bytes": len(data), "created": created, "changed": changed}
