"""New statements as text: dedented, checked on their own, and set in at the right depth."""

from __future__ import annotations

import textwrap

import libcst as cst

from ..domain.errors import InvalidInput
from .source_form import parse

_ANCHOR = "pass\n"


def indented(source: str, indent: str, *, file: str) -> str:
    """The statements of `source` with `indent` in front, strings that span lines left alone.

    `source` may stand at any depth. It has to be whole statements, and at least one.
    """
    # Blank lines at the end would become part of what follows and change its hash.
    module = _alone(source.rstrip("\n") + "\n", file)
    statements, footer = module.body[1:], module.footer
    if not statements:
        raise InvalidInput(f"the new source for {file} has no statement")
    if not indent:
        return module.code.removeprefix(_ANCHOR)
    block = cst.IndentedBlock(body=statements, footer=footer, indent=indent)
    wrapped = module.with_changes(body=[cst.If(test=cst.Name("x"), body=block)], footer=[])
    spread = wrapped.visit(_BlankLines())
    return spread.code.removeprefix("if x:\n")


class _BlankLines(cst.CSTTransformer):
    """Keeps empty lines empty when the statements around them move to the right."""

    def leave_EmptyLine(  # noqa: N802  (the name that LibCST calls)
        self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine
    ) -> cst.EmptyLine:
        if updated_node.comment is None:
            return updated_node.with_changes(indent=False)
        return updated_node


def one_definition(source: str, file: str) -> None:
    """Raise InvalidInput unless `source` is one statement."""
    count = len(_alone(source, file).body) - 1
    if count != 1:
        raise InvalidInput(f"the new source for {file} has {count} statements, it needs one")


def expression(source: str, file: str) -> str:
    """`source` when it is one expression on one line. Raises InvalidInput."""
    text = source.strip()
    try:
        node = cst.parse_expression(text)
    except (cst.ParserSyntaxError, cst.CSTValidationError) as error:
        raise InvalidInput(f"{text!r} is no expression (for {file})") from error
    if isinstance(node, cst.Tuple) and not node.lpar:
        raise InvalidInput(f"the tuple {text!r} needs parentheses here (for {file})")
    if "\n" in text or node.__class__ is cst.NamedExpr:
        raise InvalidInput(f"the expression for {file} has to stand on one line")
    return text


def _alone(source: str, file: str) -> cst.Module:
    # The first statement would lose its leading comments to the module; the anchor keeps them.
    text = source if source.endswith("\n") else source + "\n"
    if _first_code_line(text)[:1] in (" ", "\t"):
        text = _dedented(text, file)
    return parse(_ANCHOR + text, f"the new source for {file}")


def _dedented(text: str, file: str) -> str:
    module = parse(f"if x:\n{text}", f"the new source for {file}")
    block = module.body[0]
    if not (isinstance(block, cst.If) and isinstance(block.body, cst.IndentedBlock)):
        raise InvalidInput(f"the new source for {file} is not whole statements")
    if len(module.body) > 1 or block.orelse is not None:
        raise InvalidInput(f"the new source for {file} starts deeper than it goes on")
    flat = module.with_changes(
        header=[], body=block.body.body, footer=[*block.body.footer, *module.footer]
    )
    return flat.code


def _first_code_line(text: str) -> str:
    lines = (line for line in text.split("\n") if line.strip() and line.strip()[0] != "#")
    return next(lines, textwrap.dedent(text))
