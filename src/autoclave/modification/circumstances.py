"""Where code looks at the clock, at chance or at its surroundings, and where it decides by them.

That a change hides nothing cannot be proved by reading it: this is a cheap net with wide meshes.
What decides by such a thing is refused; what only looks is shown to the person who approves.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .names import Names

_LOOKS: tuple[str, ...] = (
    r"time\.(time|time_ns|localtime|gmtime|ctime|asctime|strftime|clock_gettime|tzname|timezone)",
    r"datetime\.(datetime|date)\.(now|today|utcnow)",
    r"(random|secrets)\.\w+",
    r"random\.(Random|SystemRandom)\.\w+",
    r"(uuid\.uuid[14]|os\.urandom|os\.(getcwd|cpu_count|getpid|getppid)|pathlib\.Path\.cwd)",
    r"(tempfile\.gettempdir|locale\.getlocale|__file__|context\.key)",
)
_TIMERS: tuple[str, ...] = (
    r"time\.(monotonic|perf_counter|process_time|thread_time)(_ns)?",
    r"(time|asyncio)\.sleep",
    r"context\.(deadline|seconds)",
)
"""Time that passes: deciding by it is how a time-out works, so it is only shown."""


def circumstances(tree: ast.Module) -> Counter[str]:
    """`reads time.time` and `decides by time.time`, with counts."""
    net = _Net(tree)
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if (name := net.name_of(node)) and _any_matches(name, (*_LOOKS, *_TIMERS)):
            found[f"reads {name}"] += 1
        for condition in _conditions(node):
            found.update(f"decides by {name}" for name in sorted(net.behind(condition)))
    return found


class _Net:
    """Which names hold what was seen, followed through assignments and returned values."""

    def __init__(self, tree: ast.Module) -> None:
        self._names = Names(tree)
        self._held: dict[str, frozenset[str]] = {}
        flows, before = list(_flows(tree)), -1
        while (now := sum(map(len, self._held.values()))) != before:
            before = now
            for name, value in flows:
                self._held[name] = self._held.get(name, frozenset()) | self.behind(value)

    def name_of(self, node: ast.AST) -> str:
        return self._names.resolve(node) if isinstance(node, ast.Name | ast.Attribute) else ""

    def behind(self, expression: ast.expr) -> frozenset[str]:
        """What an expression rests on."""
        found: set[str] = set()
        for node in ast.walk(expression):
            name = self.name_of(node)
            found |= {name} if name and _any_matches(name, _LOOKS) else set()
            if isinstance(node, ast.Name):
                found |= self._held.get(node.id, frozenset())
        return frozenset(found)


def _flows(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names and what is put into them; a function's name stands for what it returns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            returned = (each.value for each in ast.walk(node) if isinstance(each, ast.Return))
            yield from ((node.name, value) for value in returned if value is not None)
        elif isinstance(node, ast.Assign):
            yield from _into(node.targets, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            yield from _into([node.target], node.value) if node.value else ()
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            yield from _into([node.target], node.iter)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield from _into([node.optional_vars], node.context_expr)


def _into(targets: Sequence[ast.expr], value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, value


def _conditions(node: ast.AST) -> Sequence[ast.expr]:
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        return [node.test]
    if isinstance(node, ast.Match):
        return [node.subject]
    if isinstance(node, ast.comprehension):
        return node.ifs
    if isinstance(node, ast.Compare | ast.BoolOp):
        return [node]
    return []


def _any_matches(name: str, patterns: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in patterns)
