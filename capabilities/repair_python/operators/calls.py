"""Other arguments in a call, another callee, a call around an expression or without it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations

from ..source import BUILTINS, Splice
from .base import Operator, Rewrite, Site, is_load

_KIN = [
    {"min", "max", "sum", "len", "abs"},
    {"any", "all"},
    {"sorted", "reversed", "list", "tuple", "set", "frozenset", "iter"},
    {"int", "float", "round", "str", "bool", "repr", "abs"},
    {"math.floor", "math.ceil", "math.trunc", "round", "int"},
    {"zip", "enumerate", "map", "filter"},
    {"isinstance", "issubclass"},
    {"ord", "chr", "int", "str"},
    {"dict", "set", "list"},
]
_METHODS = [
    {"append", "extend", "insert", "remove", "add", "appendleft"},
    {"add", "discard", "remove", "update"},
    {"pop", "popleft", "popitem", "get"},
    {"lower", "upper", "title", "capitalize", "casefold", "swapcase"},
    {"strip", "lstrip", "rstrip"},
    {"removeprefix", "removesuffix", "strip", "lstrip", "rstrip"},
    {"find", "rfind", "index", "rindex"},
    {"split", "rsplit", "splitlines", "partition", "rpartition"},
    {"startswith", "endswith"},
    {"ljust", "rjust", "center", "zfill"},
    {"keys", "values", "items"},
    {"union", "intersection", "difference", "symmetric_difference"},
    {"issubset", "issuperset", "isdisjoint"},
    {"isdigit", "isalpha", "isalnum", "isnumeric", "isdecimal"},
    {"islower", "isupper", "istitle"},
    {"encode", "decode"},
    {"match", "search", "fullmatch"},
    {"findall", "finditer"},
    {"get", "setdefault", "pop"},
    {"read", "readline", "readlines"},
    {"heappush", "heappop", "heappushpop", "heapreplace"},
    {"bisect_left", "bisect_right", "insort_left", "insort_right"},
    {"count", "index"},
]


def arguments(site: Site) -> Iterator[Rewrite]:
    """Arguments in another order, one less, one more."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    args = node.args
    texts = [site.text(a) for a in args]
    for order in _orders(len(args)):
        yield Rewrite(
            tuple(site.put_raw(args[n], texts[m]).splices[0] for n, m in order), 1, "order"
        )
    if not any(isinstance(a, ast.GeneratorExp) for a in args):
        yield from _fewer(site, node)
        yield from _more(site, node)


def _orders(count: int) -> Iterator[list[tuple[int, int]]]:
    if count in (2, 3):
        for order in permutations(range(count)):
            if changed := [(n, m) for n, m in enumerate(order) if n != m]:
                yield changed
    elif count > 3:
        for place in range(count - 1):
            yield [(place, place + 1), (place + 1, place)]


def _fewer(site: Site, node: ast.Call) -> Iterator[Rewrite]:
    everything: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    for place, gone in enumerate(everything):
        start, end = site.source.span(gone)
        if place + 1 < len(everything):
            end = site.source.span(everything[place + 1])[0]
        elif place > 0:
            start = site.source.span(everything[place - 1])[1]
        yield Rewrite((Splice(start, end, ""),), 1.0 if len(everything) > 1 else 0.3, "delete")


def _more(site: Site, node: ast.Call) -> Iterator[Rewrite]:
    constants = ["0", "1", "None", "True", "False"]
    names = [*site.scope.names, *site.scope.attributes[:4]]
    at_end = site.source.span(node)[1] - 1
    for text in [*names, *constants]:
        weight = 0.6 if text in constants else 1.0
        for argument in node.args[:3]:
            start = site.source.span(argument)[0]
            yield Rewrite((Splice(start, start, f"{text}, "),), weight, "insert")
        if not node.keywords:
            comma = ", " if node.args and site.source.data[at_end - 1 : at_end] != b"," else ""
            yield Rewrite((Splice(at_end, at_end, f"{comma}{text}"),), weight, "insert")
    for keyword in ("reverse=True", "key=len", "key=str.lower", "default=None", "strict=True"):
        if site.text(node.func).split(".")[-1] in ("sorted", "sort", "min", "max", "zip"):
            comma = ", " if node.args or node.keywords else ""
            yield Rewrite((Splice(at_end, at_end, f"{comma}{keyword}"),), 0.5, "keyword")


def callee(site: Site) -> Iterator[Rewrite]:
    """Another function in the place of the one that is called."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    function = node.func
    text = site.text(function)
    seen = {text}
    for group in _KIN:
        if text in group:
            for new in sorted(group - seen):
                seen.add(new)
                yield site.put_raw(function, new, weight=2.0, kind="kin")
    if isinstance(function, ast.Attribute):
        value = site.text(function.value)
        for group in _METHODS:
            if function.attr in group:
                for new in sorted(group - {function.attr}):
                    yield site.put_raw(function, f"{value}.{new}", weight=2.0, kind="method")
    for new in site.scope.callees[:16]:
        if new not in seen:
            seen.add(new)
            yield site.put_raw(function, new, weight=0.7, kind="donor")


def wrap(site: Site) -> Iterator[Rewrite]:
    """A call, seen elsewhere or common, around an expression."""
    node = site.node
    if not is_load(node) or not _wrappable(site):
        return
    text = site.text(node)
    for new in site.scope.callees[:12]:
        yield site.put(node, f"{new}({text})", kind="donor")
    common = ["int", "str", "len", "abs", "list", "set", "sorted", "tuple", "bool", "reversed"]
    for new in common:
        yield site.put(
            node, f"{new}({text})", weight=0.6 if new in BUILTINS else 0.1, kind="common"
        )
    for new in (".strip()", ".lower()", ".copy()", ".items()", ".values()", "[:]", "[::-1]"):
        yield site.put(node, f"{text}{new}", weight=0.3, kind="suffix")
    yield site.put(node, f"max({text}, 0)", weight=0.3, kind="clamp")


def _wrappable(site: Site) -> bool:
    node, parent = site.node, site.parent
    if isinstance(parent, ast.Attribute) or isinstance(node, ast.Starred):
        return False
    if isinstance(parent, ast.Call) and node is parent.func:
        return False
    return not isinstance(parent, ast.Expr)


def unwrap(site: Site) -> Iterator[Rewrite]:
    """An argument, a value or an owner without what is done to it."""
    node = site.node
    if isinstance(node, ast.Call):
        for argument in node.args[:3]:
            if not isinstance(argument, ast.Starred | ast.GeneratorExp):
                yield site.put(node, site.text(argument), kind="call")
        if isinstance(node.func, ast.Attribute):
            yield site.put(node, site.text(node.func.value), kind="method")
        yield site.put(node, site.text(node.func), weight=0.3, kind="uncall")
    elif isinstance(node, ast.Subscript | ast.Attribute) and is_load(node):
        if not (isinstance(site.parent, ast.Call) and node is site.parent.func):
            yield site.put(node, site.text(node.value), kind=type(node).__name__)
    elif isinstance(node, ast.List | ast.Tuple) and is_load(node) and len(node.elts) == 1:
        yield site.put(node, site.text(node.elts[0]), kind="literal")


def literal(site: Site) -> Iterator[Rewrite]:
    """A list or a tuple around an expression, or a call for a name that was not called."""
    node = site.node
    if not is_load(node) or not _wrappable(site):
        return
    text = site.text(node)
    yield site.put(node, f"[{text}]", kind="list")
    yield site.put(node, f"({text},)", weight=0.6, kind="tuple")
    if isinstance(node, ast.Name | ast.Attribute):
        yield site.put(node, f"{text}()", weight=0.6, kind="call")


OPERATORS = (
    Operator("argument", (ast.Call,), arguments),
    Operator("callee", (ast.Call,), callee),
    Operator(
        "wrap",
        (
            ast.Name,
            ast.Attribute,
            ast.Call,
            ast.Subscript,
            ast.BinOp,
            ast.GeneratorExp,
            ast.ListComp,
        ),
        wrap,
    ),
    Operator("unwrap", (ast.Call, ast.Subscript, ast.Attribute, ast.List, ast.Tuple), unwrap),
    Operator("literal", (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp), literal),
)
