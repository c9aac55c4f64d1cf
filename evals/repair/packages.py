"""Functions of public packages, installed into a private environment, with seeded defects."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

from .mutate import mutants
from .tasks import Program, Task, inputs_from, make_task

TABLE = Path(__file__).with_name("packages.toml")
PER_FUNCTION = 1


def tasks(folder: Path) -> Iterator[Task]:
    """One defect per function; the same ones every time."""
    table = tomllib.loads(TABLE.read_text())["package"]
    site = install(folder, sorted({row["requirement"] for row in table}))
    for row in table:
        root = row["file"].split("/")[0]
        files = {
            file.relative_to(site).as_posix(): file.read_text()
            for file in sorted((site / root).rglob("*.py"))
            if "tests" not in file.parts
        }
        for function, arguments in row["functions"].items():
            yield from _of_function(
                Program(files=files, path=row["file"], function=function), arguments
            )


def _of_function(program: Program, arguments: str) -> Iterator[Task]:
    name = f"{program.module}.{program.function}"
    inputs = inputs_from(arguments, seed=name)
    found = 0
    for changed in mutants(program.text, program.function, seed=name, most=12):
        task = make_task(name, program, program.changed(changed), inputs)
        if task is not None:
            yield task
            found += 1
        if found == PER_FUNCTION:
            return


def install(folder: Path, requirements: list[str]) -> Path:
    """Site-packages of a private environment that has exactly these."""
    stamp = folder / "installed.txt"
    python = folder / "venv" / "bin" / "python"
    if not stamp.exists() or stamp.read_text().split() != requirements:
        venv.create(folder / "venv", with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "-q", "--no-deps", *requirements]
        subprocess.run(command, check=True, stdout=sys.stderr)
        stamp.write_text("\n".join(requirements))
    return next((folder / "venv" / "lib").glob("python3*")) / "site-packages"
