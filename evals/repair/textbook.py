"""Textbook algorithms, each with one realistic defect made by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from .tasks import Program, Task, inputs_from, make_task

HERE = Path(__file__).parent


def tasks() -> Iterator[Task]:
    table = tomllib.loads((HERE / "textbook.toml").read_text())
    counts: dict[str, int] = {}
    for row in table["defect"]:
        program = row["program"]
        counts[program] = number = counts.get(program, 0) + 1
        right = (HERE / "programs" / f"{program}.py").read_text()
        if right.count(row["right"].lstrip("\n")) != 1 and right.count(row["right"]) != 1:
            raise ValueError(f"{program}: the right text must stand in it exactly once")
        before = row["right"] if right.count(row["right"]) == 1 else row["right"].lstrip("\n")
        after = row["wrong"] if before == row["right"] else row["wrong"].lstrip("\n")
        if before.startswith("\n") and before.endswith("\n") and not row["wrong"]:
            after = "\n"
        name = f"{program}-{number}"
        whole = Program(
            files={f"{program}.py": right}, path=f"{program}.py", function=row["function"]
        )
        defect = whole.changed(right.replace(before, after))
        task = make_task(name, whole, defect, inputs_from(row["arguments"], seed=name))
        if task is None:
            raise ValueError(f"{name}: its tests can't see the defect")
        yield task
