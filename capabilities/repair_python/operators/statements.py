"""Whole statements: deleted, moved, copied with another name, exchanged for others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations, permutations

from ..source import Splice
from .base import Operator, Rewrite, Site

_SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.Expr,
    ast.Return,
    ast.Continue,
    ast.Break,
    ast.Raise,
    ast.Delete,
    ast.AnnAssign,
    ast.Assert,
)


def delete(site: Site) -> Iterator[Rewrite]:
    """A statement gone; a compound one may leave its body behind."""
    node = site.node
    assert isinstance(node, ast.stmt)  # noqa: S101
    if not _whole_lines(site, node):
        return
    yield site.put_raw(node, "pass", kind=type(node).__name__)
    if isinstance(node, ast.If | ast.With) and not node.__dict__.get("orelse"):
        body = _dedented(site, node)
        if body is not None:
            yield Rewrite((body,), 1.0, "body")


def _whole_lines(site: Site, node: ast.stmt) -> bool:
    line = site.source.line_text(node.lineno)
    return line[: node.col_offset].strip() == "" and not line.lstrip().startswith("elif")


def _dedented(site: Site, node: ast.If | ast.With) -> Splice | None:
    first, last = node.body[0], node.body[-1]
    if first.lineno == node.lineno:
        return None
    source = site.source
    start, _ = source.span(node)
    _, end = source.span(last)
    lines = source.data[source.span(first)[0] : end].decode().split("\n")
    extra = first.col_offset - node.col_offset
    moved = [lines[0], *(line.removeprefix(" " * extra) for line in lines[1:])]
    return Splice(start, end, "\n".join(moved))


def _blocks(site: Site) -> list[ast.stmt]:
    """The list of statements that holds this one."""
    for _, value in ast.iter_fields(site.parent):
        if isinstance(value, list) and site.node in value:
            return value
    return []


def move(site: Site) -> Iterator[Rewrite]:
    """Change places with the next statement; go out of, or into, the loop or branch beside it."""
    node = site.node
    assert isinstance(node, ast.stmt)  # noqa: S101
    if not _whole_lines(site, node):
        return
    block = _blocks(site)
    place = block.index(node) if node in block else -1
    for distance in (1, 2):
        if 0 <= place < len(block) - distance and _whole_lines(site, block[place + distance]):
            yield _exchange(site, node, block[place + distance])
    if isinstance(node, _SIMPLE):
        yield from _out(site, node, block, place)
        yield from _into(site, node, block, place)


def _exchange(site: Site, one: ast.stmt, other: ast.stmt) -> Rewrite:
    return Rewrite(
        (
            *site.put_raw(one, site.text(other)).splices,
            *site.put_raw(other, site.text(one)).splices,
        ),
        1.0,
        "exchange",
    )


def _cut(site: Site, node: ast.stmt, alone: bool) -> Splice:
    start, end = site.source.span(node)
    if alone:
        return Splice(start, end, "pass")
    first, last = site.source.line_span(node.lineno, node.end_lineno or node.lineno)
    return Splice(first, last, "")


def _out(site: Site, node: ast.stmt, block: list[ast.stmt], place: int) -> Iterator[Rewrite]:
    owner = site.parent
    if not isinstance(owner, ast.For | ast.While | ast.If | ast.With | ast.Try):
        return
    pad, line = " " * owner.col_offset, site.source.newline
    text = site.text(node)
    if place == len(block) - 1 and (owner.end_lineno == node.end_lineno):
        _, after = site.source.line_span(node.lineno, node.end_lineno or node.lineno)
        gone = _cut(site, node, len(block) == 1)
        yield Rewrite((gone, Splice(after, after, f"{pad}{text}{line}")), 1.5, "out")
    if _whole_lines(site, owner):
        before = site.source.line_span(owner.lineno, owner.lineno)[0]
        gone = _cut(site, node, len(block) == 1)
        yield Rewrite((Splice(before, before, f"{pad}{text}{line}"), gone), 0.7, "out")


def _into(site: Site, node: ast.stmt, block: list[ast.stmt], place: int) -> Iterator[Rewrite]:
    line = site.source.newline
    text = site.text(node)
    previous = block[place - 1] if place > 0 else None
    if isinstance(previous, ast.For | ast.While | ast.If | ast.With):
        bodies = [previous.body]
        if isinstance(previous, ast.For | ast.While) and isinstance(previous.body[-1], ast.If):
            bodies.append(previous.body[-1].body)
        if isinstance(previous, ast.If) and previous.orelse:
            bodies.append(previous.orelse)
        for body in bodies:
            last = body[-1]
            _, after = site.source.line_span(last.lineno, last.end_lineno or last.lineno)
            pad = " " * last.col_offset
            gone = _cut(site, node, alone=False)
            yield Rewrite((Splice(after, after, f"{pad}{text}{line}"), gone), 1.0, "into")
    following = block[place + 1] if 0 <= place < len(block) - 1 else None
    if isinstance(following, ast.For | ast.While) and _whole_lines(site, following.body[0]):
        first = following.body[0]
        before = site.source.line_span(first.lineno, first.lineno)[0]
        pad = " " * first.col_offset
        gone = _cut(site, node, alone=False)
        yield Rewrite((gone, Splice(before, before, f"{pad}{text}{line}")), 1.0, "into")


def copy(site: Site) -> Iterator[Rewrite]:
    """A statement of the same function, as it is or with one name changed, put before or after."""
    node = site.node
    assert isinstance(node, ast.stmt)  # noqa: S101
    if not _whole_lines(site, node):
        return
    for text, weight, kind in _donors(site):
        yield from _around(site, node, text, weight, kind)


def _donors(site: Site) -> Iterator[tuple[str, float, str]]:
    seen = set()
    for inner in ast.walk(site.function.node):
        if isinstance(inner, _SIMPLE) and not _is_doc(inner):
            text = site.text(inner)
            if "\n" not in text and text not in seen:
                seen.add(text)
                yield text, 1.0, "same"
                yield from _renamed(text, site.scope.names[:8])
    yield from _common_steps(site)


def _renamed(text: str, names: list[str]) -> Iterator[tuple[str, float, str]]:
    """The statement with one name, or two at once, replaced by others."""
    used = [n for n in sorted(set(re.findall(r"\b[A-Za-z_]\w*\b", text))) if n in names]
    for old in used:
        for new in names:
            if new != old:
                yield re.sub(rf"\b{old}\b", new, text), 0.3, "renamed"
    for one, other in combinations(used, 2):
        for first, second in permutations([n for n in names if n not in (one, other)], 2):
            once = re.sub(rf"\b{one}\b", first, text)
            yield re.sub(rf"\b{other}\b", second, once), 0.1, "renamed"


def _common_steps(site: Site) -> Iterator[tuple[str, float, str]]:
    """Statements that loops and builders often need."""
    names = site.scope.names[:8]
    for name in names:
        types = site.scope.types.get(name, set())
        if not types or types & {"int", "float"}:
            yield f"{name} += 1", 0.6, "step"
            yield f"{name} -= 1", 0.4, "step"
        if not types or types & {"list"}:
            for value in ("0", "1"):
                yield f"{name}[0] = {value}", 0.2, "first"
            for other in names:
                if other != name:
                    yield f"{name}.append({other})", 0.3, "append"
        if "set" in types:
            for other in names:
                yield f"{name}.add({other})", 0.4, "append"
        yield f"return {name}", 0.4, "return"


def _is_doc(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _around(site: Site, node: ast.stmt, text: str, weight: float, kind: str) -> Iterator[Rewrite]:
    pad, line = site.source.indent(node), site.source.newline
    start, end = site.source.span(node)
    if not isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break):
        tail = site.source.line_span(node.end_lineno or node.lineno, node.end_lineno or node.lineno)
        after = Splice(tail[1], tail[1], f"{pad}{text}{line}")
        if site.source.data[end : tail[1]].strip() in (b"",) and tail[1] > end:
            yield Rewrite((after,), weight, kind)
    if not text.startswith(("return", "continue", "break", "raise")):
        yield Rewrite((Splice(start, start, f"{text}{line}{pad}"),), weight, kind)


def jump(site: Site) -> Iterator[Rewrite]:
    """`break`, `continue` and `pass` for one another; other results."""
    node = site.node
    kind = type(node).__name__
    if isinstance(node, ast.Break | ast.Continue | ast.Pass):
        for new in ("break", "continue", "pass", "return"):
            if new != kind.lower():
                yield site.put_raw(node, new, kind=kind)
    elif isinstance(node, ast.Return):
        yield from _results(site, node)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        text = site.text(node)
        yield site.put_raw(node, f"return {text}", weight=1.0, kind="Expr")
        yield site.put_raw(node, f"yield from {text}", weight=0.5, kind="Expr")
        for name in site.scope.names[:6]:
            yield site.put_raw(node, f"{name} = {text}", weight=0.3, kind="Expr")


def _results(site: Site, node: ast.Return) -> Iterator[Rewrite]:
    text = site.text(node.value) if node.value is not None else ""
    for name in site.scope.names:
        if name != text:
            yield site.put_raw(node, f"return {name}", kind="Return")
    if text:
        calls = 0.8 if isinstance(node.value, ast.Call) else 0.2
        yield site.put_raw(node, text, weight=0.5, kind="drop")
        yield site.put_raw(node, f"yield {text}", weight=0.5, kind="yield")
        yield site.put_raw(node, f"yield from {text}", weight=calls, kind="yield")
    for new in ("None", "True", "False", "0", "1", "[]", "''", "-1", "[[]]"):
        yield site.put_raw(node, f"return {new}", weight=0.3, kind="Return")


def generate(site: Site) -> Iterator[Rewrite]:
    """`yield from` for `yield` and back; `return` for both."""
    node = site.node
    if isinstance(node, ast.Yield | ast.YieldFrom) and node.value is not None:
        text = site.text(node.value)
        other = "yield" if isinstance(node, ast.YieldFrom) else "yield from"
        yield site.put_raw(node, f"{other} {text}")
        if isinstance(site.parent, ast.Expr):
            yield site.put_raw(site.parent, f"return {text}", weight=0.5)


OPERATORS = (
    Operator("delete", (*_SIMPLE, ast.If, ast.For, ast.While, ast.With), delete),
    Operator("move", (*_SIMPLE, ast.If, ast.For), move),
    Operator(
        "copy",
        (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.While),
        copy,
    ),
    Operator("generate", (ast.Yield, ast.YieldFrom), generate),
    Operator("jump", (ast.Break, ast.Continue, ast.Pass, ast.Return, ast.Expr), jump),
)
