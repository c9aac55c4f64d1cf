"""Other constants, and expressions that are off by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..source import Splice
from .base import Operator, Rewrite, Site, bracketed, is_load


def constant(site: Site) -> Iterator[Rewrite]:
    """Another constant: one more, one less, the usual ones, those used nearby."""
    node = site.node
    assert isinstance(node, ast.Constant)  # noqa: S101
    value = node.value
    if isinstance(site.parent, ast.JoinedStr | ast.FormattedValue | ast.MatchValue):
        return
    kind = type(value).__name__
    for text, weight in _others(site, value):
        yield site.put(node, text, weight=weight, kind=kind)
    for text in site.scope.constants:
        if text != site.text(node) and _same_type(text, value):
            yield site.put(node, text, weight=0.5, kind=kind)


def _others(site: Site, value: object) -> Iterator[tuple[str, float]]:
    """Constants that are near, or usual, with weights."""
    match value:
        case bool():
            yield str(not value), 3.0
        case int():
            yield from _integer(value)
        case float():
            for number in (value + 1, value - 1, -value, value * 10, value / 10, 1 - value):
                yield repr(number), 1.0
            yield repr(int(value)) if abs(value) < 1e15 else "0", 1.0
        case str():
            yield from _string(site.text(site.node), value)
        case None:
            for text in ("0", "False", "[]", "''", "True", "{}"):
                yield text, 1.0


def _integer(value: int) -> Iterator[tuple[str, float]]:
    near = {value + 1: 3.0, value - 1: 3.0, 0: 1.5, 1: 1.5, -1: 1.0, 2: 0.8, -value: 0.7}
    near |= {value * 2: 0.3, value // 2: 0.3, value * 10: 0.3, value // 10: 0.3, value + 2: 0.2}
    for new, weight in near.items():
        if new != value:
            yield str(new), weight
    if value in (0, 1):
        yield "None", 0.3
        yield str(bool(value)), 0.3
    if value == 0:
        yield "float('-inf')", 0.2
        yield "float('inf')", 0.2


def _same_type(text: str, value: object) -> bool:
    try:
        return type(ast.literal_eval(text)) is type(value)
    except (ValueError, SyntaxError):
        return False


def _string(raw: str, value: str) -> Iterator[tuple[str, float]]:
    if not raw.startswith(("'", '"')) or raw.startswith(("'''", '"""')):
        return
    variants = [value.strip(), value + " ", " " + value, "", value.lower(), value.upper()]
    variants += [value.title(), value[:-1], value[1:], value[::-1], value * 2]
    variants += [value + "\n", value.rstrip("\n")]
    variants += [" ", "_", "-", ",", ", ", "."] if len(value) <= 2 else []
    for new in dict.fromkeys(variants):
        if new != value:
            yield _quoted(new, raw[0]), 1.0


def _quoted(value: str, quote: str) -> str:
    """A literal with the same quotes as the one that it replaces, where that is simple."""
    text = repr(value)
    if quote == '"' and text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text


def off_by_one(site: Site) -> Iterator[Rewrite]:
    """An expression plus or minus one, where numbers are plausible."""
    node = site.node
    if not is_load(node) or not _numeric_place(site):
        return
    text = site.text(node)
    types = site.scope.types.get(text, set())
    if types and not types & {"int", "float"}:
        return
    weight = 2.0 if _bound_place(site) else 1.0
    for new in (f"{bracketed(text)} + 1", f"{bracketed(text)} - 1"):
        yield site.put(node, new, weight=weight, kind=type(node).__name__)


def _numeric_place(site: Site) -> bool:
    node, parent = site.node, site.parent
    if isinstance(parent, ast.Attribute | ast.For | ast.comprehension | ast.Expr):
        return False
    if isinstance(parent, ast.Call) and node is parent.func:
        return False
    if isinstance(parent, ast.Subscript) and node is parent.value:
        return False
    if _is_one(node) or _is_one(parent):
        return False
    if isinstance(node, ast.Call):
        name = site.text(node.func)
        counts = name in ("len", "int", "max", "min", "sum", "abs", "ord", "round")
        return counts or isinstance(parent, ast.Return | ast.Assign)
    return True


def _is_one(node: ast.AST) -> bool:
    """Something plus or minus one already: its constant is a site of its own."""
    if not isinstance(node, ast.BinOp):
        return False
    return isinstance(node.right, ast.Constant) and node.right.value == 1


def _bound_place(site: Site) -> bool:
    parent = site.parent
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Name) and parent.func.id == "range"
    return isinstance(parent, ast.Slice | ast.Subscript | ast.Compare)


def slices(site: Site) -> Iterator[Rewrite]:
    """Slices without or with a bound, reversed, or an element instead of a slice."""
    node = site.node
    assert isinstance(node, ast.Subscript)  # noqa: S101
    if not is_load(node):
        return
    value, index = site.text(node.value), node.slice
    if not isinstance(index, ast.Slice):
        text = site.text(index)
        for new in (f"{text}:", f":{text}", f"-({text})", f"{text} % len({value})"):
            yield site.put(node, f"{value}[{new}]", weight=0.4, kind="index")
        return
    lower, upper, step = (
        "" if part is None else site.text(part) for part in (index.lower, index.upper, index.step)
    )
    news = [f":{upper}", f"{lower}:", f"1:{upper}", f"{lower}:-1", f"{upper}:{lower}", "::-1"]
    news += [":", f"{lower}:{upper}:-1"] if not step else [f"{lower}:{upper}"]
    for new in dict.fromkeys(news):
        yield site.put(node, f"{value}[{new}]", kind="slice")


def ranges(site: Site) -> Iterator[Rewrite]:
    """`range` with another start, end or direction."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    if site.text(node.func) != "range" or node.keywords:
        return
    texts = [site.text(a) for a in node.args]
    start, end = (texts[0], texts[1]) if len(texts) > 1 else ("", texts[0])
    first = start or "0"
    news = [f"1, {end}", f"1, {bracketed(end)} + 1", f"{first}, {bracketed(end)} + 1", end]
    news += [f"{bracketed(end)} - 1, -1, -1", f"{bracketed(end)} - 1, {first} - 1, -1"]
    news += [f"{first}, {end}, 2", f"{first}, {end}, -1", f"2, {bracketed(end)} + 1", f"2, {end}"]
    for new in dict.fromkeys(news):
        yield site.put(node, f"range({new})", kind="range")


def default(site: Site) -> Iterator[Rewrite]:
    """A mutable default made anew on every call."""
    node = site.node
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101
    positional = [*node.args.posonlyargs, *node.args.args]
    pairs = list(zip(positional[::-1], node.args.defaults[::-1], strict=False))
    pairs += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d]
    first = node.body[0]
    is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    anchor = node.body[1] if is_doc and len(node.body) > 1 else first
    for argument, value in pairs:
        if isinstance(value, ast.List | ast.Dict | ast.Set | ast.Call):
            pad = site.source.indent(anchor)
            line = site.source.newline
            text = f"if {argument.arg} is None:{line}{pad}    {argument.arg} = {site.text(value)}"
            start = site.source.span(anchor)[0]
            splice = Splice(start, start, f"{text}{line}{pad}")
            yield Rewrite((*site.put_raw(value, "None").splices, splice), 1.0, "mutable")
        elif isinstance(value, ast.Constant):
            for new in constant(Site(site.source, site.function, site.scope, value)):
                yield Rewrite(new.splices, 0.3 * new.weight, "value")


OPERATORS = (
    Operator("constant", (ast.Constant,), constant),
    Operator(
        "off_by_one",
        (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.BinOp),
        off_by_one,
    ),
    Operator("slice", (ast.Subscript,), slices),
    Operator("range", (ast.Call,), ranges),
    Operator("default", (ast.FunctionDef, ast.AsyncFunctionDef), default),
)
