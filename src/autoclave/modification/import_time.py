"""What happens by the mere import of a module, beyond definitions and plain values."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from .names import Names

_HARMLESS = """frozenset set tuple list dict range len sorted min max sum str int float bool bytes
    object zip enumerate slice complex abs round dict.fromkeys str.maketrans super property
    classmethod staticmethod re.compile logging.getLogger dataclasses.dataclass
    dataclasses.field enum.auto collections.namedtuple collections.Counter
    collections.OrderedDict collections.defaultdict collections.deque typing.TypeVar
    typing.NewType typing.ParamSpec typing.cast typing.NamedTuple types.MappingProxyType
    pathlib.Path pathlib.PurePosixPath pathlib.PurePath functools.lru_cache functools.wraps
    functools.partial functools.cache decimal.Decimal fractions.Fraction datetime.timedelta
    datetime.date datetime.datetime datetime.timezone string.Template textwrap.dedent
    operator.itemgetter contextvars.ContextVar struct.Struct math.sqrt math.log math.pow
    itertools.chain itertools.product"""
_PLAIN = frozenset(_HARMLESS.split())
_MAKERS = frozenset({"__init__", "__new__", "__post_init__"})
_RUNS = (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Delete, ast.Raise)


def at_import(tree: ast.Module) -> Counter[str]:
    """`import time: call` with counts, for everything that is more than a definition."""
    names, values = Names(tree), _plain_classes(tree)
    found: Counter[str] = Counter()
    for node in _evaluated(tree):
        if isinstance(node, ast.Call) and not _is_plain(node, names, values):
            found[f"import time: {ast.unparse(node.func)[:60]}"] += 1
        elif isinstance(node, _RUNS):
            found[f"import time: {type(node).__name__.lower()}"] += 1
    return found


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that importing runs: the bodies of functions wait, and so do annotations."""
    for child in _parts(node):
        yield child
        yield from _evaluated(child)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from node.decorator_list
        yield from _defaults(node.args)
    elif isinstance(node, ast.Lambda):
        yield from _defaults(node.args)
    elif isinstance(node, ast.AnnAssign):
        yield from [node.value] if node.value else []
    else:
        yield from ast.iter_child_nodes(node)


def _defaults(arguments: ast.arguments) -> Iterator[ast.expr]:
    yield from arguments.defaults
    yield from (each for each in arguments.kw_defaults if each is not None)


def _plain_classes(tree: ast.Module) -> frozenset[str]:
    """Classes of the module itself that run nothing of their own when they are called."""
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and not any(
            isinstance(each, ast.FunctionDef) and each.name in _MAKERS for each in node.body
        )
    )


def _is_plain(call: ast.Call, names: Names, values: frozenset[str]) -> bool:
    function = call.func
    if names.resolve(function) in _PLAIN | values:
        return True
    # Methods of a literal, such as `"a b c".split()`.
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Constant)
