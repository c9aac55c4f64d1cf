"""What each edit operation does, as pieces of text put in place of spans of the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import PositionProvider

from ..domain.errors import Conflict, InvalidInput, NotFound
from ..domain.proposal import Edit, EditOperation
from .rename import rename
from .splice import Splice
from .statements import expression, indented, one_definition
from .targets import Source, Target, nearest


def splices_for(source: Source, target: Target, edit: Edit) -> list[Splice]:
    """The pieces that carry out one edit on a target that was found."""
    return _OPERATIONS[edit.operation](_Place(source=source, target=target, edit=edit))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    source: Source
    target: Target
    edit: Edit

    @property
    def node(self) -> cst.FunctionDef | cst.ClassDef | cst.SimpleStatementLine:
        if self.target.node is None:
            raise InvalidInput(f"{self.edit.operation} needs a named target, not the module")
        return self.target.node

    def new_statements(self, indent: str) -> str:
        return indented(self.edit.source, indent, file=self.source.file)

    def position(self, node: cst.CSTNode) -> tuple[int, int]:
        """Where a node stands, without the white space and comments around it."""
        return self.source.span(self.source.wrapper.resolve(PositionProvider)[node])


def _replace(place: _Place) -> list[Splice]:
    target = place.target
    if target.node is None:
        return [Splice(target.start, target.end, place.edit.source)]
    _check_alone_on_line(place)
    one_definition(place.edit.source, place.source.file)
    return [Splice(target.start, target.end, place.new_statements(target.indent))]


def _insert_before(place: _Place) -> list[Splice]:
    start = place.target.start if place.node else 0
    return [Splice(start, start, place.new_statements(place.target.indent))]


def _insert_after(place: _Place) -> list[Splice]:
    end = place.target.end if place.node else 0
    return [_insertion(place.source, end, place.new_statements(place.target.indent))]


def _append(place: _Place) -> list[Splice]:
    target = place.target
    if target.node is None:
        return [_insertion(place.source, target.end, place.new_statements(""))]
    body = getattr(target.node, "body", None)
    if not isinstance(body, cst.IndentedBlock):
        raise InvalidInput(
            f"{target.name} has no block of its own to append to", hint="replace it as a whole"
        )
    deeper = target.indent + place.source.indent_of(body)
    return [_insertion(place.source, target.end, place.new_statements(deeper))]


def _remove(place: _Place) -> list[Splice]:
    _check_no_source(place.edit)
    target = place.target
    _check_alone_on_line(place)
    needs_pass = target.siblings == 1 and bool(target.indent)
    return [Splice(target.start, target.end, f"{target.indent}pass\n" if needs_pass else "")]


def _rename(place: _Place) -> list[Splice]:
    return rename(place.source, place.target, place.edit.source.strip())


def _wrap(place: _Place) -> list[Splice]:
    node = place.node
    if isinstance(node, cst.SimpleStatementLine):
        raise InvalidInput(f"{place.target.name} is no function or class, nothing to wrap")
    text = expression(place.edit.source.strip().removeprefix("@"), place.source.file)
    first = node.decorators[0] if node.decorators else node
    start, _ = place.position(first)
    return [Splice(start, start, f"@{text}\n{place.target.indent}")]


def _set_default(place: _Place) -> list[Splice]:
    node = place.node
    if not isinstance(node, cst.FunctionDef):
        raise InvalidInput(f"{place.target.name} is no function and has no defaults")
    text = expression(place.edit.source, place.source.file)
    parameter = _parameter(node, place)
    if parameter.default is not None:
        return [Splice(*place.position(parameter.default), text)]
    after = parameter.annotation.annotation if parameter.annotation else parameter.name
    _, end = place.position(after)
    return [Splice(end, end, f" = {text}" if parameter.annotation else f"={text}")]


def _add_import(place: _Place) -> list[Splice]:
    if place.target.node is not None:
        raise InvalidInput("an import is added to the module: the target has to be empty")
    one_definition(place.edit.source, place.source.file)
    text = place.new_statements("").strip("\n") + "\n"
    line = cst.parse_statement(text)
    if not _is_import(line):
        raise InvalidInput(f"{text.strip()!r} is no import statement")
    body = place.source.module.body
    if any(line.with_changes(leading_lines=[]).deep_equals(_bare(item)) for item in body):
        raise Conflict(f"{place.source.file} has this import already: {text.strip()}")
    at = _import_position(place, from_future=text.startswith("from __future__"))
    return [_insertion(place.source, at, text)]


def _import_position(place: _Place, *, from_future: bool) -> int:
    """Behind the first run of imports, else behind the docstring, else in front."""
    at, inside = None, False
    for index, item in enumerate(place.source.module.body):
        is_docstring = index == 0 and _is_docstring(item)
        is_future = _code(item).startswith("from __future__")
        if is_docstring or is_future or (_is_import(item) and not from_future):
            at, inside = item, True
        elif inside or not is_docstring:
            break
    if at is not None:
        text = place.source.text
        end = text.find("\n", place.position(at)[1])
        return end + 1 if end >= 0 else len(text)
    if not place.source.module.body:
        return len(place.source.text)
    return place.position(place.source.module.body[0])[0]


def _insertion(source: Source, at: int, text: str) -> Splice:
    unended = at == len(source.text) and source.text and not source.text.endswith("\n")
    return Splice(at, at, f"\n{text}" if unended else text)


def _parameter(node: cst.FunctionDef, place: _Place) -> cst.Param:
    every = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
    for parameter in every:
        if parameter.name.value == place.edit.argument:
            return parameter
    close = nearest(place.edit.argument, [parameter.name.value for parameter in every])
    raise NotFound(
        f"{place.target.name} has no parameter {place.edit.argument!r}",
        hint=f"nearest: {', '.join(close)}" if close else "it has none like it",
    )


def _check_alone_on_line(place: _Place) -> None:
    if isinstance(place.node, cst.SimpleStatementLine) and len(place.node.body) > 1:
        raise Conflict(
            f"{place.target.name} in {place.source.file} shares its line with other statements",
            hint="put each statement on a line of its own first",
        )


def _check_no_source(edit: Edit) -> None:
    if edit.source:
        raise InvalidInput("a removal takes no new source")


def _is_import(item: cst.CSTNode) -> bool:
    return (
        isinstance(item, cst.SimpleStatementLine)
        and len(item.body) == 1
        and isinstance(item.body[0], cst.Import | cst.ImportFrom)
    )


def _is_docstring(item: cst.CSTNode) -> bool:
    return (
        isinstance(item, cst.SimpleStatementLine)
        and isinstance(item.body[0], cst.Expr)
        and isinstance(item.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def _bare(item: cst.CSTNode) -> cst.CSTNode:
    if isinstance(item, cst.SimpleStatementLine):
        return item.with_changes(leading_lines=[], trailing_whitespace=cst.TrailingWhitespace())
    return item


def _code(item: cst.CSTNode) -> str:
    return cst.Module(body=[]).code_for_node(_bare(item))


_OPERATIONS: Mapping[EditOperation, Callable[[_Place], list[Splice]]] = {
    EditOperation.REPLACE: _replace,
    EditOperation.INSERT_BEFORE: _insert_before,
    EditOperation.INSERT_AFTER: _insert_after,
    EditOperation.APPEND: _append,
    EditOperation.REMOVE: _remove,
    EditOperation.RENAME: _rename,
    EditOperation.WRAP: _wrap,
    EditOperation.SET_DEFAULT: _set_default,
    EditOperation.ADD_IMPORT: _add_import,
}
