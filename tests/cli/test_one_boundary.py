"""Everything that people read goes out at one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import autoclave.cli
from autoclave.cli.output import Output
from autoclave.domain.text import show

CLI = Path(autoclave.cli.__file__).parent
MAY_WRITE = {"output.py", "asking.py"}
"""The boundary itself, and the words before a cursor."""


def test_only_the_boundary_writes_to_a_terminal() -> None:
    """No `print`, no `click.echo`, no stream of its own in any command or table."""
    found = [
        f"{path.relative_to(CLI)}:{call.lineno}"
        for path in CLI.rglob("*.py")
        if path.name not in MAY_WRITE
        for call in _calls(path)
        if _writes(call)
    ]

    assert found == []


def test_what_a_table_forgot_to_show_does_not_steer(capsys: pytest.CaptureFixture[str]) -> None:
    """Data, notes and JSON; our own colours stay."""
    output = Output()
    hostile = "a\x1b[2J\x9b31m\u202eb"

    output.data({}, lambda _: f"\x1b[34m{hostile}\x1b[0m")
    output.note(hostile)
    Output(as_json=True).data({"text": hostile}, str)

    seen = capsys.readouterr()
    assert seen.out.startswith(f"\x1b[34m{show(hostile)}\x1b[0m\n")
    assert seen.err == f"{show(hostile)}\n"
    assert seen.out.replace("\x1b[34m", "").replace("\x1b[0m", "").isascii()


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _writes(call: ast.Call) -> bool:
    said = ast.unparse(call.func)
    return said in ("print", "click.echo", "click.secho", "echo", "os.write") or (
        said.endswith((".write", ".writelines")) and "sys.std" in said
    )
