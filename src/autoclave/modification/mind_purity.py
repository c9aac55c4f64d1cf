"""Reads a mind's modules for everything that is more than computing an answer from a view."""

from __future__ import annotations

import ast
import importlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from ..domain.intents import IntentKind
from .import_time import at_import
from .names import Names
from .powers import parsed, powers

_MODULES = """__future__ bisect collections collections.abc copy dataclasses difflib enum functools
    heapq itertools json math re shlex textwrap types typing unicodedata"""
_PURE = frozenset(_MODULES.split())
"""Modules that only compute. Of each only what it offers by name counts."""
_KEEPERS = frozenset({"functools.cache", "functools.lru_cache", "functools.cached_property"})
_OF_TYPES = frozenset({"types.MappingProxyType"})
_BUILTINS = """open exec eval compile __import__ input print globals locals vars id hash breakpoint
    exit quit setattr delattr help"""
_FORBIDDEN = frozenset(_BUILTINS.split())
"""`id` and `hash` are others in every process."""
_METHODS = """append extend insert remove pop clear sort reverse add discard update setdefault
    popitem appendleft popleft extendleft rotate difference_update intersection_update
    symmetric_difference_update subtract __setitem__ __delitem__ __next__ send"""
_CHANGING = frozenset(_METHODS.split())
_HARMLESS = """dataclass dataclasses.dataclass staticmethod classmethod property typing.overload
    typing.final functools.total_ordering functools.wraps"""
_DECORATORS = frozenset(_HARMLESS.split())
_MAKERS = frozenset({"list", "dict", "set", "bytearray", "collections.deque"})
_MAKERS |= {"collections.defaultdict", "collections.Counter", "collections.OrderedDict"}
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def impurities(source: str, *, own: frozenset[str]) -> Counter[str]:
    """`reach: …` and `state: …` with counts. `own` are the modules of the mind itself."""
    tree = parsed(source)
    names = Names(tree)
    found = Counter({f"reach: {name}": n for name, n in powers(source, own=own).items()})
    found.update(f"reach: {name}" for name in _imports(tree, own))
    found.update(f"reach: {name}" for name in _reached(tree, names))
    found.update(f"state: {name}" for name in at_import(tree).elements())
    found.update(f"state: {name}" for name in _state(tree, names))
    return found


def intents_named(source: str) -> Counter[str]:
    """The kinds of intents that a source has the names of."""
    kinds = set(IntentKind)
    nodes = (node.value for node in ast.walk(parsed(source)) if isinstance(node, ast.Constant))
    return Counter(str(each) for each in nodes if isinstance(each, str) and each in kinds)


def _imports(tree: ast.Module, own: frozenset[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name not in _PURE)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            if module not in _PURE:
                yield module
            else:
                yield from _not_offered(module, [each.name for each in node.names])
        elif isinstance(node, ast.ImportFrom):
            wanted = [node.module] if node.module else [each.name for each in node.names]
            inside = node.level == 1 and set(wanted) <= own
            yield from () if inside else [f"{'.' * node.level}{node.module or ''}"]


def _reached(tree: ast.Module, names: Names) -> Iterator[str]:
    """Built-ins that do more than compute, and what a module holds but does not offer."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from [node.id] if node.id in _FORBIDDEN and node.id not in names else []
        elif isinstance(node, ast.Attribute):
            if node.attr.startswith("__"):
                yield f".{node.attr}"
            module, _, attribute = names.resolve(node).rpartition(".")
            if module in _PURE and names.is_imported(node):
                yield from _not_offered(module, [attribute])


def _not_offered(module: str, wanted: list[str]) -> Iterator[str]:
    for name in wanted:
        if module == "types" and f"types.{name}" not in _OF_TYPES:
            yield f"types.{name}"
        elif f"{module}.{name}" not in _PURE and name not in _offered(module):
            yield f"{module}.{name}"


@cache
def _offered(module: str) -> frozenset[str]:
    """What one of the pure modules offers by name; a module inside it is no offer."""
    found = importlib.import_module(module)
    named = getattr(found, "__all__", None) or (n for n in dir(found) if not n.startswith("_"))
    return frozenset(n for n in named if not isinstance(getattr(found, n, None), ModuleType))


def _state(tree: ast.Module, names: Names) -> Iterator[str]:
    """Where something of one decision could be left for the next."""
    top = frozenset(_top_names(tree))
    yield from _kept_at_top(tree, names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"global {', '.join(node.names)}"
        elif isinstance(node, _FUNCTIONS):
            yield from _kept_by(node, names, top)
        elif isinstance(node, ast.ClassDef):
            yield from _kept_in_class(node, names)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _decorators(node, names)
        if isinstance(node, ast.Name | ast.Attribute) and names.resolve(node) in _KEEPERS:
            yield names.resolve(node)


def _top_names(tree: ast.Module) -> Iterator[str]:
    """Every name that the module itself binds: they outlive a decision."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (each.asname or each.name.split(".")[0] for each in node.names)
        else:
            stores = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            yield from (n.id for n in stores if isinstance(n.ctx, ast.Store))


def _kept_at_top(tree: ast.Module, names: Names) -> Iterator[str]:
    """An empty container is only good for being filled; a generator goes on where it was."""
    for node in tree.body:
        value = getattr(node, "value", None)
        if not isinstance(node, ast.Assign | ast.AnnAssign) or value is None:
            continue
        if _is_empty(value, names) or isinstance(value, ast.GeneratorExp):
            yield f"{ast.unparse(node)[:60]} is there to be filled"


def _kept_by(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, names: Names, top: frozenset[str]
) -> Iterator[str]:
    defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
    yield from (f"default {ast.unparse(e)[:40]} stays" for e in defaults if _changes(e, names))
    body = node.body if isinstance(node.body, list) else [node.body]
    inner = [each for statement in body for each in ast.walk(statement)]
    local = {a.arg for a in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs)}
    local |= {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    lasting = (top - local) | _aliases(inner, top - local)
    for each in inner:
        if isinstance(each, ast.Attribute | ast.Subscript) and not isinstance(each.ctx, ast.Load):
            yield from _if_lasting(each, lasting, "is written to")
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            if each.func.attr in _CHANGING:
                yield from _if_lasting(each.func, lasting, "is changed")
        elif isinstance(each, ast.Call) and names.resolve(each.func) == "next" and each.args:
            yield from _if_lasting(each.args[0], lasting, "goes on")


def _aliases(nodes: list[ast.AST], lasting: frozenset[str]) -> frozenset[str]:
    """Local names that are put on something lasting, over any number of steps."""
    known = lasting
    while True:
        more = {
            target.id
            for node in nodes
            if isinstance(node, ast.Assign | ast.NamedExpr) and _root(node.value) in known
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        if more <= known:
            return known - lasting
        known = known | more


def _if_lasting(node: ast.expr, lasting: frozenset[str], what: str) -> Iterator[str]:
    if (root := _root(node)) in lasting:
        yield f"{root} {what}"


def _root(node: ast.expr) -> str:
    """The name that an attribute or an element hangs on."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _kept_in_class(node: ast.ClassDef, names: Names) -> Iterator[str]:
    for each in node.body:
        value = getattr(each, "value", None)
        if isinstance(each, ast.Assign | ast.AnnAssign) and value and _changes(value, names):
            yield f"{node.name} shares {ast.unparse(each)[:40]}"


def _decorators(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, names: Names
) -> Iterator[str]:
    for each in node.decorator_list:
        name = names.resolve(each.func if isinstance(each, ast.Call) else each)
        if name not in _DECORATORS:
            yield f"decorator {name}"


def _changes(value: ast.expr, names: Names) -> bool:
    """Whether a value can be changed in place."""
    made = isinstance(value, ast.Call) and names.resolve(value.func) in _MAKERS
    return made or isinstance(value, (*_DISPLAYS, ast.GeneratorExp))


def _is_empty(value: ast.expr, names: Names) -> bool:
    if isinstance(value, ast.Call):
        return names.resolve(value.func) in _MAKERS and not (value.args or value.keywords)
    return (isinstance(value, ast.List | ast.Set) and not value.elts) or (
        isinstance(value, ast.Dict) and not value.keys
    )
