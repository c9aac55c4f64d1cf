"""Candidates in the order in which they are worth a run: expected successes per candidate."""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from . import operators
from .operators.base import Site
from .priors import share
from .scope import module_scope, scope_of
from .source import Function, Source, Splice

Types = Mapping[tuple[str, str], dict[str, set[str]]]
MOST = 60_000
COLD = 0.05
"""A candidate that needs a new import costs as much as many that do not."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One edit of one file, not yet tried."""

    file: str
    function: Function | None
    """What a warm worker can swap."""
    statement: ast.stmt | None
    """What a warm worker can run again; without either the module is imported anew."""
    splices: tuple[Splice, ...]
    operator: str
    """`family:node`, the key of the priors."""
    line: int
    score: float

    @property
    def size(self) -> int:
        return sum(len(s.text) + (s.end - s.start) for s in self.splices)


def candidates(
    sources: Mapping[str, Source],
    scores: Mapping[tuple[str, int], float],
    *,
    types: Types,
    priors: Mapping[str, list[int]],
    seed: int = 0,
) -> list[Candidate]:
    """Every candidate at the places under suspicion, most promising first."""
    groups: dict[str, list[tuple[float, Candidate]]] = defaultdict(list)
    seen: set[tuple[str, tuple[Splice, ...]]] = set()
    for worth, candidate in _every(sources, scores, types):
        key = (candidate.file, candidate.splices)
        if key not in seen:
            seen.add(key)
            groups[candidate.operator].append((worth, candidate))
    found = []
    for operator, members in groups.items():
        total = sum(worth for worth, _ in members)
        part = share(operator, priors)
        for worth, candidate in members:
            if candidate.function is None and candidate.statement is None:
                worth *= COLD
            found.append((part * worth / max(total, 1.0), candidate))
    shuffled = random.Random(seed)  # noqa: S311 (breaks ties, nothing more)
    order = [(-score, shuffled.random(), number) for number, (score, _) in enumerate(found)]
    order.sort()
    return [
        replace(c, score=-score) for score, _, number in order[:MOST] for c in [found[number][1]]
    ]


def _every(
    sources: Mapping[str, Source], scores: Mapping[tuple[str, int], float], types: Types
) -> Iterator[tuple[float, Candidate]]:
    for path, source in sources.items():
        lines = {line: score for (file, line), score in scores.items() if file == path}
        if not lines:
            continue
        names: set[str] = set()
        for function in source.functions:
            first, last = function.first_line, function.node.end_lineno or function.first_line
            if any(first <= line <= last for line in lines):
                names |= {n.id for n in ast.walk(function.node) if isinstance(n, ast.Name)}
                names |= {n.attr for n in ast.walk(function.node) if isinstance(n, ast.Attribute)}
                yield from _in_function(source, function, lines, types)
        yield from _in_module(source, lines, names)


def _in_function(
    source: Source, function: Function, lines: Mapping[int, float], types: Types
) -> Iterator[tuple[float, Candidate]]:
    seen = types.get((source.path, function.qualname), {})
    scope = scope_of(source, function, seen)
    body_start = source.span(function.node.body[0])[0]
    for node in [function.node, *_nodes(function.node)]:
        place = _place(source, node, lines)
        if node is function.node:
            place = max(lines.get(n.lineno, 0.0) for n in function.node.body) * 0.5
        if place <= 0 or not _changeable(source, node):
            continue
        if node is not function.node and source.span(node)[0] < body_start:
            continue
        yield from _rewrites(Site(source, function, scope, node), function, place)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if node is not tree and (hasattr(node, "lineno") or isinstance(node, ast.comprehension)):
            yield node


def _place(source: Source, node: ast.AST, lines: Mapping[int, float]) -> float:
    """How suspicious a node is: the best of its own line and that of its statement."""
    statement = source.statement_of(node)
    own = getattr(node, "lineno", 0)
    best = lines.get(own, 0.0)
    if statement is not None:
        best = max(best, lines.get(statement.lineno, 0.0))
        if isinstance(statement, ast.Return):
            best *= 1.1
    return best


def _changeable(source: Source, node: ast.AST) -> bool:
    """Not a docstring, not inside an annotation or an f-string's text."""
    parent = source.parents.get(node)
    if isinstance(node, ast.Constant) and isinstance(parent, ast.Expr | ast.JoinedStr):
        return False
    while parent is not None and not isinstance(parent, ast.stmt):
        if isinstance(parent, ast.arg | ast.JoinedStr):
            return False
        parent = source.parents.get(parent)
    return True


def _rewrites(
    site: Site, function: Function | None, place: float, statement: ast.stmt | None = None
) -> Iterator[tuple[float, Candidate]]:
    node = site.node
    line: int = getattr(node.target if isinstance(node, ast.comprehension) else node, "lineno", 1)
    for operator in operators.for_node(node):
        for rewrite in operator.make(site):
            kind = rewrite.kind or type(node).__name__
            inside = function is not None and all(
                site.source.function_at(s.start, s.end) is function for s in rewrite.splices
            )
            yield (
                place * place * rewrite.weight,
                Candidate(
                    file=site.source.path,
                    function=function if inside else None,
                    statement=statement,
                    splices=rewrite.splices,
                    operator=f"{operator.family}:{kind}",
                    line=line,
                    score=0.0,
                ),
            )


_AT_TOP = frozenset(
    [
        "compare",
        "arithmetic",
        "logic",
        "negate",
        "constant",
        "callee",
        "argument",
        "order",
        "name",
        "attribute",
        "swap_operands",
        "drop_operand",
        "literal",
        "unwrap",
    ]
)


def _in_module(
    source: Source, lines: Mapping[int, float], used: Iterable[str]
) -> Iterator[tuple[float, Candidate]]:
    """Top level statements: those that ran into trouble, and tables that suspects refer to."""
    used = set(used)
    best = max(lines.values())
    scope = module_scope(source)
    for statement in _top_level(source.tree.body):
        place = lines.get(statement.lineno, 0.0)
        if place <= 0 and isinstance(statement, ast.Assign | ast.AnnAssign):
            bound = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
            place = best * 0.4 if bound & used else 0.0
        if place <= 0:
            continue
        function = Function(statement, "", ())  # type: ignore[arg-type]
        for node in [statement, *_nodes(statement)]:
            if not _changeable(source, node):
                continue
            again = statement if _can_rerun(source, statement) else None
            site = Site(source, function, scope, node)
            for worth, candidate in _rewrites(site, None, place, again):
                if candidate.operator.split(":")[0] in _AT_TOP:
                    yield worth, candidate


def _can_rerun(source: Source, statement: ast.stmt) -> bool:
    plain = isinstance(statement, ast.Assign | ast.AnnAssign)
    return plain and isinstance(source.parents[statement], ast.Module)


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _top_level(node.body)
        elif isinstance(node, ast.If | ast.Try):
            for name in ("body", "orelse", "finalbody"):
                yield from _top_level(getattr(node, name, []))
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Import):
            yield node
