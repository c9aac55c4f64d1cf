"""The start of the command line: what is imported, what the help says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autoclave.cli.lazy import SECTIONS

HEAVY = {
    *("sqlalchemy", "pydantic", "libcst", "psutil", "jsonschema", "yaml", "coverage", "pytest"),
    *("anthropic", "openai", "httpx2", "httpx"),
}
PROGRAM = """
import json, sys
from autoclave.cli.app import run
code = run(sys.argv[1:])
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


def _start(*arguments: str) -> tuple[str, int, set[str]]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    facts = json.loads(ended.stderr.splitlines()[-1])
    return ended.stdout, facts["code"], {name.partition(".")[0] for name in facts["modules"]}


def test_help_imports_no_library_but_click() -> None:
    """It is there at once, however much the agent grows."""
    out, code, modules = _start("--help")

    assert code == 0
    assert "Begin with `autoclave demo`" in out
    assert not modules & HEAVY


def test_status_imports_no_library_but_click(tmp_path: Path) -> None:
    """It may be called every second."""
    (tmp_path / "safety_rules.yaml").write_text("version: 1\n")

    out, code, modules = _start("--home", str(tmp_path), "status", "--json")

    assert (code, json.loads(out)["schema_version"]) == (0, 1)
    assert not modules & HEAVY


@pytest.mark.parametrize("name", [name for names in SECTIONS.values() for name in names])
def test_every_command_in_the_table_is_there_and_explains_itself(name: str) -> None:
    """The table and the modules agree."""
    from importlib import import_module

    command = import_module(f"autoclave.cli.commands.{name}").command

    assert command.help
