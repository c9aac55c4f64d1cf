"""Finds the node that an edit names: by qualified name, and by hash where names are shared."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, WhitespaceInclusivePositionProvider

from ..domain.canonical import digest_bytes
from ..domain.errors import Conflict, InvalidInput, NotFound, Stale
from .source_form import parse

Statement = cst.FunctionDef | cst.ClassDef | cst.SimpleStatementLine
_Body = Sequence[cst.BaseStatement] | Sequence[cst.BaseSmallStatement]
_LOCALS = ".<locals>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One addressable place in a source text; `node` None stands for the module."""

    name: str
    node: Statement | None
    start: int
    """Where its text starts, leading comments and blank lines included."""
    end: int
    indent: str
    """White space in front of its first line."""
    siblings: int
    """Statements in the block that it stands in."""
    hash: str

    @property
    def kind(self) -> str:
        if self.node is None:
            return "module"
        names = {cst.FunctionDef: "function", cst.ClassDef: "class"}
        return names.get(type(self.node), "assignment")


class Source:
    """A source text with every place in it that an edit can name."""

    def __init__(self, text: str, file: str = "the source") -> None:
        self.text = text
        self.file = file
        wrapper = MetadataWrapper(parse(text, file), unsafe_skip_copy=True)
        self.module = wrapper.module
        self.wrapper = wrapper
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        try:
            self._positions = wrapper.resolve(WhitespaceInclusivePositionProvider)
            self.targets = tuple(self._walk(self.module.body, name="", indent="", local=False))
        except RecursionError as error:
            raise InvalidInput(f"{file} is nested too deeply") from error

    @property
    def whole(self) -> Target:
        """The module itself."""
        return Target(
            name="",
            node=None,
            start=0,
            end=len(self.text),
            indent="",
            siblings=len(self.module.body),
            hash=_hash(self.text),
        )

    def named(self, name: str) -> tuple[Target, ...]:
        """Every definition of that qualified name, in the order of the text."""
        wanted = name.replace(_LOCALS, "")
        return tuple(target for target in self.targets if target.name == wanted)

    def find(self, name: str, expected_hash: str) -> Target:
        """The one target meant. Raises NotFound, Stale or Conflict with what would help."""
        if not name:
            return self._checked(self.whole, expected_hash)
        candidates = self.named(name)
        if not candidates:
            raise self._missing(name)
        if len(candidates) == 1:
            return self._checked(candidates[0], expected_hash)
        fitting = [target for target in candidates if target.hash == expected_hash]
        if len(fitting) == 1:
            return fitting[0]
        raise Conflict(
            f"{self.file} defines {name} {len(candidates)} times and the hash "
            f"{expected_hash[:8] or '(none)'} fits {len(fitting) or 'none'} of them",
            hint="give the hash of the one that is meant, or edit what stands around it",
        )

    def offset(self, line: int, column: int) -> int:
        """Position in the text of a line (from 1) and a column (from 0)."""
        # LibCST puts the end of a file without a last newline one place too far.
        return min(self._starts[line - 1] + column, len(self.text))

    def span(self, place: CodeRange) -> tuple[int, int]:
        """A code range as two positions in the text."""
        start, end = place.start, place.end
        return self.offset(start.line, start.column), self.offset(end.line, end.column)

    def _checked(self, target: Target, expected_hash: str) -> Target:
        if target.hash != expected_hash:
            raise Stale(
                f"{target.name or 'the module'} in {self.file} has changed: the edit was made "
                f"for {expected_hash[:8] or '(none)'}, it is {target.hash[:8]} now",
                hint="read it again and make the edit for what stands there",
            )
        return target

    def _missing(self, name: str) -> NotFound:
        close = nearest(name, [target.name for target in self.targets])
        return NotFound(
            f"{self.file} defines no {name}",
            hint=f"nearest: {', '.join(close)}" if close else "it defines nothing like it",
        )

    def _walk(self, body: _Body, *, name: str, indent: str, local: bool) -> Iterator[Target]:
        """The targets of one block; `local` says that its assignments are a function's own."""
        for node in body:
            if isinstance(node, cst.FunctionDef | cst.ClassDef):
                own = _join(name, node.name.value)
                yield self._target(own, node, indent=indent, siblings=len(body))
                inside = isinstance(node, cst.FunctionDef)
                yield from self._walk_suite(node.body, name=own, indent=indent, local=inside)
            elif isinstance(node, cst.SimpleStatementLine):
                for assigned in () if local else _assigned(node):
                    own = _join(name, assigned)
                    yield self._target(own, node, indent=indent, siblings=len(body))
            else:
                for suite in _suites(node):
                    yield from self._walk_suite(suite, name=name, indent=indent, local=local)

    def _walk_suite(
        self, suite: cst.BaseSuite, *, name: str, indent: str, local: bool
    ) -> Iterator[Target]:
        if isinstance(suite, cst.IndentedBlock):
            deeper = indent + self.indent_of(suite)
            yield from self._walk(suite.body, name=name, indent=deeper, local=local)

    def indent_of(self, block: cst.IndentedBlock) -> str:
        """The white space that a block adds in front of its lines."""
        return self.module.default_indent if block.indent is None else block.indent

    def _target(self, name: str, node: Statement, *, indent: str, siblings: int) -> Target:
        start, end = self.span(self._positions[node])
        code = self.module.code_for_node(node)
        return Target(
            name=name,
            node=node,
            start=start,
            end=end,
            indent=indent,
            siblings=siblings,
            hash=_hash(code),
        )


def target_hash(source: str, qualified_name: str) -> str:
    """The hash that an edit of this target has to carry. Raises NotFound, Conflict."""
    text = Source(source)
    if not qualified_name:
        return text.whole.hash
    found = text.named(qualified_name)
    if not found:
        raise text._missing(qualified_name)
    if len({target.hash for target in found}) > 1:
        raise Conflict(f"{qualified_name} is defined {len(found)} times, each differently")
    return found[0].hash


def nearest(name: str, names: Sequence[str], *, most: int = 3) -> list[str]:
    """The names most like `name`, best first; the last part of a dotted name counts too."""
    known = list(dict.fromkeys(names))
    last = name.rsplit(".", maxsplit=1)[-1]
    same_end = [item for item in known if item.rsplit(".", maxsplit=1)[-1] == last]
    close = difflib.get_close_matches(name, known, n=most, cutoff=0.5)
    return list(dict.fromkeys([*same_end, *close]))[:most]


def _join(outer: str, name: str) -> str:
    return f"{outer}.{name}" if outer else name


def _hash(code: str) -> str:
    return digest_bytes(code.encode("utf-8"))


def _assigned(line: cst.SimpleStatementLine) -> Iterator[str]:
    for statement in line.body:
        if isinstance(statement, cst.Assign):
            for target in statement.targets:
                yield from _names(target.target)
        elif isinstance(statement, cst.AnnAssign):
            yield from _names(statement.target)


def _names(expression: cst.BaseExpression) -> Iterator[str]:
    if isinstance(expression, cst.Name):
        yield expression.value
    elif isinstance(expression, cst.Tuple | cst.List):
        for element in expression.elements:
            yield from _names(element.value)


def _suites(node: cst.CSTNode) -> Iterator[cst.BaseSuite]:
    """The blocks of a compound statement, `else`, `except`, `finally` and `case` included."""
    for child in node.children:
        if isinstance(child, cst.BaseSuite):
            yield child
        elif isinstance(
            child,
            cst.If
            | cst.Else
            | cst.ExceptHandler
            | cst.ExceptStarHandler
            | cst.Finally
            | cst.MatchCase,
        ):
            yield from _suites(child)
