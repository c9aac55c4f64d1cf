"""The one edit that is proposed: made with LibCST, addressed by name and hash, byte for byte."""

from __future__ import annotations

import difflib
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import libcst as cst


class NotAnEdit(Exception):
    """The new text can't be had by replacing one definition, or does not compile."""


def edit_for(path: str, before: bytes, after: bytes) -> dict[str, Any]:
    """Replace the smallest function, method or class that holds the whole difference."""
    import libcst as cst

    compile(after, path, "exec", dont_inherit=True)
    old, new = cst.parse_module(before), cst.parse_module(after)
    if old.code.encode() != before or new.code.encode() != after:
        raise NotAnEdit(f"{path}: LibCST does not give its bytes back")
    name, old_node, new_node = _smallest(old, new)
    if not name:
        return _json(path, "", old.code, new.code)
    changed = old.deep_replace(old_node, new_node)
    if changed.code.encode() != after:  # type: ignore[attr-defined]
        return _json(path, "", old.code, new.code)
    return _json(path, name, old.code_for_node(old_node), new.code_for_node(new_node))


def _json(path: str, target: str, before: str, after: str) -> dict[str, Any]:
    return {
        "operation": "replace",
        "file": path,
        "target": target,
        "target_hash": hashlib.sha256(before.encode()).hexdigest(),
        "source": after,
        "argument": "",
    }


def _smallest(old: cst.Module, new: cst.Module) -> tuple[str, cst.CSTNode, cst.CSTNode]:
    """Walk down while exactly one definition differs and everything around it is the same."""
    prefix, one, other = "", old, new
    found: tuple[str, Any, Any] = ("", old, new)
    while True:
        mine, theirs = _definitions(one), _definitions(other)
        names = [name for name, _ in mine]
        if names != [name for name, _ in theirs]:
            return found
        pairs = [
            (name, a, b)
            for (name, a), (_, b) in zip(mine, theirs, strict=True)
            if not a.deep_equals(b)
        ]
        if len(pairs) != 1 or names.count(pairs[0][0]) > 1:
            return found
        name, a, b = pairs[0]
        if not one.deep_replace(a, b).deep_equals(other):
            return found
        found = (f"{prefix}{name}", a, b)
        prefix, one, other = f"{prefix}{name}.", a, b
        if not _is_class(a):
            return found


def _definitions(node: Any) -> list[tuple[str, Any]]:
    import libcst as cst

    body = node.body if isinstance(node, cst.Module) else node.body.body
    return [(n.name.value, n) for n in body if isinstance(n, cst.FunctionDef | cst.ClassDef)]


def _is_class(node: Any) -> bool:
    import libcst as cst

    return isinstance(node, cst.ClassDef)


def diff_of(path: str, before: bytes, after: bytes) -> str:
    """A unified diff, three lines of context."""
    lines = difflib.unified_diff(
        before.decode().splitlines(keepends=True),
        after.decode().splitlines(keepends=True),
        f"a/{path}",
        f"b/{path}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
