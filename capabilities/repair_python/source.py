"""One file under repair: its bytes, its tree, and where everything in it stands."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Splice:
    """Bytes `start` to `end` of a file become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or method that is not inside another one; what a warm worker can swap."""

    node: Definition
    qualname: str
    classes: tuple[ast.ClassDef, ...]

    @property
    def first_line(self) -> int:
        return min([self.node.lineno, *(d.lineno for d in self.node.decorator_list)])


class Source:
    """A parsed file. Positions are byte offsets, as the `ast` module counts them."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.tree = ast.parse(data)
        self.newline = "\r\n" if b"\r\n" in data else "\n"
        self._starts = [0]
        for line in data.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    @classmethod
    def read(cls, root: Path, path: str) -> Source | None:
        """None for what can't be repaired here: not UTF-8, does not parse, odd line ends."""
        try:
            data = (root / path).read_bytes()
            data.decode("utf-8")
            source = cls(path, data)
        except (OSError, ValueError, SyntaxError, RecursionError):
            return None
        odd = data.startswith(b"\xef\xbb\xbf") or data.replace(b"\r\n", b"").count(b"\r")
        return None if odd else source

    def offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def span(self, node: ast.AST) -> tuple[int, int]:
        if isinstance(node, ast.comprehension):
            return self.span(node.target)[0], self.span([node.iter, *node.ifs][-1])[1]
        start = self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return start, self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.data[start:end].decode()

    def line_text(self, line: int) -> str:
        return self.data[self._starts[line - 1] : self._starts[line]].decode().rstrip("\r\n")

    def line_span(self, first: int, last: int) -> tuple[int, int]:
        """From the start of a line to the end of another, its newline included."""
        return self._starts[first - 1], min(self._starts[last], len(self.data))

    def indent(self, node: ast.stmt) -> str:
        line = self.line_text(node.lineno)
        return line[: len(line) - len(line.lstrip())]

    def spliced(self, splices: tuple[Splice, ...]) -> bytes:
        data = self.data
        for splice in sorted(splices, key=lambda s: s.start, reverse=True):
            data = data[: splice.start] + splice.text.encode() + data[splice.end :]
        return data

    @cached_property
    def functions(self) -> list[Function]:
        return list(_functions(self.tree.body, (), ""))

    def function_at(self, start: int, end: int) -> Function | None:
        """The outermost function whose body holds these bytes wholly."""
        for function in self.functions:
            body = function.node.body
            last = body[-1].end_lineno or body[-1].lineno
            if self.span(body[0])[0] <= start and end <= self.line_span(last, last)[1]:
                return function
        return None

    @cached_property
    def future_flags(self) -> int:
        import __future__

        flags = 0
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    flags |= getattr(__future__, alias.name).compiler_flag
        return flags

    @cached_property
    def globals(self) -> list[str]:
        """Names that the module binds at its top level, in order."""
        return list(dict.fromkeys(_bound(self.tree.body)))

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        while node in self.parents and not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node if isinstance(node, ast.stmt) else None

    def unit(self, function: Function, splices: tuple[Splice, ...]) -> str:
        """The function with the splices in it, alone at its own lines, ready to compile."""
        first, last = function.first_line, function.node.end_lineno or function.node.lineno
        text = self.part(*self.line_span(first, last), splices)
        head = ""
        for node in function.classes:
            head += " " * node.col_offset + f"class {node.name}:\n"
        return "\n" * (first - 1 - len(function.classes)) + head + text

    def part(self, start: int, end: int, splices: tuple[Splice, ...]) -> str:
        """The bytes from start to end with splices, all inside, made in them."""
        text = self.data[start:end]
        for splice in sorted(splices, key=lambda s: s.start, reverse=True):
            text = text[: splice.start - start] + splice.text.encode() + text[splice.end - start :]
        return text.decode()


def _functions(
    body: list[ast.stmt], classes: tuple[ast.ClassDef, ...], prefix: str
) -> Iterator[Function]:
    for node in body:
        if isinstance(node, Definition):
            yield Function(node, prefix + node.name, classes)
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, (*classes, node), f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try) and not classes:
            for name in ("body", "orelse", "finalbody"):
                yield from _functions(getattr(node, name, []), classes, prefix)


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0]
        elif isinstance(node, Definition | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        elif isinstance(node, ast.If | ast.Try):
            for name in ("body", "orelse", "finalbody"):
                yield from _bound(getattr(node, name, []))


BUILTINS = frozenset(dir(builtins))


@dataclass(slots=True)
class Scope:
    """What a function can talk about, with how often each thing is used in it."""

    parameters: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Parameters and locals, most used first."""
    attributes: list[str] = field(default_factory=list)
    callees: list[str] = field(default_factory=list)
    """Texts of what is called with one argument, here first, then in the module."""
    conditions: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    module_names: list[str] = field(default_factory=list)
    types: dict[str, set[str]] = field(default_factory=dict)
    """Types that names were seen to have when the failing tests ran."""


class Sources(dict[str, Source]):
    """Files that may be edited, parsed when they are first looked at."""

    def __init__(self, root: Path, paths: list[str]) -> None:
        super().__init__()
        self._root = root
        self.paths = paths

    def look(self, path: str) -> Source | None:
        """The parsed file; None when it may not or can't be edited."""
        if path not in self and path in self.paths:
            source = Source.read(self._root, path)
            if source is None:
                return None
            self[path] = source
        return self.get(path)
